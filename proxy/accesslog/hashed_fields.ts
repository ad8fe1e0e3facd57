/**
 * Fields of log lines that are not shown but hashed: equal values are equal in
 * the log, and nobody who has not the secret can look them up.
 *
 * @module
 */
import type { Fields } from "parley/proxylib";
import { Hmac } from "./hmac.ts";

/** Which fields, and with what secret. Plain data. */
export interface HashedFields {
  readonly names: readonly string[];
  /** At least 16 bytes, in base64. */
  readonly secret: string;
}

/** Says that it is a hash, and of what kind. */
const PREFIX = "hmac:";
/** 64 bits: among a billion values a chance in thirty that any two are alike. */
const BYTES = 8;

/** Hashes fields of lines. */
export class FieldHasher {
  readonly #names: ReadonlySet<string>;
  readonly #hmac: Hmac;
  readonly #known = new WeakMap<Fields, Fields>();

  constructor({ names, secret }: HashedFields) {
    this.#names = new Set(names);
    this.#hmac = new Hmac(Uint8Array.fromBase64(secret));
  }

  /** Those that are to be hashed are, item by item; the others stay as they are. */
  apply(fields: Fields): Fields {
    const known = this.#known.get(fields);
    if (known) return known;
    const entries = Object.entries(fields).map(([name, value]) => {
      return [name, this.#names.has(name) ? this.#hash(value) : value];
    });
    const hashed: Fields = Object.fromEntries(entries);
    // A parser that knows a request again logs the same fields.
    if (Object.isFrozen(fields)) {
      this.#known.set(fields, Object.freeze(hashed));
    }
    return hashed;
  }

  #hash(value: Fields[string]): string | readonly string[] {
    if (Array.isArray(value)) return value.map((item) => this.#hashOne(item));
    return this.#hashOne(value);
  }

  #hashOne(value: unknown): string {
    return PREFIX + this.#hmac.of(String(value)).subarray(0, BYTES).toHex();
  }
}
