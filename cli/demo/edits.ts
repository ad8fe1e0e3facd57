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

/** The message of the bug that follows. */
export const BUG = "touch is not written yet";

/** The same parser with a bug: it throws on `touch`. */
export function withBug(entry: string): string {
  return `${entry.replace(/^export default /m, "const sound = ")}
export default {
  ...sound,
  create(connection) {
    const parser = sound.create(connection);
    return {
      onData(reply, end, data, seen) {
        const text = String.fromCharCode(...data.subarray(0, 6));
        if (!reply && text === "touch ") throw new Error("${BUG}");
        return parser.onData(reply, end, data, seen);
      },
    };
  },
};
`;
}
