/**
 * Where a text reply ends.
 *
 * What a reply is follows from the request that it answers; a value's length
 * comes from its VALUE or VA line, never from a search for END.
 *
 * @module
 */
import { find, latin1, line, part, pass, type Verdict } from "parley/proxylib";
import type { ReplyShape, Request } from "./request.ts";

/** Longest line that a server sends; values are not lines. */
const LINE_MAX = 1024 * 1024;
/** Enough of a line to know what it is. */
const SHOWN = 16;

/**
 * Frames the reply to a request, or one that nobody is known to have asked for.
 * `undefined` if it cannot be the reply to this request.
 */
export function textReply(
  data: Uint8Array,
  seen: number,
  request: Request | undefined,
): Verdict | undefined {
  const read = LINES[request?.shape ?? "line"];
  let at = 0;
  for (;;) {
    const frame = line(data, Math.max(at, seen), at + LINE_MAX);
    if (frame.op !== "pass") return at > 0 ? part(at) : frame;
    const found = read(data, at, frame.bytes);
    if (found === OTHER) return undefined;
    if (found === LAST) return pass(frame.bytes);
    if (found < 0) return pass(frame.bytes + BLOCK_LAST - found);
    at = frame.bytes + found;
    if (at >= data.length) return part(at); // the rest of a value passes unseen
  }
}

/**
 * What a line says of its reply, as a number, since it is asked for each line:
 * from 0 on, the reply goes on behind a data block of that many bytes.
 */
type LineKind = number;
/** The reply ends with this line. */
const LAST: LineKind = -1;
/** Not a line of such a reply. */
const OTHER: LineKind = -2;
/** Less n: the reply ends with a data block of n bytes. */
const BLOCK_LAST: LineKind = -3;

type ReadLine = (data: Uint8Array, start: number, end: number) => LineKind;

/** How the lines of each kind of reply are read. */
const LINES: Readonly<Record<ReplyShape, ReadLine>> = {
  line: metaLine,
  values: valueLine,
  stats: byStart(/^(STAT|ITEM|PREFIX) /, 0, LAST),
  dump: byStart(/^(key=|mg )/, 0, LAST),
  // A watcher that was let in is sent lines until it hangs up.
  watch: byStart(/^(ERROR|CLIENT_ERROR|SERVER_ERROR|WATCHER_)/, LAST, 0),
  mn: byStart(/^MN\r\n/, LAST, OTHER),
  packet: () => LAST,
  packets: () => LAST,
};

function byStart(
  pattern: RegExp,
  ifFits: LineKind,
  otherwise: LineKind,
): ReadLine {
  return (data, start, end) =>
    pattern.test(latin1(data, start, Math.min(end, start + SHOWN)))
      ? ifFits
      : otherwise;
}

const [V, A, L, SPACE] = [0x56, 0x41, 0x4c, 0x20];

/** `VALUE <key> <flags> <bytes> [<cas unique>]`, or the line that ends the reply. */
function valueLine(data: Uint8Array, start: number, end: number): LineKind {
  const isValue = data[start] === V && data[start + 1] === A &&
    data[start + 2] === L && data[start + 5] === SPACE;
  if (!isValue) return LAST;
  const flags = find(data, SPACE, start + 6, end) + 1;
  const length = find(data, SPACE, flags, end) + 1;
  const bytes = number(data, length, end);
  return bytes < 0 ? LAST : bytes + 2;
}

/** `VA <bytes> <flags>*` of a meta command, or any one line. */
function metaLine(data: Uint8Array, start: number, end: number): LineKind {
  const isValue = data[start] === V && data[start + 1] === A &&
    data[start + 2] === SPACE;
  const bytes = isValue ? number(data, start + 3, end) : -1;
  return bytes < 0 ? LAST : BLOCK_LAST - (bytes + 2);
}

/** A decimal number that a space or the line's end follows; -1 if there is none. */
function number(data: Uint8Array, at: number, end: number): number {
  let value = 0;
  let digits = 0;
  for (; at < end; at++, digits++) {
    const digit = data[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  const isEnded = at < end && data[at]! <= SPACE;
  return digits > 0 && digits <= 10 && isEnded ? value : -1;
}
