/**
 * Schemas as a CustomResourceDefinition takes them, from zod's: "structural"
 * ones, which say the type of everything, without references and alternatives.
 * See
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 *
 * Keys that the schema does not have are kept, not pruned: a rule that lost a
 * misspelt key would allow more than its author meant. The loader finds them.
 *
 * @module
 */
import { z } from "zod";

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** A structural schema. */
export interface Structural {
  readonly type?: string;
  readonly description?: string;
  readonly [key: string]: unknown;
}

/** Keeps whatever is there. */
const ANYTHING = { "x-kubernetes-preserve-unknown-fields": true };

/** What zod says of a value, in the words of a CustomResourceDefinition. @throws {TypeError} where that cannot be */
export function structural(schema: z.ZodType): Structural {
  const root = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  const definitions = root.$defs ?? {};

  function convert(given: JsonSchema, path: string): Structural {
    const { description: own, ...rest } = given;
    const { description: ofPart, ...converted } = ofType(rest, path);
    // What is said where a part is used is nearer than what the part says.
    const description = own ?? ofPart;
    return {
      ...(description === undefined ? {} : { description }),
      ...converted,
    };
  }

  function ofType(given: JsonSchema, path: string): Structural {
    if (given.$ref !== undefined) {
      const name = given.$ref.replace("#/$defs/", "");
      return convert(definitions[name] as JsonSchema, path);
    }
    const [one, ...others] = alternativesOf(given);
    const isNullable = others.some(({ type }) => type === "null");
    const rest = others.filter(({ type }) => type !== "null");
    if (one !== undefined && rest.length > 0) {
      const types = [one, ...rest].map(({ type }) => type).sort();
      if (types.join() !== "integer,string") {
        throw new TypeError(`${path}: a value of ${types.join(" or ")}`);
      }
      const nullable = isNullable ? { nullable: true } : {};
      return { "x-kubernetes-int-or-string": true, ...nullable };
    }
    if (isNullable) return { ...convert(one!, path), nullable: true };
    return plain(one ?? given, path);
  }

  function plain(given: JsonSchema, path: string): Structural {
    switch (given.type) {
      case undefined:
        return ANYTHING;
      case "object":
        return object(given, path);
      case "array":
        return {
          type: "array",
          items: convert(given.items as JsonSchema, `${path}[]`),
        };
      case "integer": // zod's bounds are those of its numbers
        return { type: "integer", format: "int64" };
      case "string":
        return { type: "string", ...given.enum ? { enum: given.enum } : {} };
      case "boolean":
        return { type: "boolean" };
      default:
        throw new TypeError(`${path}: no structural schema of ${given.type}`);
    }
  }

  function object(given: JsonSchema, path: string): Structural {
    const { properties, required, additionalProperties } = given;
    if (properties === undefined) {
      const values = additionalProperties as JsonSchema;
      return {
        type: "object",
        additionalProperties: convert(values, `${path}.*`),
      };
    }
    return {
      type: "object",
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, value]) => [
          name,
          convert(value as JsonSchema, `${path}.${name}`),
        ]),
      ),
      ...(required ? { required } : {}),
      ...ANYTHING,
    };
  }

  return convert(root as JsonSchema, "");
}

/** `anyOf` and lists of types alike, `null` last. */
function alternativesOf(given: JsonSchema): JsonSchema[] {
  const { anyOf, type } = given;
  const all = anyOf ??
    (Array.isArray(type) ? type.map((type) => ({ ...given, type })) : []);
  return (all as JsonSchema[]).flatMap((one) => {
    const inner = alternativesOf(one);
    return inner.length > 0 ? inner : [one];
  }).sort((a, b) => Number(a.type === "null") - Number(b.type === "null"));
}
