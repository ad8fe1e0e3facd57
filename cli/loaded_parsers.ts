/**
 * The parsers that commands work with: the built-in ones, and folders that the
 * command line names. On Linux they are loaded in a checker, in the sandbox;
 * what commands learn of them is data.
 *
 * @module
 */
import { ParleyError } from "../proxylib/error.ts";
import type { L7Catalog } from "../policy/mod.ts";
import { nearMiss } from "../policy/problem.ts";
import type { Written } from "../proxy/checker/judge.ts";
import type {
  Answers,
  Judgement,
  Question,
} from "../proxy/control/messages.ts";
import type { ParserFolder, ParserStatus } from "../proxy/registry/registry.ts";
import { BUILT_IN_PARSERS, UsageError } from "./exit.ts";

/** Parsers that were loaded, together with policy files that were read with them. */
export interface LoadedParsers extends Pick<Judgement, "policy" | "unguarded"> {
  readonly status: readonly ParserStatus[];
  /**
   * Asks a parser that serves.
   *
   * @throws {ParleyError} when it ends the process that it is loaded in, or does not answer
   */
  ask<Type extends Question["type"]>(
    name: string,
    question: Extract<Question, { type: Type }>,
  ): Promise<Answers[Type]>;
}

/** Loads parsers, lends them out, and leaves nothing behind. */
export type LoadParsers = <T>(
  folders: readonly ParserFolder[],
  written: Written,
  use: (parsers: LoadedParsers) => Promise<T>,
) => Promise<T>;

/** What a command wants loaded. */
export interface Wanted extends Partial<Written> {
  /** Folders beside the built-in one. */
  readonly folders: readonly string[];
  /** Load them in this process: there is no sandbox then. */
  readonly portable?: boolean | undefined;
}

/** Lends out the parsers of the built-in folder and of further ones. */
export async function withParsers<T>(
  { folders, portable = Deno.build.os !== "linux", ...written }: Wanted,
  use: (parsers: LoadedParsers) => Promise<T>,
): Promise<T> {
  const all = [
    { path: BUILT_IN_PARSERS, builtIn: true },
    ...folders.map((path) => {
      return { path: path.replace(/(?<=.)\/+$/, ""), builtIn: false };
    }),
  ];
  if (portable && folders.length > 0) {
    console.error(
      `parley: the parsers of ${
        folders.join(", ")
      } are loaded in this process, without a sandbox: trust them, or run this on Linux without --portable`,
    );
  }
  const load: LoadParsers = portable
    ? (await import("./parsers_in_process.ts")).withParsersInProcess
    : (await import("./parsers_in_sandbox.ts")).withParsersInSandbox;
  const nothing = {
    documents: [],
    sources: [],
    subjects: [],
    options: { nodes: false },
    listeners: [],
  };
  return await load(all, { ...nothing, ...written }, use);
}

/** For policies that were found good: what the parsers' own code has to say of their rules, it has said. */
export function catalogOf(parsers: readonly ParserStatus[]): L7Catalog {
  const serving = parsers.filter(({ version }) => version !== undefined)
    .map(({ name }) => name);
  return {
    names: () => serving,
    has: (proto) => serving.includes(proto),
    check: () => ({ errors: [], warnings: [] }),
    checkList: () => ({ errors: [], warnings: [] }),
  };
}

/**
 * The name of a parser that serves.
 *
 * @throws {UsageError} when there is none
 * @throws {ParleyError} when it does not load
 */
export function findParser(
  parsers: readonly ParserStatus[],
  name: string,
): ParserStatus {
  const parser = parsers.find((parser) => parser.name === name);
  if (parser?.version !== undefined) return parser;
  if (parser) {
    throw new ParleyError(`Cannot use parser ${name}`, {
      blame: "parser",
      where: name,
      found: parser.refused ?? "it does not load",
      mend: "correct it and run the command again",
    });
  }
  const names = parsers.map(({ name }) => name);
  const near = nearMiss(name, names);
  throw new UsageError(
    `no parser is named ${JSON.stringify(name)}; ${
      near ?? `there are ${names.join(", ")}`
    }`,
  );
}
