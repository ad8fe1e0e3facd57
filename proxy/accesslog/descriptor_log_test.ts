/** The log of a data worker: whole lines to a file and a pipe, bounded, and past every failure of its reader. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { openLibc, SIZE } from "../linux/libc.ts";
import { Loop } from "../transport/epoll/loop.ts";
import { DescriptorLog } from "./descriptor_log.ts";
import { lineText } from "./format.ts";

const ignore = Deno.build.os !== "linux";
const SYMBOLS = {
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", SIZE], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const;
const O_WRONLY_CREAT_APPEND_CLOEXEC = 0o1 | 0o100 | 0o2000 | 0o2000000;
const O_NONBLOCK_CLOEXEC = 0o2004000;
/** What may wait for a slow reader, in characters. */
const BOUND = 8 * 1024 * 1024;
const MOMENT = Date.UTC(2026, 0, 1);

const MIDDLE = new TextEncoder().encode('","fields":');

/** A log, its loop, and what it writes to. */
class World {
  readonly loop = Loop.open();
  readonly warnings: string[] = [];
  readonly log = new DescriptorLog(
    this.loop,
    () => MOMENT,
    (message) => this.warnings.push(message),
  );
  readonly folder = Deno.makeTempDirSync({ prefix: "parley-log-" });
  readonly #libc = openLibc(SYMBOLS);
  readonly #buffer = new Uint8Array(1 << 20);

  file(name: string): number {
    const path = new TextEncoder().encode(`${this.folder}/${name}\0`);
    return this.#open(path);
  }

  /** A device that is full, always. */
  full(): number {
    return this.#open(new TextEncoder().encode("/dev/full\0"));
  }

  #open(path: Uint8Array<ArrayBuffer>): number {
    const { open } = this.#libc.symbols;
    const fd = open(path, O_WRONLY_CREAT_APPEND_CLOEXEC, 0o600);
    assert(fd >= 0);
    return fd;
  }

  /** A pipe whose end the log takes, as a worker's. */
  pipe(): { reads: number; writes: number } {
    const ends = new Int32Array(2);
    assertEquals(this.#libc.symbols.pipe2(ends, O_NONBLOCK_CLOEXEC), 0);
    return { reads: ends[0]!, writes: ends[1]! };
  }

  write(fields: string): void {
    this.log.write(MOMENT, MIDDLE, fields);
  }

  read(descriptor: number): string {
    const { read } = this.#libc.symbols;
    const count = read(descriptor, this.#buffer, this.#buffer.length);
    if (count <= 0) return "";
    return new TextDecoder().decode(this.#buffer.subarray(0, count));
  }

  close(descriptor: number): void {
    this.#libc.symbols.close(descriptor);
  }

  text(name: string): string {
    return Deno.readTextFileSync(`${this.folder}/${name}`);
  }

  /** Runs the loop until it is over. */
  run(isOver: () => boolean): void {
    let isLate = false;
    const late = {
      deadline: this.loop.now + 60_000,
      slot: undefined,
      expire: () => isLate = true,
    };
    this.loop.timers.add(late);
    this.loop.run(() => {
      assert(!isLate, "the loop waited too long");
      return isOver();
    });
    this.loop.timers.remove(late);
  }

  end(): void {
    this.loop[Symbol.dispose]();
    this.#libc.close();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

function test(name: string, fn: (world: World) => void): void {
  Deno.test({
    name,
    ignore,
    sanitizeResources: false, // a log is opened once in a worker, with its library
    fn() {
      const world = new World();
      try {
        fn(world);
      } finally {
        world.end();
      }
    },
  });
}

const fields = (number: number) => `{"line":${number},"text":"grüße"}`;
const line = (number: number) => whole(fields(number));
const whole = (fields: string) => lineText(MOMENT, MIDDLE, fields);
const numbersOf = (text: string) =>
  text.trimEnd().split("\n").map((line) => JSON.parse(line).fields)
    .flatMap(({ line }) => line === undefined ? [] : [line as number]);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

test("lines reach a file whole and in order, soon and without a flush", (world) => {
  world.log.open(world.file("a"));
  for (let i = 0; i < 100; i++) world.write(fields(i));
  assertEquals(world.text("a"), "", "they are written many at a time");
  assertEquals(world.log.isEmpty, false);
  world.run(() => world.log.isEmpty);
  assertEquals(world.text("a"), upTo(100).map(line).join(""));
});

test("fields that were written before are written as they are", (world) => {
  world.log.open(world.file("a"));
  world.log.write(MOMENT, MIDDLE, new TextEncoder().encode(fields(0)));
  world.write(fields(1));
  world.log.flush();
  assertEquals(world.text("a"), upTo(2).map(line).join(""));
});

test("a batch that is large enough does not wait", (world) => {
  world.log.open(world.file("a"));
  for (let i = 0; i < 10_000; i++) world.write(fields(i));
  assert(world.text("a").length > 100_000, "the loop has not turned yet");
  world.log.flush();
  assertEquals(numbersOf(world.text("a")), upTo(10_000));
});

test("lines before a descriptor is there wait for it", (world) => {
  world.write(fields(0));
  world.log.flush();
  world.log.open(world.file("a"));
  world.run(() => world.log.isEmpty);
  assertEquals(world.text("a"), line(0));
});

test("after a rotation lines go to the new file, and none is lost or split", (world) => {
  world.log.open(world.file("a"));
  world.write(fields(0));
  world.log.open(world.file("b"));
  world.write(fields(1));
  world.log.flush();
  assertEquals([world.text("a"), world.text("b")], [line(0), line(1)]);
  const { fd } = openFileOf(world, "a") ?? {};
  world.run(() => openFileOf(world, "a") === undefined);
  assertEquals(fd === undefined, false, "it is closed after the turn");
});

function openFileOf(
  { folder }: World,
  name: string,
): { fd: string } | undefined {
  for (const { name: fd } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const link = Deno.readLinkSync(`/proc/self/fd/${fd}`);
      if (link === `${folder}/${name}`) return { fd };
    } catch { /* the listing's own */ }
  }
  return undefined;
}

test("a reader that is slow for a while gets every line, whole and in order", (world) => {
  const { reads, writes } = world.pipe();
  world.log.open(writes);
  const count = 20_000; // more than a pipe holds, less than the bound
  for (let i = 0; i < count; i++) world.write(fields(i));
  world.log.flush();
  assertEquals(world.log.isEmpty, false);
  let text = "";
  world.run(() => {
    text += world.read(reads);
    return world.log.isEmpty;
  });
  text += world.read(reads);
  assertEquals(numbersOf(text), upTo(count));
  assertEquals([world.log.dropped, world.warnings], [0, []]);
  world.close(reads);
});

test("a reader that never reads costs a bounded memory; what is dropped is counted, told, and logged once it reads", (world) => {
  const { reads, writes } = world.pipe();
  world.log.open(writes);
  const text = "x".repeat(10_000);
  const long = (number: number) => `{"line":${number},"text":"${text}"}`;
  const count = 2000; // 20 MB
  for (let i = 0; i < count; i++) world.write(long(i));
  const dropped = world.log.dropped;
  const taken = (count - dropped) * whole(long(0)).length;
  assert(dropped > 0 && taken < BOUND + 1_000_000, `${taken} characters taken`);
  assertEquals(world.warnings, [], "who is slow is told when it is over");

  let all = "";
  world.run(() => {
    all += world.read(reads);
    return world.log.isEmpty;
  });
  all += world.read(reads);
  const lines = all.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(numbersOf(all), upTo(count - dropped));
  const reports = lines.filter(({ reason }) => reason === "lines-dropped");
  assertEquals(reports, [{
    time: "2026-01-01T00:00:00.000000Z",
    type: "accesslog",
    verdict: "error",
    reason: "lines-dropped",
    fields: { dropped },
  }]);
  assertEquals(world.warnings.length, 1);
  assertMatch(world.warnings[0]!, new RegExp(`slow: ${dropped} lines dropped`));
  assertEquals(world.log.dropped, dropped);

  world.write(fields(7));
  world.log.flush();
  assertEquals(world.read(reads), line(7));
  world.close(reads);
});

test("a line that is longer than the bound is taken when nothing waits", (world) => {
  world.log.open(world.file("a"));
  const text = "x".repeat(BOUND + 1);
  world.write(text);
  world.log.flush();
  assertEquals(world.text("a"), whole(text));
  assertEquals(world.log.dropped, 0);
});

const LOST: readonly {
  readonly name: string;
  readonly text: RegExp;
  open(world: World): number;
}[] = [
  {
    name: "a reader that is gone",
    text: /\(os error 32\)/,
    open(world) {
      const { reads, writes } = world.pipe();
      world.close(reads);
      return writes;
    },
  },
  {
    name: "a full disk",
    text: /\(os error 28\)/,
    open: (world) => world.full(),
  },
];

for (const { name, text, open } of LOST) {
  test(`${name} loses lines, which are counted and told in the system's words; the next file gets lines again`, (world) => {
    world.log.open(open(world));
    for (let i = 0; i < 3; i++) world.write(fields(i));
    world.run(() => world.log.isEmpty);
    assertEquals(world.log.dropped, 3);
    assertEquals(world.warnings.length, 1);
    assertMatch(world.warnings[0]!, text);
    assertMatch(world.warnings[0]!, /3 lines are dropped/);
    world.log.open(world.file("b"));
    world.write(fields(3));
    world.run(() => world.log.isEmpty);
    assertEquals(world.text("b"), line(3));
  });
}

test("a reader that goes while lines wait: they are given up and counted, and the loop goes on", (world) => {
  const { reads, writes } = world.pipe();
  world.log.open(writes);
  const count = 20_000;
  for (let i = 0; i < count; i++) world.write(fields(i));
  world.log.flush();
  const got = world.read(reads).split("\n").length - 1;
  world.close(reads);
  world.run(() => world.log.isEmpty);
  assertEquals(world.warnings.length, 1);
  assertMatch(world.warnings[0]!, /\(os error 32\)/);
  const lost = world.log.dropped;
  // A pipe's worth may have been taken and never read: nobody can know of that.
  assert(
    lost > 0 && lost <= count - got,
    `${lost} of ${count - got} lines that never arrived are counted`,
  );
});

/** Writes so many lines to a file that may not grow to more than a few blocks. */
const CROWDED = `
import { DescriptorLog } from ${
  JSON.stringify(import.meta.resolve("./descriptor_log.ts"))
};
import { openLibc } from ${
  JSON.stringify(import.meta.resolve("../linux/libc.ts"))
};
import { Loop } from ${
  JSON.stringify(import.meta.resolve("../transport/epoll/loop.ts"))
};
const loop = Loop.open();
const log = new DescriptorLog(loop, Date.now, (message) => console.log(message));
const libc = openLibc({
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
});
const path = new TextEncoder().encode(Deno.args[0] + "\\0");
log.open(libc.symbols.open(path, 0o2002101, 0o600));
const time = Date.now(), middle = new Uint8Array(30).fill(0x78);
for (let i = 0; i < 1000; i++) log.write(time, middle, "x".repeat(32));
const deadline = { deadline: loop.now + 60000, slot: undefined, expire() {} };
loop.timers.add(deadline);
loop.run(() => log.isEmpty || deadline.slot === undefined);
console.log("the loop went on;", log.dropped, "dropped");
`;

Deno.test({
  name:
    "a file that takes a part of a batch, as a disk does that becomes full, ends nothing",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "parley-log-" });
    try {
      await Deno.writeTextFile(`${folder}/program.ts`, CROWDED);
      // The file's size is limited, and the signal of that ignored: a short write, then an error.
      const { stdout, stderr } = await new Deno.Command("sh", {
        args: [
          "-c",
          'trap "" XFSZ; ulimit -f 50; exec "$0" "$@"',
          Deno.execPath(),
          ...["run", "-A", "--quiet", "--no-check", "--no-code-cache"],
          `--config=${new URL("../../deno.json", import.meta.url).pathname}`,
          ...[`${folder}/program.ts`, `${folder}/access.log`],
        ],
        env: { NO_COLOR: "1" },
        stdin: "null",
      }).output();
      const decoder = new TextDecoder();
      const said = decoder.decode(stdout);
      const [, dropped] = /the loop went on; (\d+) dropped/.exec(said) ?? [];
      assert(dropped !== undefined, `${said}${decoder.decode(stderr)}`);
      const log = await Deno.readTextFile(`${folder}/access.log`);
      const whole = log.split("\n").filter((line) => line.length === 99);
      assertEquals(whole.length + Number(dropped), 1000);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
