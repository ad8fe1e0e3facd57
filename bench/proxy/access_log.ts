/**
 * Parley's access log during a bench: whether all of it was written.
 *
 * @module
 */
import { delay } from "./processes.ts";

const PATIENCE_MS = 2_000;
const NEWLINE = 0x0a;

/**
 * How many of the lines to expect did not come; then empties the file, so that
 * a long run does not fill the disk.
 */
export async function lostLines(
  path: string,
  expected: number,
): Promise<number> {
  const deadline = performance.now() + PATIENCE_MS;
  let lines = await countLines(path);
  while (lines < expected && performance.now() < deadline) {
    await delay(50);
    lines = await countLines(path);
  }
  await Deno.truncate(path);
  return Math.max(0, expected - lines);
}

async function countLines(path: string): Promise<number> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(1 << 20);
  let lines = 0;
  for (;;) {
    const length = await file.read(buffer);
    if (length === null) return lines;
    for (let i = buffer.indexOf(NEWLINE); i >= 0 && i < length;) {
      lines++;
      i = buffer.indexOf(NEWLINE, i + 1);
    }
  }
}
