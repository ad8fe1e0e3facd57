/**
 * Checks a document against a zod schema and says what is wrong in the words of
 * the file: at its keys, with the name that was probably meant.
 *
 * @module
 */
import { z } from "zod";
import { isMapping, type Reporter } from "./cursor.ts";
import { nearMiss, oneOf, type Path, quote } from "./problem.ts";

/**
 * Reports every departure of `value` from `schema`.
 *
 * A custom issue may carry `params: { code, mend }`. `base` is the path of
 * `value` inside the document. Returns the parsed value, or `undefined` when
 * something was wrong.
 */
export function checkShape<T extends z.ZodType>(
  schema: T,
  value: unknown,
  reporter: Reporter,
  base: Path = [],
): z.output<T> | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    reportIssue(issue, { schema, value, reporter, base });
  }
  return undefined;
}

interface Context {
  readonly schema: z.ZodType;
  readonly value: unknown;
  readonly reporter: Reporter;
  readonly base: Path;
}

type Issue = z.core.$ZodIssue;

function reportIssue(issue: Issue, context: Context): void {
  const { schema, reporter } = context;
  const inner = issue.path as Path;
  const path = [...context.base, ...inner];
  const found = valueAt(context.value, inner);
  const error = (code: string, message: string, mend: string) => {
    reporter.add("error", path, "value", { code, message, mend });
  };
  switch (issue.code) {
    case "unrecognized_keys":
      for (const key of issue.keys) {
        reportUnknownKey(key, keysAt(schema, inner), path, reporter);
      }
      return;
    case "invalid_type":
      if (found === undefined) {
        return reportMissing(path, issue.expected, reporter);
      }
      return error("schema.type", ...wrongType(issue.expected, found));
    case "invalid_value": {
      const allowed = issue.values.map(String);
      if (found === undefined) {
        return reportMissing(path, oneOf(allowed), reporter);
      }
      const mend = typeof found === "string"
        ? nearMiss(found, allowed)
        : undefined;
      const message = `expected ${oneOf(allowed)}, found ${quote(found)}`;
      return error("schema.value", message, mend ?? `write ${oneOf(allowed)}`);
    }
    case "invalid_union": {
      const branch = nearestBranch(issue.errors);
      if (branch === undefined) {
        const message = `expected ${issue.message}, found ${describe(found)}`;
        return error("schema.type", message, `write ${issue.message}`);
      }
      for (const nested of branch) {
        reportIssue(
          { ...nested, path: [...issue.path, ...nested.path] },
          context,
        );
      }
      return;
    }
    case "too_small": {
      if (issue.origin === "string") {
        return error(
          "schema.value",
          "the text is empty",
          "write a name, or delete the key",
        );
      }
      const message = `expected at least ${issue.minimum}, found ${
        quote(found)
      }`;
      return error("schema.range", message, `write ${issue.minimum} or more`);
    }
    case "too_big": {
      const message = `expected at most ${issue.maximum}, found ${
        quote(found)
      }`;
      return error("schema.range", message, `write ${issue.maximum} or less`);
    }
    case "custom": {
      const { code, mend } = issue.params as { code: string; mend: string };
      return error(code, issue.message, mend);
    }
    default: // formats and the like, which the schemas here do not use
      return error(
        "schema.value",
        lowerFirst(issue.message),
        "correct the value",
      );
  }
}

function reportUnknownKey(
  key: string,
  known: readonly string[],
  parent: Path,
  reporter: Reporter,
): void {
  const message = `the key ${quote(key)} is not known here`;
  const mend = nearMiss(key, known) ??
    (known.length === 0 ? "delete it" : `delete it, or write ${oneOf(known)}`);
  reporter.add("error", [...parent, key], "key", {
    code: "schema.unknown-key",
    message,
    mend,
  });
}

function reportMissing(path: Path, expected: string, reporter: Reporter): void {
  const key = String(path.at(-1) ?? "");
  reporter.add("error", path, "value", { // of what is missing, the parent's place
    code: "schema.missing",
    message: `the key ${quote(key)} is missing`,
    mend: `add ${key} with ${NAMES[expected] ?? expected}`,
  });
}

const NAMES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

function wrongType(expected: string, found: unknown): [string, string] {
  const wanted = NAMES[expected] ?? expected;
  const message = `expected ${wanted}, found ${describe(found)}`;
  if (wanted === "text" && ["number", "boolean"].includes(typeof found)) {
    return [message, `write it in quotes: "${found}"`];
  }
  if (wanted === "text" && found === null) {
    return [message, 'write the text, or "" for empty text'];
  }
  if (wanted === "a list") {
    return [message, "write a list: its items start with a dash"];
  }
  if (wanted === "a mapping") {
    return [message, "write keys and values here: key: value"];
  }
  return [message, `write ${wanted}`];
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return "nothing (null)";
  if (Array.isArray(value)) return "a list";
  if (isMapping(value)) return "a mapping";
  const kind = typeof value === "string" ? "the text" : `the ${typeof value}`;
  return `${kind} ${quote(value)}`;
}

/** The branch of a union that fits the kind of the value, if exactly one does. */
function nearestBranch(branches: readonly Issue[][]): Issue[] | undefined {
  const fitting = branches.filter((issues) => {
    return !issues.some((issue) => {
      return issue.path.length === 0 &&
        (issue.code === "invalid_type" || issue.code === "invalid_value");
    });
  });
  return fitting.length === 1 ? fitting[0] : undefined;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((parent, key) => {
    if (typeof parent !== "object" || parent === null) return undefined;
    return (parent as Record<string | number, unknown>)[key];
  }, value);
}

/** The keys that the schema knows at a path. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let level = unwrap(schema);
  for (const key of path) {
    level = level.flatMap((type) => childOf(type, key)).flatMap(unwrap);
  }
  return level.flatMap((type) => {
    return type instanceof z.ZodObject ? Object.keys(type.shape) : [];
  });
}

function childOf(type: z.ZodType, key: string | number): z.ZodType[] {
  if (type instanceof z.ZodArray) return [type.element as z.ZodType];
  if (type instanceof z.ZodRecord) return [type.valueType as z.ZodType];
  if (type instanceof z.ZodObject) {
    const child = (type.shape as Record<string, z.ZodType>)[key];
    return child === undefined ? [] : [child];
  }
  return [];
}

/** A schema without its optional, default and transform wrappers; each branch of a union. */
function unwrap(type: z.ZodType): z.ZodType[] {
  if (
    type instanceof z.ZodOptional || type instanceof z.ZodNullable ||
    type instanceof z.ZodDefault || type instanceof z.ZodPrefault
  ) return unwrap(type.unwrap() as z.ZodType);
  if (type instanceof z.ZodPipe) return unwrap(type.in as z.ZodType);
  if (type instanceof z.ZodUnion) {
    return (type.options as z.ZodType[]).flatMap(unwrap);
  }
  return [type];
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
