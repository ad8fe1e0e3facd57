/**
 * YAML texts as plain values that remember where they were written.
 *
 * Only what JSON can say is accepted: no tags of one's own, no merge keys, keys
 * are text, and aliases expand to a bounded size. JSON is YAML, so both kinds
 * of file come through here.
 *
 * @module
 */
import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  type YAMLError,
} from "yaml";
import { formatPath, type Path, type Problem, quote } from "./problem.ts";

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One document of a YAML stream. */
export interface YamlDocument {
  readonly file: string;
  readonly value: unknown;
  /** Where the key at a path is written; an item of a list has no key, so its value counts. */
  keyAt(path: Path): Position;
  /** Where the value at a path is written; of what is missing, the nearest parent. */
  valueAt(path: Path): Position;
  /** Faults of this document alone; what is wrong is not in `value`. */
  readonly problems: readonly Problem[];
}

export interface YamlFile {
  /** Without those that are empty. */
  readonly documents: readonly YamlDocument[];
  /** Syntax errors: what the documents were meant to be is unknown. */
  readonly syntax: readonly Problem[];
}

/** Nodes that aliases may add to a document: far more than any policy has. */
const ALIAS_LIMIT = 10_000;

/** Levels of nesting, alias expansion included. */
const DEPTH_LIMIT = 64;

/**
 * Levels that are parsed: so many that those above the limit are refused by
 * their path, and so few that parsing stays linear in the text, and in the stack.
 */
const PARSED_DEPTH = 2 * DEPTH_LIMIT;

/** Reads every document of a text; never throws. */
export function parseYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  // Keys are compared and aliases expanded below, with positions and bounds.
  const composer = new Composer({
    merge: false,
    prettyErrors: false,
    resolveKnownTags: false,
    schema: "core",
    uniqueKeys: false,
  });
  let parsed: Document[];
  try {
    parsed = [...composer.compose(tokensOf(text, parser))] as Document[];
  } catch (error) {
    const problem = error instanceof TooDeep
      ? depthProblem(file, positionOf(error.offset))
      : syntaxProblem(
        file,
        positionOf(0),
        `the text cannot be parsed: ${(error as Error).message}`,
        "write it as simpler YAML",
      );
    return { documents: [], syntax: [problem] };
  }

  const syntax = new Map<string, Problem>();
  for (const { message: found, pos } of parsed.flatMap((d) => d.errors)) {
    const position = positionOf(pos[0]);
    const message = `the text is not YAML: ${lowerFirst(found)}`;
    const mend = "mend the YAML: check indentation, quotes and brackets";
    // One slip can make the parser say the same of every bracket of a line.
    const key = `${position.line} ${found}`;
    if (syntax.has(key)) continue;
    syntax.set(key, syntaxProblem(file, position, message, mend));
  }
  const documents = parsed
    .filter((document) => document.errors.length === 0)
    .map((document) => new Reader(file, document, positionOf).read())
    .filter((document) => {
      return document.value !== null || document.problems.length > 0;
    });
  return { documents, syntax: [...syntax.values()] };
}

/** The nesting is deeper than is parsed. */
class TooDeep extends Error {
  override readonly name = "TooDeep";

  /** @param offset where it begins to be */
  constructor(readonly offset: number) {
    super("the nesting is too deep");
  }
}

/** Parses step by step. @throws {TooDeep} */
function* tokensOf(text: string, parser: Parser) {
  for (const lexeme of new Lexer().lex(text)) {
    const { offset } = parser;
    yield* parser.next(lexeme);
    if (parser.stack.length > PARSED_DEPTH) throw new TooDeep(offset);
  }
  yield* parser.end();
}

function depthProblem(file: string, position: Position): Problem {
  return {
    severity: "error",
    code: "yaml.depth",
    file,
    ...position,
    path: "",
    message: "the nesting is far too deep, so that the rest was not read",
    mend: `nest at most ${DEPTH_LIMIT} levels`,
  };
}

function syntaxProblem(
  file: string,
  position: Position,
  message: string,
  mend: string,
): Problem {
  const code = "yaml.syntax";
  return {
    severity: "error",
    code,
    file,
    ...position,
    path: "",
    message,
    mend,
  };
}

interface Offsets {
  readonly key: number;
  readonly value: number;
}

/** Turns one parsed document into a value, a table of positions, and faults. */
class Reader {
  readonly #offsets = new Map<string, Offsets>();
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>(); // nodes that enclose the current one
  readonly #problems: Problem[] = [];
  #aliased = 0;
  #overflowed = false;

  constructor(
    readonly file: string,
    readonly document: Document,
    readonly positionOf: (offset: number) => Position,
  ) {}

  read(): YamlDocument {
    for (const warning of this.document.warnings) this.#reportTag(warning);
    const root = this.document.contents;
    const start = root?.range?.[0] ?? 0;
    this.#offsets.set("[]", { key: start, value: start });
    const value = this.#value(root, [], false);
    const at = (path: Path, part: keyof Offsets) => {
      return this.positionOf(this.#nearest(path, part));
    };
    return {
      file: this.file,
      value,
      keyAt: (path) => at(path, "key"),
      valueAt: (path) => at(path, "value"),
      problems: this.#problems,
    };
  }

  #nearest(path: Path, part: keyof Offsets): number {
    const exact = this.#offsets.get(JSON.stringify(path));
    if (exact !== undefined) return exact[part];
    return this.#nearest(path.slice(0, -1), "value");
  }

  #value(node: unknown, path: Path, aliased: boolean): unknown {
    if (node === null || node === undefined) return null;
    if (aliased && ++this.#aliased > ALIAS_LIMIT) return null;
    if (path.length > DEPTH_LIMIT) {
      const mend = `nest at most ${DEPTH_LIMIT} levels`;
      this.#report("yaml.depth", path, "the nesting is too deep", mend);
      return null;
    }
    if (isAlias(node)) return this.#expand(node.source, path);
    if (isScalar(node)) {
      this.#remember(node, aliased);
      return node.value;
    }
    if (!isMap(node) && !isSeq(node)) return null;
    this.#remember(node, aliased);
    this.#open.add(node);
    const value = isMap(node)
      ? this.#mapping(node.items, path, aliased)
      : node.items.map((item, index) => {
        const itemPath = [...path, index];
        const start = startOf(item, startOf(node, 0));
        this.#place(itemPath, start, start);
        return this.#value(item, itemPath, aliased);
      });
    this.#open.delete(node);
    return value;
  }

  #mapping(pairs: readonly Pair[], path: Path, aliased: boolean): unknown {
    const mapping: Record<string, unknown> = {};
    for (const { key, value } of pairs) {
      const name = this.#key(key, path);
      if (name === undefined) continue;
      const keyPath = [...path, name];
      const keyStart = startOf(key, 0);
      if (Object.hasOwn(mapping, name)) {
        const { line } = this.positionOf(this.#nearest(keyPath, "key"));
        const message = `the key ${quote(name)} is already set on line ${line}`;
        const position = this.positionOf(keyStart);
        this.#add(
          "yaml.key-twice",
          position,
          keyPath,
          message,
          "delete one of the two",
        );
        continue;
      }
      this.#place(keyPath, keyStart, startOf(value, keyStart));
      mapping[name] = this.#value(value, keyPath, aliased);
    }
    return mapping;
  }

  /** The text of a key; `undefined` after a report when it cannot be one. */
  #key(node: unknown, path: Path): string | undefined {
    const position = this.positionOf(startOf(node, 0));
    if (!isScalar(node) || node.value === null) {
      const message = "a key is not text";
      this.#add(
        "yaml.key",
        position,
        path,
        message,
        "write a plain word as the key",
      );
      return undefined;
    }
    const name = node.source ?? String(node.value);
    if (name === "<<") {
      const mend = "write the keys out in place of the merge key";
      const message = "merge keys (<<) are not part of YAML 1.2";
      this.#add("yaml.merge", position, path, message, mend);
      return undefined;
    }
    if (name === "__proto__") { // an object cannot hold it, so it would be lost
      const message = 'the key "__proto__" is not accepted';
      this.#add("yaml.key", position, path, message, "choose another key");
      return undefined;
    }
    return name;
  }

  #expand(anchor: string, path: Path): unknown {
    const target = this.#anchors.get(anchor);
    if (target === undefined) {
      const message = `the alias *${anchor} has no anchor before it`;
      this.#report("yaml.alias", path, message, `write &${anchor} first`);
      return null;
    }
    if (this.#open.has(target)) {
      const message = `the alias *${anchor} stands inside its own anchor`;
      this.#report("yaml.alias", path, message, "write the value out");
      return null;
    }
    const value = this.#value(target, path, true);
    if (this.#aliased > ALIAS_LIMIT && !this.#overflowed) {
      this.#overflowed = true;
      const message = `aliases expand to more than ${ALIAS_LIMIT} values`;
      this.#report("yaml.alias", path, message, "write the values out");
    }
    return value;
  }

  /** An anchor counts from here on; not again when its node is met as an alias. */
  #remember(node: Node & { anchor?: string }, aliased: boolean): void {
    if (node.anchor !== undefined && !aliased) {
      this.#anchors.set(node.anchor, node);
    }
  }

  #reportTag(warning: YAMLError): void {
    const position = this.positionOf(warning.pos[0]);
    const message = `not understood: ${lowerFirst(warning.message)}`;
    const mend = "write plain YAML, without tags and directives";
    this.#add("yaml.tag", position, [], message, mend);
  }

  #place(path: Path, key: number, value: number): void {
    this.#offsets.set(JSON.stringify(path), { key, value });
  }

  #report(code: string, path: Path, message: string, mend: string): void {
    const position = this.positionOf(this.#nearest(path, "value"));
    this.#add(code, position, path, message, mend);
  }

  #add(
    code: string,
    position: Position,
    path: Path,
    message: string,
    mend: string,
  ): void {
    this.#problems.push({
      severity: "error",
      code,
      file: this.file,
      ...position,
      path: formatPath(path),
      message,
      mend,
    });
  }
}

function startOf(node: unknown, fallback: number): number {
  const range = (node as Node | null)?.range;
  return range?.[0] ?? fallback;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
