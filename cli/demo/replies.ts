/**
 * Cuts what a server sent into whole replies. Texts have one character a byte.
 *
 * @module
 */

/** Whole replies, and the beginning of one that is still under way. */
export interface Cut {
  readonly replies: readonly string[];
  readonly rest: string;
}

/** How the replies of a protocol are cut. */
export type Cutter = (text: string) => Cut;

/** Every line is a reply. */
export function cutLines(text: string): Cut {
  return cut(text, lineEnd);
}

/** memcached: a line, or VALUE and STAT lines up to END. A value's length is that of its line. */
export function cutMemcache(text: string): Cut {
  return cut(text, (text, start) => {
    let at = start;
    for (;;) {
      const end = lineEnd(text, at);
      if (end < 0) return end;
      const line = text.slice(at, end);
      const value = /^VALUE \S+ \d+ (\d+)/.exec(line);
      at = value ? end + Number(value[1]) + "\r\n".length : end;
      if (!value && !line.startsWith("STAT ")) return at;
    }
  });
}

/** Where the line that begins at `start` ends, or -1. */
function lineEnd(text: string, start: number): number {
  return text.indexOf("\n", start) + 1 || -1;
}

function cut(
  text: string,
  replyEnd: (text: string, start: number) => number,
): Cut {
  const replies: string[] = [];
  let start = 0;
  for (;;) {
    const end = start < text.length ? replyEnd(text, start) : -1;
    if (end < 0) return { replies, rest: text.slice(start) };
    replies.push(text.slice(start, end));
    start = end;
  }
}
