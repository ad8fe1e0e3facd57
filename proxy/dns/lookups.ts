/**
 * Where workloads ask their own resolver, the names that policies speak of are
 * asked for here, again and again: each before its addresses expire.
 *
 * @module
 */
import { type Lease, leasesOf } from "../../policy/dns_cache.ts";
import { readStored, type StoredDocument } from "../../policy/stored.ts";
import { thrownText } from "../thrown.ts";
import type { Place } from "./judge.ts";
import { RCODE, readQuery, TYPE, writeQuery } from "./message.ts";
import { type Answered, ask } from "./resolver.ts";

/** Bounds of the wait before a name is asked for again, and the wait when it could not be. */
const AGAIN_MS = { least: 5_000, most: 3_600_000, failed: 5_000 };
/** An answer is asked for again when so much of its life is over. */
const RENEWED_AT = 0.8;

/** What they work with. */
export interface LookupParts {
  readonly resolvers: readonly Place[];
  /** Seconds. */
  readonly minTtl: number;
  now(): number;
  learn(leases: readonly Lease[]): Promise<boolean>;
  heard(): void;
  silent(error: string): void;
}

/** The names of `matchName` that documents allow connections to. */
export function namesToLookUp(documents: readonly StoredDocument[]): string[] {
  const names = documents.flatMap((document) => readStored(document).rules)
    .flatMap(({ egress }) => egress.entries)
    .flatMap(({ peers }) => peers === "any" ? [] : peers.names)
    .flatMap((test) => test.kind === "name" ? [test.name] : []);
  return [...new Set(names)];
}

/** Keeps names looked up. */
export class Lookups {
  readonly #parts: LookupParts;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(parts: LookupParts) {
    this.#parts = parts;
  }

  /** Looks these names up from now on, and no others. */
  follow(names: readonly string[]): void {
    for (const [name, timer] of this.#timers) {
      if (names.includes(name)) continue;
      clearTimeout(timer);
      this.#timers.delete(name);
    }
    for (const name of names) {
      if (!this.#timers.has(name)) this.#wait(name, 0);
    }
  }

  #wait(name: string, delay: number): void {
    const timer = setTimeout(async () => {
      const next = await this.#lookUp(name);
      // Meanwhile it may be wanted no more.
      if (this.#timers.get(name) === timer) this.#wait(name, next);
    }, delay);
    this.#timers.set(name, timer);
  }

  /** How long to wait before the next time, in milliseconds. */
  async #lookUp(name: string): Promise<number> {
    const { learn, now } = this.#parts;
    const found = await Promise.all(
      [TYPE.A, TYPE.AAAA].map((type) => this.#ask(name, type)),
    );
    if (found.includes(undefined)) return AGAIN_MS.failed;
    const leases = found.flatMap((leases) => leases ?? []);
    if (leases.length > 0) await learn(leases);
    const left = Math.min(...leases.map(({ until }) => until - now()));
    return Math.min(
      Math.max(left * RENEWED_AT, AGAIN_MS.least),
      leases.length > 0 ? AGAIN_MS.most : AGAIN_MS.failed,
    );
  }

  /** The addresses of one family; nothing when no resolver answers. */
  async #ask(name: string, type: number): Promise<Lease[] | undefined> {
    const { resolvers, minTtl, now, heard, silent } = this.#parts;
    // They are asked for every five seconds at most: until then they count.
    const least = Math.max(minTtl, AGAIN_MS.least / 1000 / RENEWED_AT);
    const errors: string[] = [];
    for (const resolver of resolvers) {
      try {
        const { reply } = await askFully(resolver, name, type);
        heard();
        const { rcode, records } = reply;
        return rcode === RCODE.noError
          ? leasesOf({ question: name, records }, now(), least)
          : [];
      } catch (error) {
        const { hostname, port } = resolver;
        errors.push(`resolver ${hostname} port ${port}: ${thrownText(error)}`);
      }
    }
    silent(errors.join("; "));
    return undefined;
  }
}

/** Asks over UDP, and over TCP what does not fit there. */
export async function askFully(
  resolver: Place,
  name: string,
  type: number,
): Promise<Answered> {
  const bytes = writeQuery(0, name, type);
  const query = readQuery(bytes);
  if (!query || "rcode" in query) throw new TypeError(`no question: ${name}`);
  const { question } = query;
  const answered = await ask(resolver, bytes, question, "UDP");
  return answered.reply.isTruncated
    ? await ask(resolver, bytes, question, "TCP")
    : answered;
}
