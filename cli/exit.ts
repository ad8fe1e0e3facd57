/**
 * How commands end.
 *
 * @module
 */
/** A check failed. */
export const EXIT_FAILED = 1;
/** The command line was wrong. */
export const EXIT_USAGE = 2;

/** The command line asks for something that cannot be; the message says how to mend it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Parsers that are always present stand beside the program. */
export const BUILT_IN_PARSERS = pathOf("../parsers");

/** The configuration of the program itself, at the root of its sources. */
export const PROGRAM = pathOf("../deno.json");

function pathOf(relative: string): string {
  return decodeURIComponent(new URL(relative, import.meta.url).pathname);
}
