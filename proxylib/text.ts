/**
 * Bytes and text. Logs must lose no line to an odd byte, so bytes that are not
 * UTF-8 appear as `\xNN`.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of a text. */
export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Up to this length a loop costs less than a native call (bench/README.md). */
const SHORT = 64;

/** A text with one character a byte (U+0000 to U+00FF): compares as bytes do. */
export function latin1(data: Uint8Array, start = 0, end = data.length): string {
  const stop = Math.min(end, data.length);
  if (stop <= start) return "";
  if (stop - start > SHORT) {
    return Buffer.from(data.buffer, data.byteOffset + start, stop - start)
      .toString("latin1");
  }
  let text = "";
  let at = start;
  for (; at + 4 <= stop; at += 4) {
    text += String.fromCharCode(
      data[at]!,
      data[at + 1]!,
      data[at + 2]!,
      data[at + 3]!,
    );
  }
  for (; at < stop; at++) text += String.fromCharCode(data[at]!);
  return text;
}

/** Bytes of a {@linkcode latin1} text. */
export function fromLatin1(text: string): Uint8Array {
  const data = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) data[i] = text.charCodeAt(i);
  return data;
}

/** Whether a text is plain ASCII. */
export function isAscii(raw: string): boolean {
  // deno-lint-ignore no-control-regex -- the range is meant
  return /^[\x00-\x7f]*$/.test(raw);
}

/** Bytes as text for a log: UTF-8 where it is, `\xNN` where it is not. Takes a {@linkcode latin1} text. */
export function printable(raw: string): string {
  if (isAscii(raw)) return raw; // the common case needs no decoding
  const data = fromLatin1(raw);
  try {
    return strict.decode(data);
  } catch {
    return escaped(data);
  }
}

/**
 * A {@linkcode latin1} text of what a log shows: the inverse of
 * {@linkcode printable}. A `\xNN` of a byte above 0x7F is taken as that byte,
 * for `printable` writes no other; that a peer may send those four characters
 * as they are cannot be seen in a log.
 */
export function fromPrintable(text: string): string {
  return text.split(/(\\x[89A-F][0-9A-F])/).map((part, index) =>
    index % 2 === 0
      ? latin1(bytes(part))
      : String.fromCharCode(parseInt(part.slice(2), 16))
  ).join("");
}

function escaped(data: Uint8Array): string {
  let text = "";
  for (let at = 0; at < data.length;) {
    const length = sequence(data, at);
    text += length === 0
      ? `\\x${data[at]!.toString(16).toUpperCase().padStart(2, "0")}`
      : strict.decode(data.subarray(at, at + length));
    at += Math.max(length, 1);
  }
  return text;
}

/** Length of the well-formed UTF-8 sequence at `at`; 0 if there is none. */
function sequence(data: Uint8Array, at: number): number {
  for (let length = 1; length <= 4 && at + length <= data.length; length++) {
    try {
      strict.decode(data.subarray(at, at + length));
      return length;
    } catch { /* not (yet) a whole sequence */ }
  }
  return 0;
}
