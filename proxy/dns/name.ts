/**
 * Names as they stand in DNS messages (RFC 1035, sections 3.1 and 4.1.4).
 *
 * @module
 */

/** Bytes of a name at most, its length bytes included (RFC 1035, section 2.3.4). */
const NAME_BYTES = 255;
/** Pointers that one name may go through. Writers need one; readers must not be sent round. */
const POINTERS_MAX = 16;

/** A name, and where what follows it begins. */
export interface ReadName {
  /** Lower case, with a final dot; the root is `.`. */
  readonly name: string;
  readonly end: number;
}

/**
 * Reads a name; `undefined` when it is none. Pointers lead backwards only, so
 * that no name is without end.
 *
 * A byte that no host name has is written `\DDD`, a dot inside of a label too:
 * two names never have one text.
 */
export function readName(
  bytes: Uint8Array,
  start: number,
): ReadName | undefined {
  let name = "";
  let at = start;
  /** Behind the name; known at its first pointer. */
  let end: number | undefined;
  let lowest = start;
  let length = 1;
  for (let pointers = 0; pointers <= POINTERS_MAX;) {
    const size = bytes[at];
    if (size === undefined) return undefined;
    if (size === 0) {
      return { name: name === "" ? "." : name, end: end ?? at + 1 };
    }
    if (size >= 0xc0) {
      const low = bytes[at + 1];
      if (low === undefined) return undefined;
      end ??= at + 2;
      const target = (size & 0x3f) << 8 | low;
      if (target >= lowest) return undefined;
      lowest = at = target;
      pointers++;
      continue;
    }
    length += size + 1;
    const next = at + 1 + size;
    if (size > 63 || length > NAME_BYTES || next > bytes.length) {
      return undefined;
    }
    name += `${labelText(bytes.subarray(at + 1, next))}.`;
    at = next;
  }
  return undefined;
}

function labelText(label: Uint8Array): string {
  let text = "";
  for (const byte of label) {
    text += isOfHostName(byte)
      ? String.fromCharCode(byte).toLowerCase()
      : `\\${String(byte).padStart(3, "0")}`;
  }
  return text;
}

/** Letters, digits, `-` and `_`. */
function isOfHostName(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f;
}

/** The bytes of a name of letters, digits, `-` and `_`. @throws {TypeError} when there can be none */
export function writeName(name: string): Uint8Array {
  const labels = name.split(".").filter((label) => label !== "");
  const bytes: number[] = [];
  for (const label of labels) {
    const isFit = label.length <= 63 && /^[a-z0-9_-]+$/i.test(label);
    if (!isFit) throw new TypeError(`no label of a host name: ${label}`);
    bytes.push(label.length, ...new TextEncoder().encode(label));
  }
  bytes.push(0);
  if (bytes.length > NAME_BYTES) throw new TypeError(`too long: ${name}`);
  return new Uint8Array(bytes);
}
