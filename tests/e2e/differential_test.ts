/**
 * An allow-all sidecar is not there: whatever is sent, in order or not, comes
 * back as from memcached itself.
 *
 * memcached does not always agree with itself when an input reaches it in other
 * pieces, so each input goes to one server whole and to another in pieces, and
 * is judged where these two agree. All three servers are told the same from
 * their start on, so that even their CAS numbers are alike.
 */
import { ok as assert } from "node:assert/strict";
import fc from "fast-check";
import { memcachedServer, testWith } from "../setup/mod.ts";
import {
  countFrom,
  cut,
  encode,
  Memcached,
  type Received,
  Sidecar,
  type Wire,
} from "./harness.ts";
import {
  hasLongLine,
  isOther,
  KEY,
  piece,
  type Vocabulary,
} from "./text_inputs.ts";

const tools = { memcached: await memcachedServer() };
const CASES = countFrom("PARLEY_DIFF_CASES", 1500);
const SEED = countFrom("PARLEY_DIFF_SEED", 20_261_124);

/** Without what depends on the moment, and what works on from case to case. */
const KEYLESS = [
  ...["version", "version x", "verbosity", "verbosity 0", "verbosity x"],
  ...["stats sizes", "stats nonsense", "stats detail", "stats detail dump"],
  ...["flush_all", "flush_all 0", "flush_all x", "flush_all -1"],
  ...["slabs", "slabs x", "slabs automove x", "slabs reassign x y"],
  ...["lru", "lru tune", "lru mode x", "lru_crawler", "lru_crawler x"],
  ...["lru_crawler sleep x", "lru_crawler metadump x", "watch nonsense"],
  ...["cache_memlimit", "cache_memlimit x", "cache_memlimit 64"],
  ...["misbehave", "shutdown", "extstore", "extstore x y", "refresh_certs"],
  ...["debugtime x", "bogus", "g", "geta", "gett a", "SET a 0 0 1"],
];

/** Two families: in one every value comes to its end, so that all replies must be there. */
const FAMILIES: readonly (Vocabulary & { readonly end: string })[] = [
  {
    keys: [KEY],
    keyless: KEYLESS,
    unfinished: false,
    end: `${"p".repeat(80)}\r\nversion\r\n`,
  },
  {
    keys: [KEY],
    keyless: KEYLESS,
    unfinished: true,
    end: "\r\nversion\r\n",
  },
];

for (const [index, { end, ...vocabulary }] of FAMILIES.entries()) {
  const what = vocabulary.unfinished
    ? "inputs that may end inside a value"
    : "inputs whose values end";
  testWith(
    tools,
    `differential: an allow-all sidecar answers ${what} as memcached does`,
    async (tools) => {
      await using servers = await Servers.start(tools.memcached);
      let judged = 0;
      const input = fc.record({
        pieces: fc.array(piece(vocabulary), { minLength: 1, maxLength: 12 }),
        cuts: fc.array(fc.nat(1000), { maxLength: 6 }),
      });
      const property = fc.asyncProperty(input, async ({ pieces, cuts }) => {
        const text = pieces.join("") + end;
        fc.pre(!isOther(text) && !hasLongLine(text));
        let outcome = await servers.compare(text, cuts, vocabulary);
        if (outcome === "different") {
          // Its pieces may have reached the server together.
          const lines = { ...vocabulary, slowly: true };
          outcome = await servers.compare(text, cuts, lines);
        }
        if (outcome !== "undecided") judged++;
        assert(outcome !== "different", servers.difference);
      });
      await fc.assert(property, {
        seed: SEED + index,
        numRuns: Math.ceil(CASES / FAMILIES.length),
      });
      assert(
        judged > CASES / FAMILIES.length / 2,
        `only ${judged} were judged`,
      );
    },
  );
}

/** Inputs that were answered otherwise once. */
const FORMER: readonly { readonly name: string; readonly input: string }[] = [
  {
    name: "refresh_certs, which answers in spite of noreply",
    input: "refresh_certs noreply\r\nget\r\n",
  },
  {
    name: "words that are counted before noreply is looked for",
    input: "verbosity 0 0 noreply\r\nflush_all 0 0 noreply\r\n" +
      "cache_memlimit 64 64 noreply\r\ngat x\r\n",
  },
  {
    name:
      "the binary protocol's first byte behind what never reaches the server",
    input: "get\r\n\x80\x01\r\nget a\r\n",
  },
];
testWith(
  tools,
  "differential: what was answered otherwise once is answered as memcached does",
  async (tools, test) => {
    await using servers = await Servers.start(tools.memcached);
    for (const { name, input } of FORMER) {
      await test.step(name, async () => {
        const text = `${input}version\r\n`;
        const outcome = await servers.compare(text, [], {
          unfinished: false,
          slowly: true,
        });
        assert(outcome === "same", servers.difference);
      });
    }
  },
);

/** Two servers to compare with, and one behind the sidecar. */
class Servers implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #servers: Memcached[] = [];
  #sidecar!: Sidecar;
  #cases = 0;
  /** What the last comparison found, if it was made slowly. */
  difference = "";

  static async start(
    tool: Parameters<typeof Memcached.start>[0],
  ): Promise<Servers> {
    const servers = new Servers();
    const start = () => Memcached.start(tool, { quiet: true });
    for (const server of [await start(), await start(), await start()]) {
      servers.#servers.push(servers.#stack.use(server));
    }
    servers.#sidecar = servers.#stack.use(
      await Sidecar.start({
        upstream: servers.#servers[2]!.address,
        l7proto: "memcache",
      }),
    );
    return servers;
  }

  /** Sends a case of its own keys whole, in pieces, and through the sidecar. */
  async compare(
    input: string,
    cuts: readonly number[],
    { unfinished, slowly = false }: Pick<Vocabulary, "unfinished"> & {
      /** Line by line, each when the server had time for those before. */
      slowly?: boolean;
    },
  ): Promise<"same" | "different" | "undecided"> {
    const text = input.replaceAll(KEY, `k${++this.#cases}:`);
    const bytes = encode(text);
    const places = cuts.map((part) => Math.floor(part * bytes.length / 1000));
    const since = new Date().toISOString().replace("Z", "");
    const sidecar = this.#sidecar.connect();
    const { address } = await sidecar;
    const [whole, pieces, proxied] = await Promise.all([
      exchange(this.#servers[0]!.connect(), [bytes]),
      slowly
        ? exchange(this.#servers[1]!.connect(), lines(bytes), PAUSE_MS)
        : exchange(this.#servers[1]!.connect(), cut(bytes, places)),
      exchange(sidecar, cut(bytes, places)),
    ]);

    const same = proxied.text === whole.text ||
      // The server drops replies that wait when an input ends inside a value.
      unfinished && !SENTINEL_REPLY.test(whole.text) &&
        proxied.text.startsWith(whole.text);
    const agreed = whole.text === pieces.text;
    if (proxied.text !== whole.text || !agreed) await this.#level();
    if (!agreed || [whole, pieces].some(({ end }) => end === "reset")) {
      return "undecided";
    }
    if (same) return "same";
    if (!slowly) return "different";
    await this.#sidecar.log.closed(address, since);
    const log = await this.#sidecar.log.lines({ source: address, since });
    this.difference = `${JSON.stringify(text)} in ${places}\n` +
      `  memcached: ${JSON.stringify(whole)}\n` +
      `  through the sidecar: ${JSON.stringify(proxied)}\n` +
      log.map(({ type, verdict, reason, fields }) =>
        `  ${type} ${verdict} ${reason} ${JSON.stringify(fields)}\n`
      ).join("");
    return "different";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  /** Where two servers disagreed they may keep other items, and count other changes: makes them alike. */
  async #level(): Promise<void> {
    await Promise.all(this.#servers.map(async (server) => {
      using wire = await server.connect();
      await wire.ask("flush_all\r\n", "OK\r\n");
    }));
    const last = await Promise.all(this.#servers.map(casNumber));
    const most = Math.max(...last);
    await Promise.all(this.#servers.map(async (server, i) => {
      const behind = most - last[i]!;
      if (behind === 0) return;
      using wire = await server.connect();
      await wire.send("set level 0 0 1 noreply\r\nx\r\n".repeat(behind));
      await wire.ask("version\r\n", "\r\n");
    }));
  }
}

const PAUSE_MS = 10;
const SENTINEL_REPLY = /VERSION [\d.]+\r\n$/;

async function exchange(
  connecting: Promise<Wire>,
  pieces: readonly Uint8Array[],
  pause?: number,
): Promise<Received> {
  using wire = await connecting;
  return await wire.exchange(pieces, pause);
}

function lines(bytes: Uint8Array): Uint8Array[] {
  const ends = [...bytes].flatMap((byte, at) => byte === 0x0a ? [at + 1] : []);
  return cut(bytes, ends);
}

/** The number of the server's last change. */
async function casNumber(server: Memcached): Promise<number> {
  using wire = await server.connect();
  const reply = await wire.ask(
    "set level 0 0 1\r\nx\r\ngets level\r\n",
    "END\r\n",
  );
  return Number(/VALUE level 0 1 (\d+)/.exec(reply)![1]);
}
