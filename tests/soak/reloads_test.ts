/**
 * A parser is swapped again and again under full load: no connection is closed,
 * no reply is wrong or out of order, and at the end every connection is read by
 * the newest version.
 *
 * `PARLEY_SOAK_RELOADS` says how many, one a second at the fastest. Latencies
 * are printed, not asserted: on a shared machine they say what the others do.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import {
  countFrom,
  Memcached,
  memcachePolicy,
  poll,
  Sidecar,
} from "../e2e/harness.ts";
import { memcachedServer, testWith } from "../setup/mod.ts";

const tools = { memcached: await memcachedServer() };
const RELOADS = countFrom("PARLEY_SOAK_RELOADS", 60);
/** Several take-overs, so that their workers can be compared with each other. */
const RECYCLE_AFTER = Math.min(50, Math.max(1, Math.floor(RELOADS / 5)));
const CONNECTIONS = 64;
/** Requests that a client sends before it reads. */
const DEPTH = 8;
const PERIOD_MS = 1000;
/** Stands in lines that tell of a connection's end. */
const CONNECTION_LINE = '"type":"connection"';
/** What the processes may have more after the last take-over than after the first. */
const SLACK = 64 * (1 << 20);
const MEMCACHE = new URL("../../parsers/memcache/", import.meta.url);
const TAKES_OVER = /takes over from worker/;

testWith(
  tools,
  `soak: ${RELOADS} reloads of a parser under full load lose nothing`,
  async ({ memcached }) => {
    await using server = await Memcached.start(memcached, { quiet: true });
    await using sidecar = await Sidecar.start({
      upstream: server.address,
      config: {
        limits: { drain: "5s" },
        parsers: { folders: ["parsers"], recycleAfter: RECYCLE_AFTER },
      },
      policies: {
        "guard.yaml": memcachePolicy({
          rules: [{ command: "get" }, { command: "version" }],
        }),
      },
    });
    const parser = await Source.copied(sidecar);
    const from = sidecar.said.length;
    await parser.save(0);
    await sidecar.said.until(isSwap, "its first version", from);
    const clients = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => Client.open(sidecar.port)),
    );
    let isOver = false;
    const work = Promise.all(clients.map((client) => client.run(() => isOver)));
    work.catch(() => isOver = true); // what fails is awaited below
    try {
      await delay(5000);
      const quiet = takeLatencies(clients);
      const { delays, during, afterTakeOver } = await reloadOften(
        sidecar,
        parser,
        clients,
        work,
      );
      await poll(
        () => clients.every(({ word }) => word === parser.word) || undefined,
        () => `every connection on ${parser.word}`,
      );
      isOver = true;
      await work;
      assertEquals(await countLines(sidecar.log.path, CONNECTION_LINE), 0);
      const first = afterTakeOver[0]!;
      let last = afterTakeOver.at(-1)!;
      await poll(async () => {
        if (last < first + SLACK) return true;
        last = await sidecar.memory(); // a collector may have been late
        return undefined;
      }, () => `end of memory: ${mebibytes(last)}, ${mebibytes(first)} first;`);
      console.log(
        `${sum(clients)} replies; p99 of ${DEPTH} requests ${
          percentile(quiet, 99)
        } ms without reloads, ${percentile(during, 99)} ms with; ` +
          `in force after ${percentile(delays, 50)} ms (median); memory ${
            mebibytes(first)
          } after the first of ${afterTakeOver.length} take-overs, ${
            mebibytes(last)
          } after the last`,
      );
    } finally {
      isOver = true;
      await Promise.allSettled([work]);
      for (const client of clients) client.close();
    }
  },
);

/** How many lines of a file have a text. It may be larger than memory: a thousand reloads log 11 GB. */
async function countLines(path: string, text: string): Promise<number> {
  const { stdout } = await new Deno.Command("grep", {
    args: ["--count", "--fixed-strings", text, path],
  }).output();
  return Number(new TextDecoder().decode(stdout));
}

function isSwap(line: string): boolean {
  return /parser memcache@\w+ serves/.test(line);
}

/** Saves the parser once a second; every other version words denials otherwise. */
async function reloadOften(
  sidecar: Sidecar,
  parser: Source,
  clients: readonly Client[],
  work: Promise<unknown>,
) {
  const delays: number[] = [];
  const during: number[] = [];
  const afterTakeOver: number[] = [];
  for (let i = 1; i <= RELOADS; i++) {
    const begun = performance.now();
    const from = sidecar.said.length;
    await parser.save(i);
    await Promise.race([
      sidecar.said.until(isSwap, `version ${i}`, from),
      work, // a client that fails ends the test at once
    ]);
    if (parser.isNewWord(i)) {
      await poll(
        () => clients.some(({ word }) => word === parser.word) || undefined,
        () => `an answer of ${parser.word}`,
      );
      delays.push(performance.now() - begun);
    }
    await delay(Math.max(0, begun + PERIOD_MS - performance.now()));
    const latencies = takeLatencies(clients);
    if (!sidecar.said.all(from).some((line) => TAKES_OVER.test(line))) {
      during.push(...latencies);
    } else {
      await poll(
        async () => (await sidecar.workers()).length === 1 || undefined,
        () => "one worker",
      );
      afterTakeOver.push(await sidecar.memory());
    }
  }
  return { delays, during, afterTakeOver };
}

/** The memcache parser, in the sidecar's own folder and with other words. */
class Source {
  readonly #text: string;
  readonly #sidecar: Sidecar;
  word = "";

  private constructor(sidecar: Sidecar, text: string) {
    this.#sidecar = sidecar;
    this.#text = text;
  }

  static async copied(sidecar: Sidecar): Promise<Source> {
    let entry = "";
    for await (const { name } of Deno.readDir(MEMCACHE)) {
      if (!name.endsWith(".ts") || name.includes("test")) continue;
      const text = await Deno.readTextFile(new URL(name, MEMCACHE));
      if (name === "mod.ts") entry = text;
      else await sidecar.saveParser(`memcache/${name}`, text);
    }
    return new Source(sidecar, entry);
  }

  isNewWord(version: number): boolean {
    return version % 2 === 1;
  }

  async save(version: number): Promise<void> {
    this.word = `denied-${Math.ceil(version / 2)}`;
    const text = this.#text.replace(
      '"CLIENT_ERROR access denied\\r\\n"',
      `"CLIENT_ERROR ${this.word}\\r\\n"`,
    );
    assert(text !== this.#text, "the parser words its denials elsewhere");
    await this.#sidecar.saveParser(
      "memcache/mod.ts",
      `${text}\n// version ${version}\n`,
    );
  }
}

/** Sends requests and checks every reply. */
class Client {
  readonly #conn: Deno.Conn;
  readonly #decoder = new TextDecoder();
  latencies: number[] = [];
  replies = 0;
  /** The newest wording of a denial. */
  word = "";

  private constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  static async open(port: number): Promise<Client> {
    return new Client(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  close(): void {
    try {
      this.#conn.close();
    } catch { /* it was closed by the other side */ }
  }

  async run(isOver: () => boolean): Promise<void> {
    const requests = new TextEncoder().encode(
      Array.from(
        { length: DEPTH },
        (_, i) => i % 2 === 0 ? "get nothing\r\n" : "set a 0 0 2\r\nhi\r\n",
      ).join(""),
    );
    const buffer = new Uint8Array(4096);
    while (!isOver()) {
      const begun = performance.now();
      for (let at = 0; at < requests.length;) {
        at += await this.#conn.write(requests.subarray(at));
      }
      let text = "";
      for (let lines = 0; lines < DEPTH;) {
        const read = await this.#conn.read(buffer);
        assert(read !== null, "the connection was closed");
        text += this.#decoder.decode(buffer.subarray(0, read));
        lines = text.split("\r\n").length - 1;
      }
      this.latencies.push(performance.now() - begun);
      this.#check(text.split("\r\n"));
    }
  }

  #check(lines: readonly string[]): void {
    assertEquals(lines.length, DEPTH + 1);
    for (let i = 0; i < DEPTH; i += 2) {
      assertEquals(lines[i], "END");
      const [, word, number] = /^CLIENT_ERROR (denied-(\d+))$/
        .exec(lines[i + 1]!) ?? [];
      assert(word !== undefined, `${lines[i + 1]} is no denial`);
      const before = Number(/\d+$/.exec(this.word)?.[0] ?? 0);
      assert(Number(number) >= before, `${word} after ${this.word}`);
      this.word = word;
    }
    this.replies += DEPTH;
  }
}

function takeLatencies(clients: readonly Client[]): number[] {
  return clients.flatMap((client) => {
    const { latencies } = client;
    client.latencies = [];
    return latencies;
  });
}

function percentile(values: readonly number[], percent: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = Math.floor(sorted.length * percent / 100);
  return (sorted[Math.min(at, sorted.length - 1)] ?? NaN).toFixed(1);
}

function sum(clients: readonly Client[]): number {
  return clients.reduce((sum, { replies }) => sum + replies, 0);
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / (1 << 20))} MiB`;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
