/**
 * Answers what commands ask about a parser, where it is loaded. What its code
 * makes of the question comes back as data.
 *
 * @module
 */
import { ruleJsonSchema } from "../../policy/mod.ts";
import type { ParserDefinition } from "../../proxylib/parser.ts";
import { readVectors, type Vector } from "../../proxylib/testkit/mod.ts";
import type { Answers, Question } from "../control/messages.ts";
import { coverage, createJudge } from "../matcher.ts";
import type { LoadedParser } from "../registry/registry.ts";
import { checkCase } from "../testkit.ts";
import { thrownText } from "../thrown.ts";
import { describedRequest } from "./described_request.ts";

/** Asks a parser. @throws {unknown} what its definition throws where no answer provides for it */
export function answer(
  parser: LoadedParser,
  question: Question,
): Answers[Question["type"]] {
  switch (question.type) {
    case "rules":
      return rulesOf(parser);
    case "request":
      return judgeRequest(parser, question);
    case "requests":
      return judgeRequests(parser, question);
    case "vector":
      return differencesOf(parser, question);
    case "vectors":
      return firstFault(parser, question);
  }
}

type Of<Type extends Question["type"]> = Extract<Question, { type: Type }>;

function rulesOf({ definition }: LoadedParser): Answers["rules"] {
  const { description, rule } = definition;
  return { description: `${description}`, rule: ruleJsonSchema(rule) };
}

function judgeRequest(
  parser: LoadedParser,
  { given, access, mode, rules }: Of<"request">,
): Answers["request"] {
  const { definition } = parser;
  const described = describedRequest(parser, given);
  if ("wrong" in described) return described;
  const { request, fields } = described;
  if (!access) return { fields, coverage: [] };
  try {
    return {
      fields,
      decision: createJudge(definition, access, mode)(request),
      coverage: rules.map((rule) => coverage(definition, rule, request)),
    };
  } catch (error) {
    return { panic: thrownText(error) };
  }
}

function judgeRequests(
  { name, definition }: LoadedParser,
  { given, access }: Of<"requests">,
): Answers["requests"] {
  const judge = createJudge(definition, access, "enforce");
  return given.map((fields) => {
    if (!definition.fromFields) {
      const wrong = `the parser ${name} cannot make a request of log fields`;
      return { wrong };
    }
    try {
      return judge(definition.fromFields(fields));
    } catch (error) {
      return { wrong: `the parser ${name} threw: ${thrownText(error)}` };
    }
  });
}

function differencesOf(
  { name, definition }: LoadedParser,
  { line }: Of<"vector">,
): Answers["vector"] {
  const [vector] = readVectors("vector", line);
  return differences(name, definition, vector!);
}

function firstFault(
  { name, definition }: LoadedParser,
  { file, text }: Of<"vectors">,
): Answers["vectors"] {
  try {
    for (const vector of readVectors(file, text)) {
      const [first] = differences(name, definition, vector);
      if (first !== undefined) return `${file}: ${vector.name}: ${first}`;
    }
    return null;
  } catch (error) {
    return thrownText(error);
  }
}

function differences(
  name: string,
  definition: ParserDefinition,
  vector: Vector,
): string[] {
  if (vector.l7proto !== name) {
    return [`it is for l7proto ${vector.l7proto}, not ${name}`];
  }
  try {
    return checkCase(definition, vector);
  } catch (error) {
    return [`cannot be run: ${thrownText(error)}`];
  }
}
