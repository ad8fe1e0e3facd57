/**
 * What a client must see of memcached behind a policy: a model of the server,
 * of the rules of {@linkcode MODEL_RULES}, and random requests for both.
 *
 * @module
 */
import type { Random } from "../random.ts";
import type { Rule } from "./sidecar.ts";

/** Everything on keys `ok:`, and what has no key but does no harm. */
export const MODEL_RULES: readonly Rule[] = [
  { command: "get", keyPrefix: "ok:" },
  { command: "writeGroup", keyPrefix: "ok:" },
  { command: "stats" },
  { command: "version" },
];

const DENIED = "CLIENT_ERROR access denied\r\n";

/** A request, and what becomes of it. */
export interface Exchange {
  readonly request: string;
  /** Of `statistics` only the shape is known. */
  readonly reply: string | "statistics";
  readonly verdict: "forwarded" | "denied" | "error";
}

/** Compares what came back with what must have; a sentence about the first difference. */
export function difference(
  received: string,
  exchanges: readonly Exchange[],
): string | undefined {
  let at = 0;
  for (const [index, { request, reply }] of exchanges.entries()) {
    const wanted = reply === "statistics" ? statisticsAt(received, at) : reply;
    if (wanted !== undefined && received.startsWith(wanted, at)) {
      at += wanted.length;
      continue;
    }
    const got = JSON.stringify(received.slice(at, at + 200));
    return `request ${index}, ${JSON.stringify(request.slice(0, 100))}: ` +
      `wanted ${JSON.stringify(reply.slice(0, 200))}, got ${got}`;
  }
  return at === received.length
    ? undefined
    : `more than was asked for: ${
      JSON.stringify(received.slice(at, at + 200))
    }`;
}

function statisticsAt(received: string, at: number): string | undefined {
  const statistics = /(?:STAT [^\r\n]*\r\n)+END\r\n/y;
  statistics.lastIndex = at;
  return statistics.exec(received)?.[0];
}

/** Makes requests, and keeps what the server would. */
export class Model {
  readonly #random: Random;
  readonly #values = new Map<string, string>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** `large`: now and then a value of hundreds of kilobytes. */
  exchanges(count: number, large: boolean): Exchange[] {
    return Array.from({ length: count }, (_, i) => {
      if (large && i % 100 === 50) {
        return this.#storage("set", 300_000 + this.#random.below(600_000));
      }
      return this.#random.pick(this.#kinds)();
    });
  }

  readonly #kinds: readonly (() => Exchange)[] = [
    ...times(6, () => this.#get(1)),
    ...times(3, () => this.#get(2 + this.#random.below(4))),
    ...times(6, () => this.#storage("set", this.#random.below(60))),
    ...times(2, () => this.#storage("add", this.#random.below(60))),
    ...times(2, () => this.#storage("append", this.#random.below(10))),
    ...times(4, () => this.#count()),
    ...times(4, () => this.#delete()),
    ...times(2, () => this.#keyless()),
    () => this.#malformed(),
  ];

  #get(count: number): Exchange {
    const keys = Array.from({ length: count }, () => this.#key());
    const request = `get ${keys.join(" ")}\r\n`;
    if (!keys.every(isAllowed)) return denied(request, false);
    const values = keys.flatMap((key) => {
      const value = this.#values.get(key);
      if (value === undefined) return [];
      return [`VALUE ${key} 0 ${value.length}\r\n${value}\r\n`];
    });
    return forwarded(request, `${values.join("")}END\r\n`, false);
  }

  #storage(command: "set" | "add" | "append", length: number): Exchange {
    const key = this.#key();
    const quiet = this.#quiet();
    const value = this.#value(length);
    const request = `${command} ${key} 0 0 ${value.length}${
      quiet ? " noreply" : ""
    }\r\n${value}\r\n`;
    if (!isAllowed(key)) return denied(request, quiet);
    const old = this.#values.get(key);
    const stored = command === "set" ||
      (command === "add") === (old === undefined);
    if (stored) {
      this.#values.set(key, command === "append" ? old + value : value);
    }
    return forwarded(request, stored ? "STORED\r\n" : "NOT_STORED\r\n", quiet);
  }

  #count(): Exchange {
    const key = this.#random.pick(["ok:n", "no:n"]);
    const quiet = this.#quiet();
    const request = `incr ${key} 3${quiet ? " noreply" : ""}\r\n`;
    if (!isAllowed(key)) return denied(request, quiet);
    const old = this.#values.get(key);
    if (old === undefined) {
      this.#values.set(key, "40");
      const reset = `set ${key} 0 0 2\r\n40\r\n`;
      return forwarded(reset, "STORED\r\n", false);
    }
    const value = String(Number(old) + 3);
    this.#values.set(key, value);
    return forwarded(request, `${value}\r\n`, quiet);
  }

  #delete(): Exchange {
    const key = this.#key();
    const quiet = this.#quiet();
    const request = `delete ${key}${quiet ? " noreply" : ""}\r\n`;
    if (!isAllowed(key)) return denied(request, quiet);
    const reply = this.#values.delete(key) ? "DELETED\r\n" : "NOT_FOUND\r\n";
    return forwarded(request, reply, quiet);
  }

  #keyless(): Exchange {
    return this.#random.pick<() => Exchange>([
      () => forwarded("stats settings\r\n", "statistics", false),
      () => denied("flush_all\r\n", false),
      () => denied("flush_all noreply\r\n", true),
      () => denied("cache_memlimit 64\r\n", false),
      () => denied("quit\r\n", true), // the client expects no answer to it
      () => denied("bogus ok:a\r\n", false),
    ])();
  }

  /** What memcached refuses before it does anything is refused in its words. */
  #malformed(): Exchange {
    const [request, reply] = this.#random.pick(
      [
        ["get\r\n", "ERROR\r\n"],
        ["incr ok:n\r\n", "ERROR\r\n"],
        [
          "incr ok:n x\r\n",
          "CLIENT_ERROR invalid numeric delta argument\r\n",
        ],
        [
          "set ok:a 0 0 x\r\n",
          "CLIENT_ERROR bad command line format\r\n",
        ],
      ] as const,
    );
    return { request, reply, verdict: "error" };
  }

  #key(): string {
    const prefix = this.#random.below(3) === 0 ? "no:" : "ok:";
    return prefix + this.#random.pick(["a", "b", "c", "d", "e"]);
  }

  #quiet(): boolean {
    return this.#random.below(4) === 0;
  }

  /** Values that look like requests and replies. */
  #value(length: number): string {
    const text = this.#random.pick([
      "END\r\n",
      "get ok:a\r\n",
      "\r\nflush_all\r\n",
      "VALUE ok:a 0 9\r\n",
      "plain ",
      "\0\x80\xff",
    ]);
    return text.repeat(Math.ceil(length / text.length)).slice(0, length);
  }
}

function isAllowed(key: string): boolean {
  return key.startsWith("ok:");
}

function denied(request: string, quiet: boolean): Exchange {
  return { request, reply: quiet ? "" : DENIED, verdict: "denied" };
}

function forwarded(request: string, reply: string, quiet: boolean): Exchange {
  return { request, reply: quiet ? "" : reply, verdict: "forwarded" };
}

function times<T>(count: number, item: T): T[] {
  return Array(count).fill(item);
}
