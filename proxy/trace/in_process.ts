/**
 * Parsers that requests are shown to in this process, where there is no sandbox.
 *
 * @module
 */
import type { Answers } from "../control/messages.ts";
import { answer } from "../checker/answer.ts";
import type { LoadedParser } from "../registry/registry.ts";
import type { AskedParsers } from "./trace.ts";
import { WrongQuestion } from "./wrong_question.ts";

/** Those of a registry. */
export function askedInProcess(
  registry: {
    names(): readonly string[];
    get(name: string): LoadedParser | undefined;
  },
): AskedParsers {
  const find = (name: string) => {
    const parser = registry.get(name);
    if (parser) return parser;
    throw new WrongQuestion(
      `l7proto ${name} is no parser that serves here; name one of ${
        registry.names().join(", ")
      }`,
    );
  };
  return {
    find,
    ask: async (name, question) =>
      await answer(find(name), question) as Answers["request"],
  };
}
