/** Lines as texts, for the tests of their form. */
import {
  type ConnectionFacts,
  type Entry,
  LineFormatter,
  lineText,
} from "./format.ts";

/** Formats the lines of one connection. */
export function formatter(
  facts: ConnectionFacts,
): (time: number, entry: Entry) => string {
  const lines = new LineFormatter(facts);
  return (time, entry) => {
    let text = "";
    lines.write((...parts) => text = lineText(...parts), time, entry);
    return text;
  };
}
