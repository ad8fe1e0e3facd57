/**
 * What happens to a parser's source while an author is at work on it.
 *
 * @module
 */

/** The denial as it is shipped, and as step 3 words it. */
export const OLD_WORDS = "CLIENT_ERROR access denied";
export const NEW_WORDS = "CLIENT_ERROR policy says no";

/** The same parser with another wording of the denial. */
export function reworded(source: string): string {
  return source.replaceAll(OLD_WORDS, NEW_WORDS);
}

/** A slip of the pen: quotation marks inside the string. Also the line where it is. */
export function misspelled(source: string): { text: string; line: number } {
  const text = source.replace(NEW_WORDS, NEW_WORDS.replace("says", '"says"'));
  const line = source.slice(0, source.indexOf(NEW_WORDS)).split("\n").length;
  return { text, line };
}

/** The same parser with a statement that it comes by at each `touch`. Also the line where it is. */
export function onTouch(
  source: string,
  statement: string,
): { text: string; line: number } {
  const start = source.indexOf(READS_REQUEST);
  if (start < 0) throw new Error(`no line of the parser is "${READS_REQUEST}"`);
  const before = source.slice(0, start + READS_REQUEST.length);
  const bug =
    `    if (String.fromCharCode(...head.subarray(0, 5)) === "touch") {
      ${statement}
    }
`;
  const line = before.split("\n").length + 1;
  return { text: before + bug + source.slice(before.length), line };
}

/** Where the parser's entry begins to read a request. */
const READS_REQUEST = "  request(head, state): Request {\n";
