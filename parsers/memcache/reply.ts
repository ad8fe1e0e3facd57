/**
 * Where a text reply ends.
 *
 * What a reply is follows from the request that it answers; a value's length
 * comes from its VALUE line, never from a search for END.
 *
 * @module
 */
import { latin1, line, part, pass, type Verdict } from "parley/proxylib";
import type { Request } from "./request.ts";

/** Longest line that a server sends; values are not lines. */
const LINE_MAX = 1024 * 1024;

/** Frames the reply to a request, or one that nobody asked for. */
export function replyFrame(
  data: Uint8Array,
  seen: number,
  request: Request | undefined,
): Verdict {
  const goesOn = continues(request);
  let at = 0;
  for (;;) {
    const frame = line(data.subarray(at), Math.max(0, seen - at), LINE_MAX);
    if (frame.op !== "pass") return at > 0 ? part(at) : frame;
    const text = latin1(data, at, at + Math.min(frame.bytes, SHOWN));
    const more = goesOn(text);
    at += frame.bytes + more.body;
    if (more.last) return pass(at);
    // The rest of a value passes unseen.
    if (at >= data.length) return part(at);
  }
}

/** Enough of a line for a VALUE header: key 250, flags 10, length 10, cas 20. */
const SHOWN = 320;

interface Line {
  /** Whether the line ends the reply. */
  readonly last: boolean;
  /** Bytes of the data block behind the line. */
  readonly body: number;
}

const LAST: Line = { last: true, body: 0 };
const NOT_LAST: Line = { last: false, body: 0 };

/** How the lines of a request's reply are read. */
function continues(request: Request | undefined): (line: string) => Line {
  switch (request?.command?.reply) {
    case "values":
      return valueLine;
    case "stats":
      return (line) => STATS.test(line) ? NOT_LAST : LAST;
    case "watch":
      // A watcher that was let in is sent lines until it hangs up.
      return (line) => WATCH_FAILED.test(line) ? LAST : NOT_LAST;
    default:
      return DUMPS.test(request?.argument ?? "")
        ? (line) => DUMP.test(line) ? NOT_LAST : LAST
        : () => LAST;
  }
}

const VALUE = /^VALUE [^ ]+ \d+ (\d{1,10})(?: \d+)?\r?\n/;
const STATS = /^(STAT|ITEM|PREFIX) /;
const WATCH_FAILED = /^(ERROR|CLIENT_ERROR|SERVER_ERROR|WATCHER_)/;
const DUMPS = /^(metadump|mgdump)$/;
const DUMP = /^(key=|mg )/;

function valueLine(line: string): Line {
  const header = VALUE.exec(line);
  return header ? { last: false, body: Number(header[1]) + 2 } : LAST;
}
