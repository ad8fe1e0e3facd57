/**
 * Finds what makes a regular expression take more than linear time: V8's linear
 * engine, which takes over when backtracking gets out of hand, can do all but
 * look-around and back-references.
 *
 * @module
 */

/** A part of a pattern that only backtracking can match. */
export interface Backtracking {
  /** Where it begins, in UTF-16 units from the pattern's start. */
  readonly at: number;
  readonly what: "look-around" | "a back-reference";
}

const LOOK_AROUND = /^\(\?<?[=!]/;
const BACK_REFERENCE = /^\\(?:[1-9]|k<)/;

/** The first such part of a pattern that is known to be well-formed. */
export function backtracking(pattern: string): Backtracking | undefined {
  let classes = 0; // they nest with the flag v
  for (let at = 0; at < pattern.length; at++) {
    const rest = pattern.slice(at, at + 4);
    if (classes === 0) {
      if (LOOK_AROUND.test(rest)) return { at, what: "look-around" };
      if (BACK_REFERENCE.test(rest)) return { at, what: "a back-reference" };
    }
    switch (pattern[at]) {
      case "\\":
        at++; // whatever follows is no syntax
        break;
      case "[":
        classes++;
        break;
      case "]":
        classes = Math.max(0, classes - 1);
    }
  }
  return undefined;
}
