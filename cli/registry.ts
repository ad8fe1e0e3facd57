/**
 * The parsers that commands work with: the built-in ones, and folders that the
 * command line names.
 *
 * @module
 */
import { ParleyError } from "../proxylib/mod.ts";
import { nearMiss } from "../policy/problem.ts";
import {
  type LoadedParser,
  ParserRegistry,
} from "../proxy/registry/registry.ts";
import { BUILT_IN_PARSERS, UsageError } from "./exit.ts";

/** Lends out the parsers of the built-in folder and of further ones. */
export async function withParsers<T>(
  folders: readonly string[],
  use: (registry: ParserRegistry) => T | Promise<T>,
): Promise<T> {
  const registry = new ParserRegistry([
    { path: BUILT_IN_PARSERS, builtIn: true },
    ...folders.map((path) => ({ path, builtIn: false })),
  ]);
  try {
    await registry.scan();
    return await use(registry);
  } finally {
    await registry.close();
  }
}

/**
 * The parser of a name.
 *
 * @throws {UsageError} when there is none
 * @throws {ParleyError} when it does not load
 */
export function findParser(
  registry: ParserRegistry,
  name: string,
): LoadedParser {
  const parser = registry.get(name);
  if (parser) return parser;
  const refused = registry.status().find((status) => status.name === name)
    ?.refused;
  if (refused !== undefined) {
    throw new ParleyError(`Cannot use parser ${name}`, {
      blame: "parser",
      where: name,
      found: refused,
      mend: "correct it and run the command again",
    });
  }
  const near = nearMiss(name, registry.names());
  throw new UsageError(
    `no parser is named ${JSON.stringify(name)}; ${
      near ?? `there are ${registry.names().join(", ")}`
    }`,
  );
}
