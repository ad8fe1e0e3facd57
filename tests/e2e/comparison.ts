/**
 * Compares what comes back through an allow-all sidecar with what memcached
 * says itself.
 *
 * memcached does not always agree with itself when an input reaches it in other
 * pieces, so each input goes to one server whole and to another in pieces, and
 * is judged where these two agree.
 *
 * An input that ends inside a value, or goes astray in another way, makes the
 * server drop replies that it had ready but not sent. There the sidecar, which
 * waits for them, may say more; never less, and nothing else. So does a `get`
 * with an over-long key, if earlier replies are still unsent.
 *
 * @module
 */
import type { Tool } from "../setup/mod.ts";
import { withKeys } from "./arbitraries.ts";
import { BINARY_END_REPLY } from "./binary_inputs.ts";
import {
  cut,
  encode,
  Memcached,
  type Received,
  Sidecar,
  type Wire,
} from "./harness.ts";

/** The last lines of a text input, by whose answer it is known that all were read. */
export const END = "version\r\n";

/**
 * Two servers to compare with, and one behind the sidecar. All are told the same
 * from their start on, so that even their CAS numbers are alike: one case at a
 * time.
 */
export class Servers implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #servers: Memcached[] = [];
  #sidecar!: Sidecar;
  #cases = 0;
  /** What the last comparison found, if it was made slowly. */
  difference = "";

  static async start(
    tool: Tool,
  ): Promise<Servers> {
    const servers = new Servers();
    const start = () =>
      Memcached.start(tool, {
        quiet: true,
        args: ["-I", "2k", "-o", "slab_chunk_max=1024"],
      });
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
    { unfinished, slowly }: {
      /** The end may not be reached; then the server drops replies that wait. */
      unfinished: boolean;
      /** How to cut the input so that the server has time for each piece. */
      slowly?: (input: Uint8Array) => Uint8Array[];
    },
  ): Promise<"same" | "different" | "undecided"> {
    const text = withKeys(input, ++this.#cases);
    const bytes = encode(text);
    const places = cuts.map((part) => Math.floor(part * bytes.length / 1000));
    const sidecar = this.#sidecar.connect();
    const client = await sidecar;
    const [whole, pieces, proxied] = await Promise.all([
      exchange(this.#servers[0]!.connect(), [bytes]),
      slowly
        ? exchange(this.#servers[1]!.connect(), slowly(bytes), PAUSE_MS)
        : exchange(this.#servers[1]!.connect(), cut(bytes, places)),
      exchange(sidecar, cut(bytes, places)),
    ]);

    const same = timeless(proxied.text) === timeless(whole.text) ||
      LONG_KEY.test(text) && saysAll(proxied.text, whole.text) ||
      unfinished && !isAtEnd(whole.text) && proxied.text.startsWith(whole.text);
    const agreed = timeless(whole.text) === timeless(pieces.text);
    if (proxied.text !== whole.text || !agreed) await this.#level();
    if (!agreed || [whole, pieces].some(({ end }) => end === "reset")) {
      return "undecided";
    }
    if (same) return "same";
    if (!slowly) return "different";
    await this.#sidecar.log.closed(client);
    const log = await this.#sidecar.log.lines({ source: client });
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
/** A key that memcached refuses, in a command of the get family. */
const LONG_KEY = /\b(get|gets|gat|gats|bget) [^\r\n]*[^ \r\n]{251}/;

/** Meta replies without the seconds that an item still has: a clock may tick between two servers. */
function timeless(answers: string): string {
  return answers.replace(/ ([tl])\d+(?=[ \r])/g, " $1");
}

/** Whether all lines of `fewer` stand in `more`, in their order. */
function saysAll(more: string, fewer: string): boolean {
  const lines = fewer.split("\n");
  let found = 0;
  for (const line of more.split("\n")) if (line === lines[found]) found++;
  return found === lines.length;
}

/** Whether a server's answers are those to a whole input; see `END` and `BINARY_END`. */
function isAtEnd(answers: string): boolean {
  return answers.endsWith(BINARY_END_REPLY) ||
    /VERSION [\d.]+\r\n$/.test(answers);
}

async function exchange(
  connecting: Promise<Wire>,
  pieces: readonly Uint8Array[],
  pause?: number,
): Promise<Received> {
  using wire = await connecting;
  return await wire.exchange(pieces, pause);
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
