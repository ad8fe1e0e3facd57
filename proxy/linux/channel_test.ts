/** Bytes and descriptors between two ends of one pair. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  throws as assertThrows,
} from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  Channel,
  CHANNEL_SYMBOLS,
  openPair,
  type Received,
} from "./channel.ts";
import { EPIPE, SystemError } from "./errno.ts";
import { openLibc } from "./libc.ts";
import { runProgram } from "./program_test.ts";

const ignore = Deno.build.os !== "linux";
const PIPE = {
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
} as const;
const MIB = 1 << 20;

/** Two ends, closed with their block. */
class Ends implements Disposable {
  readonly libc = openLibc({ ...CHANNEL_SYMBOLS, ...PIPE });
  readonly a: Channel;
  readonly b: Channel;
  readonly #open = new Set<number>();

  constructor() {
    const { own, child } = openPair(this.libc);
    this.a = new Channel(this.libc, own);
    this.b = new Channel(this.libc, child);
    this.#open.add(own).add(child);
  }

  /** Both ends of a new pipe, which go with the block too. */
  pipe(): [number, number] {
    const ends = new Int32Array(2);
    assertEquals(this.libc.symbols.pipe2(ends, 0), 0);
    for (const end of ends) this.#open.add(end);
    return [...ends] as [number, number];
  }

  own(descriptor: number): number {
    this.#open.add(descriptor);
    return descriptor;
  }

  close(descriptor: number): void {
    if (this.#open.delete(descriptor)) this.libc.symbols.close(descriptor);
  }

  [Symbol.dispose](): void {
    for (const descriptor of [...this.#open]) this.close(descriptor);
    this.libc.close();
  }
}

/** Registers a test that must not leave a descriptor behind. */
function test(name: string, fn: (ends: Ends) => void | Promise<void>): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      const before = descriptors();
      {
        using ends = new Ends();
        await fn(ends);
      }
      assertEquals(descriptors(), before);
    },
  });
}

function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

function linkOf(descriptor: number): string {
  return Deno.readLinkSync(`/proc/self/fd/${descriptor}`);
}

function isCloexec(descriptor: number): boolean {
  const info = Deno.readTextFileSync(`/proc/self/fdinfo/${descriptor}`);
  const [, flags] = /^flags:\s*(\d+)/m.exec(info)!;
  return (Number.parseInt(flags!, 8) & 0o2000000) !== 0;
}

function received(value: Received | "nothing-yet" | undefined): Received {
  assert(value !== undefined && value !== "nothing-yet");
  return value;
}

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("the child's end is inherited, one's own is not", ({ a, b }) => {
  assertEquals([isCloexec(a.fd), isCloexec(b.fd)], [true, false]);
});

test("bytes pass both ways", ({ a, b }) => {
  assertEquals(a.receive(false), "nothing-yet");
  assertEquals(b.send(encode("to a")), 4);
  assertEquals(a.send(encode("to b")), 4);
  assertEquals(decode(received(a.receive(true)).bytes), "to a");
  assertEquals(decode(received(b.receive(false)).bytes), "to b");
  assertEquals(b.receive(false), "nothing-yet");
});

test("a descriptor passes: another number, the same file, closed at an exec", async (ends) => {
  const [reads, writes] = ends.pipe();
  assert(await ends.a.sendBeside(encode("x"), writes));
  const { bytes, descriptor } = received(ends.b.receive(false));
  assertEquals(decode(bytes), "x");
  assert(descriptor !== undefined && descriptor !== writes);
  ends.own(descriptor);
  assertEquals(linkOf(descriptor), linkOf(reads));
  assertEquals(isCloexec(descriptor), true);
});

test("a descriptor may be closed as soon as it was sent", async (ends) => {
  const [reads, writes] = ends.pipe();
  const link = linkOf(reads);
  assert(await ends.a.sendBeside(encode("x"), writes));
  ends.close(writes);
  const { descriptor } = received(ends.b.receive(false));
  assertEquals(linkOf(ends.own(descriptor!)), link);
});

test("after a descriptor, bytes come without one", async (ends) => {
  const [reads] = ends.pipe();
  await ends.a.sendBeside(encode("with"), reads);
  ends.own(received(ends.b.receive(false)).descriptor!);
  await ends.a.sendBeside(encode("without"));
  assertEquals(received(ends.b.receive(false)).descriptor, undefined);
});

test("many descriptors come in the order in which they were sent, none lost, none twice", async (ends) => {
  const links: string[] = [];
  const sent = (async () => {
    for (let i = 0; i < 40; i++) {
      const [reads, writes] = ends.pipe();
      links.push(linkOf(reads));
      // Every third message has none; every second comes in pieces.
      const bytes = encode("m".repeat(i % 2 === 0 ? 200_000 : 10) + "\n");
      await ends.a.sendBeside(bytes, i % 3 === 0 ? undefined : writes);
      ends.close(reads);
      ends.close(writes);
    }
  })();
  const came: string[] = [];
  for (let lines = 0; lines < 40;) {
    const { bytes, descriptor } = received(await ends.b.receiveBeside());
    lines += bytes.filter((byte) => byte === 0x0a).length;
    if (descriptor === undefined) continue;
    came.push(linkOf(descriptor));
    ends.libc.symbols.close(descriptor);
  }
  await sent;
  assertEquals(came, links.filter((_, i) => i % 3 !== 0));
});

test("8 MiB pass while the other end reads, unchanged", async ({ a, b }) => {
  const bytes = new Uint8Array(8 * MIB);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31 + (i >> 9)) % 251;
  const hash = createHash("sha256");
  const [sent] = await Promise.all([
    a.sendBeside(bytes),
    (async () => {
      for (let got = 0; got < bytes.length;) {
        const piece = received(await b.receiveBeside()).bytes;
        hash.update(piece);
        got += piece.length;
      }
    })(),
  ]);
  assertEquals(sent, true);
  assertEquals(
    hash.digest("hex"),
    createHash("sha256").update(bytes).digest("hex"),
  );
});

test("send() takes what there is room for, then nothing, and does not wait", ({ a, b }) => {
  const bytes = new Uint8Array(MIB);
  let taken = 0;
  for (let sent = a.send(bytes); sent > 0; sent = a.send(bytes)) taken += sent;
  assert(taken > 0 && taken < 16 * MIB, `${taken} bytes`);
  let read = 0;
  for (;;) {
    const piece = b.receive(false);
    if (piece === "nothing-yet") break;
    read += received(piece).bytes.length;
  }
  assertEquals(read, taken);
  assert(a.send(bytes) > 0);
});

test("when the peer is gone, what it sent is read first, then its end", (ends) => {
  ends.b.send(encode("last words"));
  ends.close(ends.b.fd);
  assertEquals(decode(received(ends.a.receive(false)).bytes), "last words");
  assertEquals(ends.a.receive(false), undefined);
  assertEquals(ends.a.receive(true), undefined);
});

test("sending to a peer that is gone is an error, and no signal", async (ends) => {
  ends.close(ends.b.fd);
  assertThrows(
    () => ends.a.send(encode("x")),
    (error: unknown) => error instanceof SystemError && error.errno === EPIPE,
  );
  assertEquals(await ends.a.sendBeside(encode("x")), false);
  assertEquals(await ends.a.receiveBeside(), undefined);
});

test("a peer that goes with unread bytes is gone all the same", async (ends) => {
  ends.a.send(encode("never read"));
  ends.close(ends.b.fd);
  assertEquals(ends.a.receive(false), undefined);
  assertEquals(await ends.a.receiveBeside(), undefined);
});

test("shut() ends whoever waits, at both ends", async ({ a, b }) => {
  const waiting = [a.receiveBeside(), b.receiveBeside()];
  const full = a.sendBeside(new Uint8Array(16 * MIB)); // nobody reads all that
  await waiting[1]; // it got the first of it
  a.shut();
  assertEquals(await full, false);
  assertEquals(await waiting[0], undefined);
});

Deno.test({
  name:
    "bytes and descriptors pass after foreign functions were revoked, as in a worker",
  ignore,
  async fn() {
    const said = await runProgram(
      `import { Channel, CHANNEL_SYMBOLS, openPair } from ${
        JSON.stringify(import.meta.resolve("./channel.ts"))
      };
       import { openLibc } from ${
        JSON.stringify(import.meta.resolve("./libc.ts"))
      };
       const libc = openLibc({ ...CHANNEL_SYMBOLS,
         pipe2: { parameters: ["buffer", "i32"], result: "i32" } });
       const { own, child } = openPair(libc);
       const a = new Channel(libc, own);
       const b = new Channel(libc, child);
       const ends = new Int32Array(2);
       libc.symbols.pipe2(ends, 0);
       await Deno.permissions.revoke({ name: "ffi" });
       const link = (fd) => Deno.readLinkSync("/proc/self/fd/" + fd);
       await a.sendBeside(new TextEncoder().encode("beside"), ends[1]);
       const one = b.receive(true);
       console.log(new TextDecoder().decode(one.bytes), link(one.descriptor) === link(ends[0]));
       a.send(new TextEncoder().encode("at once"));
       const two = await b.receiveBeside();
       console.log(new TextDecoder().decode(two.bytes), two.descriptor);
       libc.symbols.close(own);
       console.log(b.receive(true), await b.sendBeside(new Uint8Array(1)));`,
      ["--allow-ffi", "--allow-read"],
    );
    assertEquals(
      said,
      "beside true\nat once undefined\nundefined false\n",
    );
  },
});
