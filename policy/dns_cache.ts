/**
 * Which names lead to an address, learnt from DNS answers (policy semantics,
 * section 4).
 *
 * It owns no clock and asks nobody: answers and the moments of things come in.
 * An address counts until its time to live is over, raised to a minimum; one
 * that a connection uses counts until that ends.
 *
 * @module
 */
import { formatPrefix, hostPrefix, parseAddress } from "./cidr.ts";
import { normalizeName } from "./dns_name.ts";

/** One resource record of an answer. */
export interface DnsRecord {
  readonly name: string;
  readonly type: "A" | "AAAA" | "CNAME";
  /** Seconds. */
  readonly ttl: number;
  /** An address, or the canonical name. */
  readonly value: string;
}

/** The answer to one question. */
export interface DnsAnswer {
  readonly question: string;
  readonly records: readonly DnsRecord[];
}

/** That a name leads to an address, until when. It is JSON. */
export interface Lease {
  /** In the form that names are compared in. */
  readonly name: string;
  /** In the one text that the cache has for all spellings of it. */
  readonly address: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** Bounds, as Cilium has them. */
export interface DnsLimits {
  /** Seconds that an address counts for at least. */
  readonly minTtl: number;
  /** Addresses of one name; the oldest makes room. */
  readonly perName: number;
  /** Addresses that count only because they are in use; the oldest makes room. */
  readonly expiredInUse: number;
  /** Names; the one that was heard of longest ago makes room. */
  readonly names: number;
}

export const DNS_LIMITS: DnsLimits = {
  minTtl: 0,
  perName: 50,
  expiredInUse: 10_000,
  names: 10_000,
};

/** The longest chain of CNAMEs that is followed; resolvers give up earlier. */
const CHAIN_MAX = 16;

const NONE: readonly string[] = Object.freeze([]);

/** Names and the addresses that they lead to. */
export class DnsCache {
  readonly #limits: DnsLimits;
  /** By name: until when each address counts, in milliseconds; in the order of learning. */
  readonly #names = new Map<string, Map<string, number>>();
  /** By address, in the order of learning. */
  readonly #addresses = new Map<string, Set<string>>();
  /** Connections by address. */
  readonly #uses = new Map<string, number>();
  /** `address name`: counts no longer, but for its connections. */
  readonly #expired = new Set<string>();
  /** What is told of an address, kept until it changes. */
  readonly #told = new Map<string, readonly string[]>();
  /** Addresses in use whose names have changed. */
  #changed = new Set<string>();
  /** Nothing expires before. */
  #next = Infinity;

  constructor(limits: Partial<DnsLimits> = {}) {
    this.#limits = { ...DNS_LIMITS, ...limits };
  }

  /** The names that lead to an address; the same object until they change. */
  namesOf(address: string): readonly string[] {
    if (this.#addresses.size === 0) return NONE;
    const key = canonical(address);
    const names = key === undefined ? undefined : this.#addresses.get(key);
    if (key === undefined || names === undefined) return NONE;
    const told = this.#told.get(key) ?? Object.freeze([...names].sort());
    this.#told.set(key, told);
    return told;
  }

  /** Learns an answer; true if an address got a name that it had not. */
  learn(answer: DnsAnswer, now: number): boolean {
    return this.take(leasesOf(answer, now, this.#limits.minTtl));
  }

  /** Learns what another cache has learnt; true if an address got a name that it had not. */
  take(leases: readonly Lease[]): boolean {
    let isNew = false;
    for (const { name, address, until } of leases) {
      if (this.#add(name, address, until)) isNew = true;
    }
    return isNew;
  }

  /** All that counts without being in use. */
  leases(): Lease[] {
    return [...this.#names].flatMap(([name, addresses]) =>
      [...addresses].map(([address, until]) => ({ name, address, until }))
    );
  }

  /** Forgets what counts no longer and is not in use; true if an address lost a name. */
  expire(now: number): boolean {
    if (now < this.#next) return false;
    let isLost = false;
    this.#next = Infinity;
    for (const [name, addresses] of this.#names) {
      for (const [address, until] of addresses) {
        if (until > now) this.#next = Math.min(this.#next, until);
        else if (this.#retire(name, address)) isLost = true;
      }
    }
    return isLost;
  }

  /** `expire` has nothing to do before, in milliseconds; `undefined` if never. */
  nextExpiry(): number | undefined {
    return this.#names.size === 0 ? undefined : this.#next;
  }

  /** Addresses in use whose names have changed since this was asked last. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    if (changed.size > 0) this.#changed = new Set();
    return changed;
  }

  /** A connection to an address has begun. */
  opened(address: string): void {
    const key = canonical(address);
    if (key === undefined) return;
    this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
  }

  /** A connection to an address is over; true if the address lost a name by that. */
  closed(address: string): boolean {
    const key = canonical(address);
    if (key === undefined) return false;
    const uses = (this.#uses.get(key) ?? 0) - 1;
    if (uses > 0) {
      this.#uses.set(key, uses);
      return false;
    }
    this.#uses.delete(key);
    let isLost = false;
    for (const name of this.#addresses.get(key) ?? []) {
      if (!this.#expired.delete(`${key} ${name}`)) continue;
      this.#unlink(name, key);
      isLost = true;
    }
    return isLost;
  }

  /** Addresses that have a name. */
  get size(): number {
    return this.#addresses.size;
  }

  #add(name: string, address: string, until: number): boolean {
    const addresses = this.#names.get(name) ?? new Map<string, number>();
    this.#names.delete(name); // it was heard of last
    this.#names.set(name, addresses);
    // An answer with a shorter life does not take back what an earlier one said.
    const longest = Math.max(until, addresses.get(address) ?? 0);
    addresses.delete(address);
    addresses.set(address, longest);
    this.#next = Math.min(this.#next, longest);
    this.#expired.delete(`${address} ${name}`);
    this.#makeRoom(name, addresses);
    const names = this.#addresses.get(address) ?? new Set<string>();
    this.#addresses.set(address, names);
    if (names.has(name)) return false;
    names.add(name);
    this.#noteChange(address);
    return true;
  }

  #makeRoom(name: string, addresses: ReadonlyMap<string, number>): void {
    if (addresses.size > this.#limits.perName) {
      this.#retire(name, first(addresses)![0]);
    }
    if (this.#names.size > this.#limits.names) {
      const [oldest, all] = first(this.#names)!;
      for (const address of all.keys()) this.#retire(oldest, address);
    }
  }

  /** The name leads to the address no longer, but for its connections; true if the address lost it. */
  #retire(name: string, address: string): boolean {
    const addresses = this.#names.get(name);
    addresses?.delete(address);
    if (addresses?.size === 0) this.#names.delete(name);
    if (!this.#uses.has(address)) {
      this.#unlink(name, address);
      return true;
    }
    this.#expired.add(`${address} ${name}`);
    if (this.#expired.size <= this.#limits.expiredInUse) return false;
    const [oldest] = this.#expired;
    const [oldAddress, oldName] = oldest!.split(" ");
    this.#expired.delete(oldest!);
    this.#unlink(oldName!, oldAddress!);
    return true;
  }

  #unlink(name: string, address: string): void {
    const names = this.#addresses.get(address);
    names?.delete(name);
    if (names?.size === 0) this.#addresses.delete(address);
    this.#noteChange(address);
  }

  #noteChange(address: string): void {
    this.#told.delete(address);
    if (this.#uses.has(address)) this.#changed.add(address);
  }
}

/** What an answer says of addresses; each counts for `minTtl` seconds at least. */
export function leasesOf(
  { question, records }: DnsAnswer,
  now: number,
  minTtl: number,
): Lease[] {
  const name = normalizeName(question);
  if (name === undefined) return [];
  return [...addressesOf(name, records)].map(([address, ttl]) => {
    return { name, address, until: now + Math.max(ttl, minTtl) * 1000 };
  });
}

/**
 * The addresses that a question came to, by way of its CNAMEs, each with the
 * shortest life on the way. Records about other names are passed over.
 */
function addressesOf(
  question: string,
  records: readonly DnsRecord[],
): Map<string, number> {
  const found = new Map<string, number>();
  let names = new Map([[question, Infinity]]);
  for (let depth = 0; depth <= CHAIN_MAX && names.size > 0; depth++) {
    const next = new Map<string, number>();
    for (const { name, type, ttl, value } of records) {
      const life = names.get(normalizeName(name) ?? "");
      if (life === undefined) continue;
      const least = Math.min(life, Math.max(0, ttl));
      const key = type === "CNAME" ? normalizeName(value) : canonical(value);
      if (key === undefined) continue;
      const all = type === "CNAME" ? next : found;
      all.set(key, Math.max(least, all.get(key) ?? 0));
    }
    names = next;
  }
  return found;
}

/** The entry that was set first. */
function first<K, V>(map: ReadonlyMap<K, V>): [K, V] | undefined {
  return map.entries().next().value;
}

/** One text for all spellings of an address. */
export function canonical(address: string): string | undefined {
  const parsed = parseAddress(address);
  return parsed === undefined ? undefined : formatPrefix(hostPrefix(parsed));
}
