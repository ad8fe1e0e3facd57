/**
 * What was thrown, in words: by the system, or by untrusted code.
 *
 * @module
 */

/** The stack of an error, if it has one that can be read. */
export function thrownStack(cause: unknown): string | undefined {
  try {
    const stack = cause instanceof Error ? cause.stack : undefined;
    return typeof stack === "string" ? cut(stack, STACK_LENGTH) : undefined;
  } catch {
    return undefined;
  }
}

/** Parsers can throw anything, also what cannot be turned into text. Never throws. */
export function thrownText(cause: unknown): string {
  try {
    const text = cause instanceof Error ? `${cause.message}` : String(cause);
    return cut(text, TEXT_LENGTH);
  } catch {
    return "something that has no text";
  }
}

/** Where something was thrown, without its words: nobody knows what they quote. */
export function thrownPlace(cause: unknown): string {
  const frames = thrownStack(cause)?.match(/^ {4}at .*:\d+:\d+\)?$/gm) ?? [];
  return frames.slice(0, FRAMES).map((frame) => frame.trim()).join(", ") ||
    "nobody knows where";
}

/** Places that are told. */
const FRAMES = 3;

/** Longer texts are no messages, and would fill the log. */
const TEXT_LENGTH = 8_000;
const STACK_LENGTH = 16_000;

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
