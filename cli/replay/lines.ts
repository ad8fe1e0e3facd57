/**
 * The lines of a file, of any size.
 *
 * @module
 */
import { UsageError } from "../exit.ts";

/** No line of an access log is longer; what is, is not read as one. */
const LINE_MAX = 16 * 1024 * 1024;

/**
 * Each line without its end, and its number from 1.
 *
 * @throws {UsageError} when the file cannot be read, or a line has no end
 */
export async function* linesOf(
  path: string,
): AsyncGenerator<{ readonly number: number; readonly text: string }> {
  let number = 0;
  let rest = "";
  for await (const chunk of textsOf(path)) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const text of lines) yield { number: ++number, text };
    if (rest.length > LINE_MAX) {
      throw new UsageError(
        `${path}:${
          number + 1
        } has more than ${LINE_MAX} characters; name an access log`,
      );
    }
  }
  if (rest !== "") yield { number: ++number, text: rest };
}

async function* textsOf(path: string): AsyncGenerator<string> {
  try {
    using file = await Deno.open(path);
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(256 * 1024);
    for (;;) {
      const length = await file.read(buffer);
      if (length === null) break;
      yield decoder.decode(buffer.subarray(0, length), { stream: true });
    }
  } catch (error) {
    throw new UsageError(
      `cannot read ${path}: ${
        (error as Error).message
      }; name a file that exists and may be read`,
    );
  }
}
