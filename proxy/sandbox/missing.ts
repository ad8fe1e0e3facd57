/**
 * Walls that a machine cannot put up, told from the launcher to the program by
 * an argument, in words for the operator's log.
 *
 * @module
 */

const FLAG = "--missing=";

/** The argument that names what a wall does not cover; none if it covers all. */
export function missingFlag(
  wall: string,
  missing: readonly string[],
): string[] {
  return missing.length === 0 ? [] : [`${FLAG}${wall}: ${missing.join(", ")}`];
}

/** Takes these arguments out of a program's own. */
export function readMissing(
  args: readonly string[],
): { readonly args: string[]; readonly missing: string[] } {
  return {
    args: args.filter((arg) => !arg.startsWith(FLAG)),
    missing: args.filter((arg) => arg.startsWith(FLAG))
      .map((arg) => arg.slice(FLAG.length)),
  };
}
