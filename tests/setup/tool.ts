/**
 * What a test may need of the machine, and what it is told when it is not there.
 *
 * @module
 */

/** A program or library that is ready for use. */
export interface Tool {
  readonly kind: "tool";
  /** What to run. */
  readonly command: string;
  /** What the program needs in its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Something that could not be had. */
export interface Missing {
  readonly kind: "missing";
  /** Why, and what would help. Part of the names of the tests that are skipped. */
  readonly reason: string;
}

/** Wraps a reason. */
export function missing(reason: string): Missing {
  return { kind: "missing", reason };
}

/** A program that ended with an error, in its own words. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** Runs a program to its end. @throws {CommandError} with the last lines of its standard error */
export async function output(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const decoder = new TextDecoder();
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    ...options,
  }).output();
  if (success) return decoder.decode(stdout);
  const said = decoder.decode(stderr).trim().split("\n").slice(-2).join(" ");
  throw new CommandError(`${command} … ${args.at(-1)} failed: ${said}`);
}

/** Where a program is on PATH. */
export function onPath(program: string): string | undefined {
  return (Deno.env.get("PATH") ?? "").split(":")
    .filter((folder) => folder !== "")
    .map((folder) => `${folder}/${program}`)
    .find(isFile);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
