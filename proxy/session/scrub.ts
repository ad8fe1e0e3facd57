/**
 * Texts that may quote what a connection has sent: of what was shown to a parser
 * nothing may stand in a log but what the parser itself gives to it. What a
 * parser throws is mostly the runtime's own text, and that quotes values
 * (`"…" is not valid JSON`).
 *
 * A run of {@linkcode RUN} bytes that stands in both is left out. Shorter ones
 * are words that both may have of themselves.
 *
 * @module
 */

/** Bytes in a row that are no accident. */
const RUN = 8;
/** Of more bytes it cannot be told in time: then nothing is quoted. */
const SHOWN_MAX = 1024 * 1024;
const LEFT_OUT = "…";
const PRIME = 0x01000193;

/** The text without what it quotes, whatever the case of the letters. */
export function scrub(text: string, shown: Uint8Array): string {
  if (shown.length < RUN || text.length === 0) return text;
  if (shown.length > SHOWN_MAX) return "(its text may quote what was read)";
  const characters = [...text];
  const quoted = new Set<number>();
  for (const spell of [asUtf8, asLatin1]) {
    for (const at of quotedIn(characters, spell, shown)) quoted.add(at);
  }
  if (quoted.size === 0) return text;
  return characters.map((character, at) =>
    !quoted.has(at) ? character : quoted.has(at - 1) ? "" : LEFT_OUT
  ).join("");
}

/** A thrown error as it may be told: its message without quotes, and where it was thrown. */
export function scrubError(cause: unknown, shown: Uint8Array): unknown {
  if (!(cause instanceof Error)) return cause;
  const message = scrub(cause.message, shown);
  const stack = cause.stack?.split("\n").map((line) =>
    FRAME.test(line) ? line : scrub(line, shown)
  ).join("\n");
  return Object.assign(new Error(message), { stack });
}

/** Where something was called, by the engine's own words. */
const FRAME = /^ {4}at .*:\d+:\d+\)?$/;

type Spell = (character: string) => Uint8Array;

const encoder = new TextEncoder();
const asUtf8: Spell = (character) => encoder.encode(character);
const asLatin1: Spell = (character) => Uint8Array.of(character.codePointAt(0)!);

/** Positions of characters that belong to a run that was shown. */
function quotedIn(
  characters: readonly string[],
  spell: Spell,
  shown: Uint8Array,
): number[] {
  const bytes: number[] = [];
  const owners: number[] = [];
  for (const [at, character] of characters.entries()) {
    for (const byte of spell(character)) {
      bytes.push(lower(byte));
      owners.push(at);
    }
  }
  const runs = runsOf(bytes);
  const found = new Set<number>();
  for (let at = 0; at + RUN <= shown.length; at++) {
    for (const start of runs.get(hash(shown, at)) ?? []) {
      if (found.has(start) || !isSame(bytes, start, shown, at)) continue;
      found.add(start);
    }
  }
  return [...found].flatMap((start) => owners.slice(start, start + RUN));
}

/** Where runs begin, by their hashes. */
function runsOf(bytes: readonly number[]): Map<number, number[]> {
  const runs = new Map<number, number[]>();
  for (let at = 0; at + RUN <= bytes.length; at++) {
    const key = hash(bytes, at);
    const starts = runs.get(key);
    if (starts) starts.push(at);
    else runs.set(key, [at]);
  }
  return runs;
}

function hash(bytes: ArrayLike<number>, at: number): number {
  let value = 0;
  for (let i = at; i < at + RUN; i++) {
    value = Math.imul(value ^ lower(bytes[i]!), PRIME);
  }
  return value;
}

function isSame(
  bytes: readonly number[],
  start: number,
  shown: Uint8Array,
  at: number,
): boolean {
  for (let i = 0; i < RUN; i++) {
    if (bytes[start + i] !== lower(shown[at + i]!)) return false;
  }
  return true;
}

/** Parsers may have changed the case of letters. */
function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** All bytes and texts that plain data holds, one after the other. */
export function textsIn(data: unknown): Uint8Array {
  const parts: Uint8Array[] = [];
  collect(data, parts);
  const all = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function collect(data: unknown, parts: Uint8Array[]): void {
  if (typeof data === "string") parts.push(encoder.encode(`${data}\0`));
  else if (data instanceof Uint8Array) parts.push(data);
  else if (data instanceof Map) collect([...data], parts);
  else if (data instanceof Set || Array.isArray(data)) {
    for (const item of data) collect(item, parts);
  } else if (typeof data === "object" && data !== null) {
    collect(Object.values(data), parts);
  }
}
