/**
 * Makes the zoo's parsers: each does one hostile thing when a line tells it to,
 * and passes lines otherwise.
 *
 * @module
 */

/** What the client says to have the hostile thing done. */
export const WORD = "attack";

/** Where in a parser the hostile code stands. */
export interface Hostility {
  /** Statements of the module. */
  readonly module?: string;
  /** Statements of `onData`, for a request that begins with the word. */
  readonly onData?: string;
  /** Statements of `create`; the parser is hostile from the start then. */
  readonly create?: string;
  /** The rule's schema. */
  readonly rule?: string;
  /** Members of the parser object, and of its definition. */
  readonly members?: string;
  readonly definition?: string;
}

/** The text of a parser file. */
export function parserText({
  module = "",
  onData = "",
  create = "",
  rule = "z.strictObject({ word: z.string().optional() })",
  members = "",
  definition = "",
}: Hostility): string {
  return `// deno-lint-ignore-file
import { bytes, defineParser, latin1, line, nop, pass, z } from "parley/proxylib";
${module}
export default defineParser({
  description: "hostile",
  rule: ${rule},
  matches: (rule: any, request: any) => rule.word === undefined || rule.word === request.word,
  create(connection) {
    ${create}
    return {
      onData(reply: boolean, _end: boolean, data: Uint8Array, seen: number): any {
        if (data.length === 0) return nop();
        const verdict = line(data, seen, 1024);
        if (reply || verdict.op !== "pass") return verdict;
        const word = latin1(data.subarray(0, verdict.bytes)).trim();
        if (!connection.matches({ word }).allowed) return verdict;
        if (word === "${WORD}") { ${onData} }
        return verdict;
      },
      ${members}
    };
  },
  ${definition}
});
`;
}
