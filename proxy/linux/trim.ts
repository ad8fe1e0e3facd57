/**
 * Gives memory back that the C library has freed and keeps.
 *
 * @module
 */
import { openLibc, SIZE } from "./libc.ts";

/** A function that does so; it does nothing where the C library has no such call (musl keeps little). See malloc_trim(3). */
export function openTrim(): () => void {
  const { symbols } = openLibc({
    malloc_trim: { parameters: [SIZE], result: "i32", optional: true },
  });
  const trim = symbols.malloc_trim;
  return () => void trim?.(0);
}
