/**
 * A map that forgets: what was not asked for lately makes room for what is new.
 *
 * @module
 */

/** What an entry weighs beside its key and value. */
const ENTRY = 64;

interface Entry<Value> {
  readonly value: Value;
  readonly weight: number;
}

/**
 * Texts and what stands for them, as many as fit into a weight.
 *
 * There are two generations. What is found in the old one moves to the young
 * one; when that is full it becomes the old one, and what nobody has asked for
 * since is gone. So a look-up costs little more than in a `Map`.
 */
export class BoundedMap<Value> {
  readonly #half: number;
  #young = new Map<string, Entry<Value>>();
  #old = new Map<string, Entry<Value>>();
  #weight = 0;

  /** @param most what all entries may weigh: their keys' characters, their values, and a little for each */
  constructor(most: number) {
    this.#half = Math.floor(most / 2);
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young.value;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.#put(key, old);
    return old.value;
  }

  /**
   * Remembers a value in place of what its key stood for; one that is too heavy
   * is not kept.
   *
   * @param weight of the value, in bytes or characters
   */
  set(key: string, value: Value, weight: number): void {
    const known = this.#young.get(key);
    if (known !== undefined) {
      this.#young.delete(key);
      this.#weight -= known.weight;
    }
    this.#old.delete(key);
    const entry = { value, weight: key.length + weight + ENTRY };
    if (entry.weight <= this.#half) this.#put(key, entry);
  }

  #put(key: string, entry: Entry<Value>): void {
    if (this.#weight + entry.weight > this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#weight = 0;
    }
    this.#young.set(key, entry);
    this.#weight += entry.weight;
  }
}
