/**
 * Finds the entries that speak of a peer without asking each: what a look-up
 * costs depends on the peer and on how many entries fit it, hardly on how many
 * there are.
 *
 * @module
 */
import { type Prefix, prefixAround } from "./cidr.ts";
import { fitsName, type NameTest } from "./dns_name.ts";
import { type Requirement, type Selector, selects } from "./labels.ts";
import {
  type CidrTest,
  type Entity,
  matchesCidr,
  matchesEntity,
  matchesService,
  type PeerFacts,
  type PeerTest,
  type ServiceTest,
} from "./peer.ts";

/** A test, and the position of its entry. */
interface Filed<T> {
  readonly at: number;
  readonly test: T;
}

/** Tests that are looked at only for peers with a certain property. */
class Files<K, T> {
  readonly #files = new Map<K, Filed<T>[]>();

  add(key: K, at: number, test: T): void {
    const file = this.#files.get(key);
    if (file === undefined) this.#files.set(key, [{ at, test }]);
    else file.push({ at, test });
  }

  under(key: K): readonly Filed<T>[] {
    return this.#files.get(key) ?? [];
  }

  entries(): IterableIterator<[K, readonly Filed<T>[]]> {
    return this.#files.entries();
  }
}

/** Entries by whom they speak of. */
export class PeerIndex {
  readonly #anybody: number[] = [];
  readonly #entities = new Files<Entity, true>();
  /** By a label that the selector asks for; `key` or `key=value`, whatever the source. */
  readonly #selectors = new Files<string, Selector>();
  readonly #otherSelectors: Filed<Selector>[] = [];
  /** By the length of the prefix, and then by the prefix. */
  readonly #cidrs = new Map<string, Files<bigint, CidrTest>>();
  readonly #names = new Files<string, NameTest>();
  readonly #services = new Files<string, ServiceTest>();
  readonly #otherServices: Filed<ServiceTest>[] = [];

  /** @param tests of the entries, in their order */
  constructor(tests: readonly PeerTest[]) {
    const frequency = countLabels(tests);
    for (const [at, test] of tests.entries()) {
      if (test === "any") {
        this.#anybody.push(at);
        continue;
      }
      for (const entity of test.entities) this.#entities.add(entity, at, true);
      for (const selector of [...test.selectors, ...test.nodes]) {
        this.#addSelector(selector, at, frequency);
      }
      for (const cidr of test.cidrs) this.#addCidr(cidr, at);
      for (const name of test.names) this.#names.add(suffixOf(name), at, name);
      for (const service of test.services) this.#addService(service, at);
    }
  }

  /** The positions of the entries that fit, in their order. */
  find(peer: PeerFacts): number[] {
    const found = [...this.#anybody];
    for (const [entity, entries] of this.#entities.entries()) {
      if (!matchesEntity(entity, peer)) continue;
      for (const { at } of entries) found.push(at);
    }
    this.#findSelectors(peer, found);
    if (peer.isWorld) {
      this.#findCidrs(peer, found);
      this.#findNames(peer, found);
    }
    this.#findServices(peer, found);
    if (found.length < 2) return found;
    found.sort((a, b) => a - b);
    return found.filter((at, index) => at !== found[index - 1]);
  }

  #addSelector(
    selector: Selector,
    at: number,
    frequency: ReadonlyMap<string, number>,
  ): void {
    let best: readonly string[] | undefined;
    let least = Infinity;
    for (const requirement of selector) {
      const keys = keysOf(requirement);
      if (keys === undefined) continue;
      const count = keys.reduce((sum, key) => sum + frequency.get(key)!, 0);
      if (count < least) [best, least] = [keys, count];
    }
    if (best === undefined) this.#otherSelectors.push({ at, test: selector });
    for (const key of best ?? []) this.#selectors.add(key, at, selector);
  }

  #findSelectors({ labels }: PeerFacts, found: number[]): void {
    const look = (filed: readonly Filed<Selector>[]) => {
      for (const { at, test } of filed) {
        if (selects(test, labels)) found.push(at);
      }
    };
    look(this.#otherSelectors);
    for (const { key, value } of labels) {
      look(this.#selectors.under(key));
      look(this.#selectors.under(`${key}=${value}`));
    }
  }

  #addCidr(cidr: CidrTest, at: number): void {
    const { family, bits, length } = cidr.prefix;
    const key = `${family}/${length}`;
    const files = this.#cidrs.get(key) ?? new Files<bigint, CidrTest>();
    this.#cidrs.set(key, files);
    files.add(bits, at, cidr);
  }

  #findCidrs(peer: PeerFacts, found: number[]): void {
    const { host } = peer;
    if (host === undefined) return;
    for (const [key, files] of this.#cidrs) {
      const prefix = prefixOf(host, key);
      if (prefix === undefined) continue;
      for (const { at, test } of files.under(prefix.bits)) {
        if (matchesCidr(test, peer)) found.push(at);
      }
    }
  }

  #findNames({ names }: PeerFacts, found: number[]): void {
    for (const name of names) {
      for (let rest = name;;) {
        for (const { at, test } of this.#names.under(rest)) {
          if (fitsName(test, name)) found.push(at);
        }
        if (rest === "") break;
        rest = rest.slice(rest.indexOf(".") + 1);
      }
    }
  }

  #addService(service: ServiceTest, at: number): void {
    if (service.name === undefined) {
      this.#otherServices.push({ at, test: service });
    } else this.#services.add(service.name, at, service);
  }

  #findServices(peer: PeerFacts, found: number[]): void {
    if (peer.services.length === 0) return;
    const look = (filed: readonly Filed<ServiceTest>[]) => {
      for (const { at, test } of filed) {
        if (matchesService(test, peer)) found.push(at);
      }
    };
    look(this.#otherServices);
    for (const { name } of peer.services) look(this.#services.under(name));
  }
}

/** The labels one of which a peer must have to fit; `undefined` when it may have none. */
function keysOf(
  { key, operator, values }: Requirement,
): readonly string[] | undefined {
  if (operator === "Exists") return [key];
  return operator === "In"
    ? values.map((value) => `${key}=${value}`)
    : undefined;
}

/** How many selectors ask for a label: the rarest tells them apart best. */
function countLabels(tests: readonly PeerTest[]): Map<string, number> {
  const frequency = new Map<string, number>();
  for (const test of tests) {
    if (test === "any") continue;
    for (
      const key of [...test.selectors, ...test.nodes].flat().flatMap((r) => {
        return keysOf(r) ?? [];
      })
    ) frequency.set(key, (frequency.get(key) ?? 0) + 1);
  }
  return frequency;
}

function prefixOf(host: Prefix, key: string): Prefix | undefined {
  const slash = key.indexOf("/");
  if (Number(key.slice(0, slash)) !== host.family) return undefined;
  return prefixAround(host, Number(key.slice(slash + 1)));
}

/** The last labels that every name that fits ends with: all of a name, of a pattern those behind its last `*`. */
function suffixOf(test: NameTest): string {
  if (test.kind === "name") return test.name;
  const star = test.pattern.lastIndexOf("*");
  const dot = test.pattern.indexOf(".", star);
  // `*` alone fits names of any suffix.
  return /^\*+\.$/.test(test.pattern) ? "" : test.pattern.slice(dot + 1);
}
