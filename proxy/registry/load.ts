/**
 * Loads a parser by dynamic import, and says where it fails in the author's own
 * file.
 *
 * The runtime keeps a module for ever under its path, so a path is imported in
 * place once; later contents are imported from a copy of their folder, named by
 * the content hash.
 *
 * @module
 */
import type { ParserDefinition } from "parley/proxylib";
import { ParleyError } from "../../proxylib/error.ts";
import { call } from "../parser_call.ts";
import { hashOf, modules, type ParserSource } from "./discover.ts";
import { authorsPath } from "../sandbox/staged_path.ts";
import { type Authored, loadError } from "./load_error.ts";

/** Loads parser versions; each content once. */
export class ParserLoader {
  readonly #imported = new Set<string>();
  #snapshots: string | undefined;

  /** @throws {ParleyError} naming file, line and column where they are known */
  async load(source: ParserSource): Promise<ParserDefinition> {
    const original = `${source.folder}/${source.entry}`;
    if (source.unreadable !== undefined) {
      throw loadError(source, original, source.unreadable);
    }
    const first = !this.#imported.has(original);
    this.#imported.add(original);
    const folder = first ? source.folder : await this.#snapshot(source);
    const path = await Deno.realPath(`${folder}/${source.entry}`);
    const definition = await importParser(path, source);
    await checkUnchanged(folder, source);
    return definition;
  }

  /** Removes the copies. */
  async close(): Promise<void> {
    if (!this.#snapshots) return;
    await Deno.remove(this.#snapshots, { recursive: true });
    this.#snapshots = undefined;
  }

  /** Copies the parsers folder, so that relative imports are of the same moment. */
  async #snapshot({ folder, hash }: ParserSource): Promise<string> {
    this.#snapshots ??= await Deno.makeTempDir({ prefix: "parley-parsers-" });
    // A parser may come back to a content whose neighbours have changed since.
    const target = await Deno.makeTempDir({
      dir: this.#snapshots,
      prefix: `${hash.slice(0, 12)}-`,
    });
    for (const file of await modules(folder)) {
      const path = `${target}/${file}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), {
        recursive: true,
      });
      // Whoever imports what cannot be copied will say so.
      await Deno.copyFile(`${folder}/${file}`, path).catch(() => {});
    }
    return target;
  }
}

/**
 * Imports a parser, of which a copy may stand at `path`.
 *
 * @throws {ParleyError} that speaks of the author's own file
 */
export async function importParser(
  path: string,
  source: Authored,
): Promise<ParserDefinition> {
  let module: unknown;
  try {
    module = await import(fileUrl(path));
  } catch (cause) {
    throw explained(path, source, cause);
  }
  return call(() => checkShape(`${source.folder}/${source.entry}`, module));
}

/** Without `URL`, which the sandbox takes away. */
function fileUrl(path: string): string {
  return `file://${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** Points at the author's file, not at a copy of it, or where a link leads. */
function explained(
  path: string,
  source: Authored,
  cause: unknown,
): ParleyError {
  const depth = source.entry.split("/").length;
  const root = path.split("/").slice(0, -depth).join("/");
  const inAuthorsWords = (text: string) =>
    authorsPath(
      text.replaceAll(`${fileUrl(root)}/`, `${source.folder}/`)
        .replaceAll(`file://${root}/`, `${source.folder}/`),
    );
  // The runtime colours some of its messages, terminal or not.
  const [message, stack] =
    (cause instanceof Error
      ? [cause.message, cause.stack ?? ""]
      : [String(cause), ""]).map(withoutColours) as [string, string];
  const position = new RegExp(
    `${escape(source.folder)}/[^:?]+?\\.ts[^:\\s]*:\\d+:\\d+`,
  )
    .exec(inAuthorsWords(`${message}\n${stack}`));
  // The stager keeps lines as they are; columns it moves.
  const isStaged = !path.endsWith(`/${source.entry}`);
  const place = isStaged ? position?.[0].replace(/:\d+$/, "") : position?.[0];
  return loadError(
    source,
    place ?? `${source.folder}/${source.entry}`,
    inAuthorsWords(message).split("\n")[0]!
      .replace(/^SyntaxError: /, "syntax error: "),
    { cause },
  );
}

/** Colours and the like (ECMA-48, control sequences). */
function withoutColours(text: string): string {
  // deno-lint-ignore no-control-regex -- that is what they begin with
  return text.replaceAll(/\x1b\[[0-9;]*m/g, "");
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** A file saved again between its hash and its import would serve under a wrong version. */
async function checkUnchanged(
  folder: string,
  source: ParserSource,
): Promise<void> {
  if (await hashOf(folder, source.entry) === source.hash) return;
  throw new ParleyError(`Cannot load parser ${source.name}`, {
    blame: "operator",
    where: `${source.folder}/${source.entry}`,
    found: "it was changed again while it was loaded",
    mend: "nothing to do: the newer content is loaded next",
  });
}

/** The parts that a definition must have, and their types. */
const SHAPE: readonly [key: string, isRight: (value: unknown) => boolean][] = [
  ["description", (value) => typeof value === "string"],
  [
    "rule",
    (value) =>
      typeof (value as { safeParse?: unknown })?.safeParse === "function",
  ],
  ["matches", (value) => typeof value === "function"],
  ["index", (value) => value === undefined || isIndex(value)],
  ["create", (value) => typeof value === "function"],
];

function isIndex(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    ["file", "group", "text", "alike"].every((name) =>
      typeof (value as Record<string, unknown>)[name] === "function"
    );
}

function checkShape(file: string, module: unknown): ParserDefinition {
  const definition = (module as { default?: unknown }).default;
  const found = typeof definition !== "object" || definition === null
    ? "it has no default export that is a definition"
    : SHAPE.filter(([key, isRight]) =>
      !isRight((definition as Record<string, unknown>)[key])
    ).map(([key]) => `the definition's "${key}" is missing or of another type`)
      .join(", ");
  if (found === "") return definition as ParserDefinition;
  throw new ParleyError("Cannot use parser", {
    blame: "parser",
    where: file,
    found,
    mend:
      "export default defineProtocol({ … }) or defineParser({ … }) from parley/proxylib",
  });
}
