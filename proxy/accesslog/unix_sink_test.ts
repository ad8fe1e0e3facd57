import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { unixSink } from "./unix_sink.ts";
import { LogWriter } from "./writer.ts";

/** What the sink and the writer told the operator. */
interface Said {
  readonly infos: string[];
  readonly warnings: string[];
}

/** A path for a socket, and a writer to it that tries again soon. */
async function withWriter(
  test: (path: string, writer: LogWriter, said: Said) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const said: Said = { infos: [], warnings: [] };
  const path = `${folder}/log.sock`;
  const warn = (message: string) => void said.warnings.push(message);
  const info = (message: string) => void said.infos.push(message);
  const sink = unixSink(path, { info, warn, firstWait: 1, longestWait: 4 });
  const writer = new LogWriter(sink, warn);
  try {
    await test(path, writer, said);
  } finally {
    await writer.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Listens, takes one connection, and reads it. */
class Listener {
  readonly #listener: Deno.UnixListener;
  #connection: Deno.UnixConn | undefined;
  #text = "";

  constructor(path: string) {
    this.#listener = Deno.listen({ transport: "unix", path });
  }

  /** What has come once `isEnough` says so, or the writer has hung up. */
  async read(isEnough: (text: string) => boolean): Promise<string> {
    const connection = await this.accept();
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(64 * 1024);
    while (!isEnough(this.#text)) {
      const length = await connection.read(buffer);
      if (length === null) break;
      this.#text += decoder.decode(buffer.subarray(0, length), {
        stream: true,
      });
    }
    return this.#text;
  }

  async accept(): Promise<Deno.UnixConn> {
    return this.#connection ??= await this.#listener.accept();
  }

  [Symbol.dispose](): void {
    this.#connection?.close();
    this.#listener.close();
  }
}

const line = (n: number) => `{"n":${n},"text":"${"é".repeat(20)}"}\n`;
const ends = (n: number) => (text: string) => text.endsWith(line(n));

function numbers(text: string): number[] {
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line).n);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

Deno.test("unixSink() hands over whole lines, in order", () =>
  withWriter(async (path, writer, said) => {
    using listener = new Listener(path);
    for (const n of range(1, 5_000)) writer.write(line(n));
    const text = await listener.read(ends(5_000));
    assertEquals(text, range(1, 5_000).map(line).join(""));
    assertEquals(said, { infos: [], warnings: [] });
  }));

Deno.test("unixSink() waits for a listener that is away at the start, and says so once", () =>
  withWriter(async (path, writer, said) => {
    writer.write(line(1));
    while (said.warnings.length === 0) {
      await new Promise((go) => setTimeout(go));
    }
    writer.write(line(2));
    using listener = new Listener(path);
    assertEquals(numbers(await listener.read(ends(2))), [1, 2]);
    assertEquals([said.warnings.length, said.infos.length], [1, 1]);
    assert(said.warnings[0]!.includes(path), said.warnings[0]);
  }));

Deno.test("unixSink() goes on with a listener that comes back", () =>
  withWriter(async (path, writer, said) => {
    {
      using listener = new Listener(path);
      writer.write(line(1));
      await listener.read(ends(1));
    }
    writer.write(line(2));
    while (said.warnings.length === 0) {
      await new Promise((go) => setTimeout(go));
    }
    using listener = new Listener(path);
    writer.write(line(3));
    assertEquals(numbers(await listener.read(ends(3))), [2, 3]);
  }));

Deno.test("unixSink() begins with a whole line after a connection that broke inside one", () =>
  withWriter(async (path, writer) => {
    const last = 40_000; // more than the system takes while nobody reads
    let first: string;
    {
      using listener = new Listener(path);
      for (const n of range(1, last)) writer.write(line(n));
      first = await listener.read((text) => text.length > 1000);
    }
    using listener = new Listener(path);
    const rest = numbers(await listener.read(ends(last)));
    assertEquals(rest, range(rest[0]!, last));
    const seen = numbers(first.slice(0, first.lastIndexOf("\n") + 1));
    assert(rest[0]! > seen.at(-1)!, "no whole line is sent twice");
    assert(rest[0]! < last / 2, "the connection broke early");
  }));

Deno.test("unixSink() connects anew when it is reopened", () =>
  withWriter(async (path, writer) => {
    using before = new Listener(path);
    writer.write(line(1));
    await before.read(ends(1));
    await Deno.rename(path, `${path}.old`);
    using after = new Listener(path);
    writer.reopen();
    writer.write(line(2));
    assertEquals(numbers(await after.read(ends(2))), [2]);
  }));

Deno.test("unixSink() lets the writer drop what is past its bound, count it, and log the count", () =>
  withWriter(async (path, writer, said) => {
    const long = `{"n":1,"text":"${"x".repeat(1 << 20)}"}\n`;
    for (let i = 0; i < 20; i++) writer.write(long); // in one turn: none has left
    using listener = new Listener(path);
    const text = await listener.read((text) => text.includes("lines-dropped"));
    const lines = text.split("\n").filter((line) => line !== "");
    const { reason, fields } = JSON.parse(lines.at(-1)!);
    assertEquals([lines.length - 1, reason, fields], [
      7,
      "lines-dropped",
      { dropped: 13 },
    ]);
    assert(said.warnings.some((text) => text.includes("13 lines dropped")));
  }));

Deno.test("unixSink() counts the batch that it holds against the bound", () =>
  withWriter(async (path, writer, said) => {
    const long = `{"n":1,"text":"${"x".repeat(1 << 20)}"}\n`;
    for (let i = 0; i < 5; i++) writer.write(long);
    while (said.warnings.length === 0) {
      await new Promise((go) => setTimeout(go));
    }
    for (let i = 0; i < 5; i++) writer.write(long);
    using listener = new Listener(path);
    const text = await listener.read((text) => text.includes("lines-dropped"));
    assert(text.includes('"dropped":3'), text.slice(-200));
  }));

const ENDS = [
  { name: "nobody listens", listens: false, least: 20_000 },
  { name: "a listener does not read", listens: true, least: 10_000 },
];

for (const { name, listens, least } of ENDS) {
  Deno.test(`unixSink() can be closed while ${name}, and says how many lines are lost`, () =>
    withWriter(async (path, writer, said) => {
      using listener = listens ? new Listener(path) : undefined;
      for (const n of range(1, 20_000)) writer.write(line(n));
      await listener?.accept();
      await writer.close();
      const lost = said.warnings.flatMap((text) =>
        Number(/(\d+) lines are dropped/.exec(text)?.[1] ?? 0)
      ).reduce((sum, count) => sum + count);
      assert(lost >= least && lost <= 20_000, said.warnings.join("\n"));
    }));
}
