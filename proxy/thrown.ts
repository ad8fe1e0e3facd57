/**
 * What was thrown, in words: by the system, or by untrusted code.
 *
 * @module
 */

/** The stack of an error, if it has one that can be read. */
export function thrownStack(cause: unknown): string | undefined {
  try {
    const stack = cause instanceof Error ? cause.stack : undefined;
    return typeof stack === "string" ? stack : undefined;
  } catch {
    return undefined;
  }
}

/** Parsers can throw anything, also what cannot be turned into text. Never throws. */
export function thrownText(cause: unknown): string {
  try {
    return cause instanceof Error ? `${cause.message}` : String(cause);
  } catch {
    return "something that has no text";
  }
}
