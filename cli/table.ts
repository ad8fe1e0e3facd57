/**
 * Rows for people.
 *
 * @module
 */
import { escapeControls } from "../policy/problem.ts";

/** Lines with columns of the same width; the last one is as long as it is. Texts of others drive no terminal. */
export function tableLines(rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map(escapeControls));
  const last = Math.max(...cells.map(({ length }) => length)) - 1;
  const widths = Array.from(
    { length: last },
    (_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  return cells.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")
      .trimEnd()
  );
}
