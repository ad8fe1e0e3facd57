/**
 * What the connections of one listener know in common (`Connection.shared`):
 * a bounded store for each parser and upstream.
 *
 * Stores hold texts only, so they outlive the version of a parser that filled
 * them.
 *
 * @module
 */
import { BoundedMap, type Shared } from "parley/proxylib";

/** Characters that one store keeps. */
const STORE = 4 * 1024 * 1024;
/** What the names of a listener's stores may weigh, some 30: it may have many upstreams where connections are redirected to it. */
const STORES = 4096;

/** The stores of one listener. */
export class SharedStores {
  readonly #stores = new BoundedMap<Shared>(STORES);

  /** The store of the connections that `parser` reads to `upstream`. */
  of(parser: string, upstream: string): Shared {
    const key = `${parser} ${upstream}`;
    const known = this.#stores.get(key);
    if (known) return known;
    const store = createStore(STORE);
    this.#stores.set(key, store, 0);
    return store;
  }
}

/** A store of so many characters. Parsers are untrusted: it is frozen, and takes texts only. */
export function createStore(most: number): Shared {
  const texts = new BoundedMap<string>(most);
  return Object.freeze({
    get: (key: string) => texts.get(key),
    set(key: string, value: string) {
      if (typeof key !== "string" || typeof value !== "string") {
        throw new TypeError("shared.set() takes two texts");
      }
      texts.set(key, value, value.length);
    },
  });
}
