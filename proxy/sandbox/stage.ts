/**
 * The stager: makes of an author's file what workers import, or says why not.
 *
 * Types are stripped in place, so lines and columns stay the author's. The
 * JavaScript that is left is parsed and checked; the same text, but for the
 * paths of its relative imports and the budget checks, is what is written to
 * the snapshot: what is checked is what is loaded. The stager is the first
 * wall, not the only one: `lockdown.ts` and `gate.ts` hold without it.
 *
 * @module
 */
import { stripTypeScriptTypes } from "node:module";
import {
  type Comment,
  type Node,
  parse,
  type Position,
  type Program,
} from "acorn";
import MagicString from "magic-string";
import { insertChecks } from "./budget.ts";
import { backtracking } from "./patterns.ts";
import { PROXYLIB } from "./gate.ts";
import { resolveSpecifier } from "./specifier.ts";

/** What an author has to mend. */
export interface Problem {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  readonly found: string;
  readonly mend: string;
}

/** A module that workers may import. */
export interface Staged {
  readonly code: string;
  /** The parser's own files that it imports, from the parser's folder. */
  readonly imports: readonly { readonly path: string; readonly at: Problem }[];
}

/** What becomes of an author's file. */
export type Staging = Staged | { readonly problems: readonly Problem[] };

/**
 * Checks one file and makes JavaScript of it. Pure.
 *
 * @param file its path from the parser's folder, such as `mod.ts`
 */
export function stageModule(file: string, source: string): Staging {
  const stripped = file.endsWith("ts") ? stripTypes(source) : { code: source };
  if ("problems" in stripped) return stripped;
  const { code } = stripped;
  const comments: Comment[] = [];
  const tree = parseModule(code, comments);
  if ("problems" in tree) return tree;
  const check = new Check(file, code);
  for (const comment of comments) check.comment(comment);
  try {
    check.walk(tree.program, false);
    insertChecks(tree.program, code, check.output);
  } catch (error) {
    if (error instanceof RangeError) return { problems: [TOO_DEEP] };
    throw error;
  }
  return check.problems.length > 0
    ? { problems: check.problems }
    : { code: check.output.toString(), imports: check.imports };
}

/** What the runtime's stripper says: any number of `TEXT at file:///NAME:LINE:COLUMN`. */
const STRIP_PROBLEM = /(\S[^\n]*?) at file:\/\/\/\S+?:(\d+):(\d+)/g;

const PLACE = /at file:\/\/\S+?:(\d+):(\d+)\s*$/;

const WRITE_OTHERWISE =
  "types are stripped, not compiled: use a union or an object for an enum, a module for a namespace, fields for parameter properties";

function stripTypes(
  source: string,
): { code: string } | { problems: Problem[] } {
  try {
    return { code: stripTypeScriptTypes(source) };
  } catch (error) {
    const { message } = error as Error;
    const problems = [...message.matchAll(STRIP_PROBLEM)].map(
      ([, found, line, column]): Problem => ({
        line: Number(line),
        column: Number(column),
        found: found!,
        mend: /not supported/.test(found!)
          ? WRITE_OTHERWISE
          : "correct the syntax",
      }),
    );
    return { problems: problems.length > 0 ? problems : [syntaxError(source)] };
  }
}

/** Of plain syntax errors the stripper does not say where they are; the runtime's compiler does. */
function syntaxError(source: string): Problem {
  let found = "a syntax error";
  let where: Position = START;
  try {
    stripTypeScriptTypes(source, { mode: "transform" }); // what it makes is not used
  } catch (error) {
    const { message } = error as Error;
    const [, line, column] = PLACE.exec(message) ?? [];
    if (line) where = { line: Number(line), column: Number(column) - 1 };
    const [first] = message.replaceAll(/^(?:SyntaxError: )+/g, "").split("\n");
    if (first) found = `syntax error: ${first}`;
  }
  return at(where, found, "correct the syntax");
}

function parseModule(
  code: string,
  comments: Comment[],
): { program: Program } | { problems: Problem[] } {
  try {
    const program = parse(code, {
      ecmaVersion: "latest",
      sourceType: "module",
      locations: true,
      onComment: comments,
    });
    return { program };
  } catch (error) {
    const { message, loc } = error as SyntaxError & { loc?: Position };
    if (!loc) return { problems: [TOO_DEEP] };
    const found = `syntax error: ${message.replace(/ \(\d+:\d+\)$/, "")}`;
    return { problems: [at(loc, found, "correct the syntax")] };
  }
}

function at(
  { line, column }: Position,
  found: string,
  mend: string,
): Problem {
  return { line, column: column + 1, found, mend };
}

const START: Position = { line: 1, column: 0 };
const TOO_DEEP = at(
  START,
  "nesting that is too deep to be read",
  "write it flatter",
);

/** A syntax node, as far as it is looked at here. */
interface Syntax extends Node {
  readonly [key: string]: unknown;
}

/** One walk over one module. */
class Check {
  readonly problems: Problem[] = [];
  readonly imports: { path: string; at: Problem }[] = [];
  readonly output: MagicString;
  readonly #file: string;

  constructor(file: string, code: string) {
    this.#file = file;
    this.output = new MagicString(code);
  }

  /** Comments by which a module names itself, or its source map, to the engine. */
  comment({ value, loc }: Comment): void {
    if (!/^[#@]\s*source(?:Mapping)?URL\b/.test(value.trimStart())) return;
    this.#refuse(
      loc!.start,
      "a sourceURL or sourceMappingURL comment",
      "remove it: stack traces name your file as it is",
    );
  }

  /** @param inFunction whether an `await` there belongs to a function */
  walk(node: Syntax | Node, inFunction: boolean): void {
    const syntax = node as Syntax;
    this.#visit(syntax, inFunction);
    for (const [key, value] of Object.entries(syntax)) {
      // A computed key of a class is evaluated where the class is.
      const within = inFunction ||
        (FUNCTIONS.has(syntax.type) && key !== "key");
      for (const child of Array.isArray(value) ? value : [value]) {
        if (typeof child?.type === "string") this.walk(child, within);
      }
    }
  }

  #visit(node: Syntax, inFunction: boolean): void {
    switch (node.type) {
      case "ImportExpression":
        return this.#refuse(
          node.loc!.start,
          "an import while the parser runs",
          "import at the top of the file",
        );
      case "MetaProperty":
        if ((node.meta as { name: string }).name === "new") return; // new.target
        return this.#refuse(
          node.loc!.start,
          "import.meta",
          "remove it: a parser depends on bytes and state, not on where it is",
        );
      case "ImportDeclaration":
      case "ExportAllDeclaration":
      case "ExportNamedDeclaration":
        return this.#dependency(node);
      case "AwaitExpression":
        return this.#await(node, inFunction);
      case "ForOfStatement":
        if (node.await) this.#await(node, inFunction);
        return;
      case "VariableDeclaration":
        if (node.kind === "await using") this.#await(node, inFunction);
        return;
      case "Literal":
        return this.#literal(node);
    }
  }

  #dependency(node: Syntax): void {
    const source = node.source as (Syntax & { value: string }) | null;
    if (!source) return;
    const start = source.loc!.start;
    if ((node.attributes as unknown[] | undefined)?.length) {
      return this.#refuse(
        start,
        "import attributes",
        "import modules only; write data as a module that exports it",
      );
    }
    const target = resolveSpecifier(this.#file, source.value);
    switch (target.kind) {
      case "proxylib":
        return;
      case "refused":
        return this.#refuse(
          start,
          `the import ${JSON.stringify(source.value)}, which ${target.why}`,
          `import files of this parser by relative paths, and ${PROXYLIB}`,
        );
      case "file":
        this.imports.push({
          path: target.path,
          at: at(
            start,
            `the import ${JSON.stringify(source.value)}, where no file is`,
            "correct the path",
          ),
        });
        this.output.overwrite(
          source.start,
          source.end,
          JSON.stringify(target.staged),
        );
    }
  }

  #await(node: Syntax, inFunction: boolean): void {
    if (inFunction) return;
    this.#refuse(
      node.loc!.start,
      "an await outside of functions",
      "compute what the module needs at once: loading must not wait",
    );
  }

  #literal(node: Syntax): void {
    const pattern = (node.regex as { pattern: string } | undefined)?.pattern;
    const found = pattern === undefined ? undefined : backtracking(pattern);
    if (!found) return;
    const { line, column } = node.loc!.start;
    this.#refuse(
      { line, column: column + 1 + found.at } as Position,
      `a regular expression with ${found.what}`,
      "write it without: no input may make it take more than linear time",
    );
  }

  #refuse(where: Position, found: string, mend: string): void {
    this.problems.push(at(where, found, mend));
  }
}

const FUNCTIONS: ReadonlySet<string> = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
  "StaticBlock", // an await there is a syntax error
  "PropertyDefinition",
]);
