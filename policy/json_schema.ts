/**
 * JSON Schema of policy files, for editors and other checkers. It says which
 * keys there are and what they hold; `parley check` says the rest.
 *
 * @module
 */
import { z } from "zod";
import { l7RulesSchema, policySchema } from "./schema.ts";

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The rules of one L7 protocol. */
export interface L7Schema {
  readonly proto: string;
  readonly description: string;
  /** JSON Schema of one rule. */
  readonly rule: JsonSchema;
}

/** JSON Schema 2020-12 of policy files, with the L7 rules of these protocols. */
export function policyJsonSchema(protocols: readonly L7Schema[]): object {
  const schema = z.toJSONSchema(policySchema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === l7RulesSchema) addProtocols(jsonSchema, protocols);
    },
  });
  const { $schema, ...rest } = schema;
  return {
    $schema,
    title: "Policy of Parley: CiliumNetworkPolicy objects, or a list of rules",
    ...rest,
  };
}

/** `l7proto` is one of the protocols, and says what the maps of `l7` hold. */
function addProtocols(
  rules: JsonSchema,
  protocols: readonly L7Schema[],
): void {
  const { description } = rules.properties!["l7proto"] as JsonSchema;
  rules.properties!["l7proto"] = {
    anyOf: [
      ...protocols.map(({ proto, description }) => ({
        const: proto,
        description,
      })),
      { type: "null" },
    ],
    ...(description === undefined ? {} : { description }),
  };
  if (protocols.length === 0) return; // an empty allOf is not JSON Schema
  rules.allOf = protocols.map(({ proto, rule }) => ({
    if: { properties: { l7proto: { const: proto } }, required: ["l7proto"] },
    then: { properties: { l7: { items: rule } } },
  }));
}

/** A map of texts where a parser's schema cannot be written as JSON Schema. */
const ANY_RULE: JsonSchema = {
  type: "object",
  additionalProperties: { type: "string" },
};

/** JSON Schema of one L7 rule, by the schema of its parser. Never throws. */
export function ruleJsonSchema(rule: z.ZodType): JsonSchema {
  const schema = convert(rule);
  // Refs would point into the wrong document.
  if (schema === undefined || "$defs" in schema) return ANY_RULE;
  const { $schema: _, ...rest } = schema;
  // The empty rule never reaches the parser: it covers every request.
  return (rest.required?.length ?? 0) === 0
    ? rest
    : { anyOf: [rest, { type: "object", maxProperties: 0 }] };
}

function convert(rule: z.ZodType): JsonSchema | undefined {
  try {
    return z.toJSONSchema(rule, { io: "input", unrepresentable: "any" });
  } catch {
    return undefined;
  }
}
