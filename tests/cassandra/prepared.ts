/**
 * What a server says of a statement that it has prepared
 * (native_protocol_v5.spec, section 4.2.5.4), and values to execute it with.
 *
 * @module
 */

/** A prepared statement. */
export interface Prepared {
  readonly id: Uint8Array;
  /** The codes of its markers' types. */
  readonly types: readonly number[];
}

const GLOBAL_TABLE = 0x01;

/** Codes of types that hold others (section 4.2.5.2). */
const CUSTOM = 0x00;
const LIST = 0x20;
const MAP = 0x21;
const SET = 0x22;
const USER_TYPE = 0x30;
const TUPLE = 0x31;

/** Reads the body of RESULT Prepared. */
export function readPrepared(body: Uint8Array, version: number): Prepared {
  const result = new Result(body.subarray(4)); // behind the kind
  const id = result.bytes();
  if (version >= 5) result.bytes(); // the id of its result's metadata
  const flags = result.int();
  const count = result.int();
  if (version >= 4) {
    for (let n = result.int(); n > 0; n--) result.short(); // of the key
  }
  if (flags & GLOBAL_TABLE) result.strings(2);
  const types: number[] = [];
  while (types.length < count) {
    result.strings(flags & GLOBAL_TABLE ? 1 : 3);
    types.push(result.type());
  }
  return { id, types };
}

class Result {
  readonly #body: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(body: Uint8Array) {
    this.#body = body;
    this.#view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  }

  int(): number {
    this.#at += 4;
    return this.#view.getInt32(this.#at - 4);
  }

  short(): number {
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2);
  }

  bytes(): Uint8Array {
    const length = this.short();
    this.#at += length;
    return this.#body.subarray(this.#at - length, this.#at);
  }

  strings(count: number): void {
    for (let n = count; n > 0; n--) this.bytes();
  }

  /** The code of a type, behind all that belongs to it. */
  type(): number {
    const code = this.short();
    switch (code) {
      case CUSTOM:
        this.strings(1);
        break;
      case LIST:
      case SET:
        this.type();
        break;
      case MAP:
        this.type();
        this.type();
        break;
      case TUPLE:
        for (let n = this.short(); n > 0; n--) this.type();
        break;
      case USER_TYPE:
        this.strings(2);
        for (let n = this.short(); n > 0; n--) {
          this.strings(1);
          this.type();
        }
    }
    return code;
  }
}

/** Values by their type's code, each character a byte. */
const VALUES: Readonly<Record<number, string>> = {
  [0x02]: "\0\0\0\0\0\0\0\x07", // bigint
  [0x03]: "\0\x01", // blob
  [0x04]: "\x01", // boolean
  [0x07]: "\0\0\0\0\0\0\0\0", // double
  [0x08]: "\0\0\0\0", // float
  [0x09]: "\0\0\0\x01", // int
  [0x0b]: "\0\0\0\0\0\0\0\x01", // timestamp
  [0x0c]: "\0".repeat(16), // uuid
  [0x0d]: "x", // text
};

/** A value for each marker; null for those of types that hold others. */
export function valuesFor({ types }: Prepared): (string | null)[] {
  return types.map((type) => VALUES[type] ?? null);
}
