/**
 * Files that the command line names.
 *
 * @module
 */
import { UsageError } from "./exit.ts";

/**
 * A file's text.
 *
 * @throws {UsageError} when it cannot be read
 */
export async function readFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new UsageError(
      `cannot read ${path}: ${
        (error as Error).message
      }; name a file that exists and may be read`,
    );
  }
}
