/**
 * Parsers in the command's own process, with its permissions: where there is no
 * sandbox.
 *
 * @module
 */
import { answer } from "../proxy/checker/answer.ts";
import { judgeDocuments } from "../proxy/checker/judge.ts";
import type { Answers, Question } from "../proxy/control/messages.ts";
import { ParserRegistry } from "../proxy/registry/registry.ts";
import type { LoadParsers } from "./loaded_parsers.ts";

/** Lends out parsers that this process imports. */
export const withParsersInProcess: LoadParsers = async (
  folders,
  written,
  use,
) => {
  const registry = new ParserRegistry(folders);
  try {
    await registry.scan();
    return await use({
      status: registry.status(),
      ...judgeDocuments(registry, written),
      ask: <Type extends Question["type"]>(
        name: string,
        question: Extract<Question, { type: Type }>,
      ) =>
        Promise.resolve(
          answer(registry.get(name)!, question) as Answers[Type],
        ),
    });
  } finally {
    await registry.close();
  }
};
