/**
 * Names of staged modules.
 *
 * @module
 */

/** Staged modules are JavaScript under the author's name with this behind it. */
export const STAGED = ".js";

/** The path in the snapshot of an author's file. */
export function stagedPath(file: string): string {
  return `${file}${STAGED}`;
}

/** The author's file of a path in the snapshot, or of a text that names some. */
export function authorsPath(text: string): string {
  return text.replaceAll(/(\.[cm]?[jt]s)\.js\b/g, "$1");
}
