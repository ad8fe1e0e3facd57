/**
 * The parsers in force, by name.
 *
 * A changed file is loaded under its content hash: new connections use it, open
 * ones move to it if they can. One that does not load is reported, and the last
 * good version serves on.
 *
 * @module
 */
import type { ParserDefinition } from "parley/proxylib";
import { ParleyError } from "../../proxylib/error.ts";
import { ParserUsage } from "../parser_usage.ts";
import { thrownText } from "../thrown.ts";
import { discover, type ParserSource } from "./discover.ts";
import { VERSION_LENGTH } from "./history.ts";
import { ParserLoader } from "./load.ts";

/** A parsers folder. Later ones override earlier ones by name. */
export interface ParserFolder {
  readonly path: string;
  readonly builtIn: boolean;
}

/** A version of a parser that connections can use. */
export interface LoadedParser {
  readonly name: string;
  /** The first characters of its content hash. */
  readonly version: string;
  readonly definition: ParserDefinition;
  readonly usage: ParserUsage;
}

/** What is known of one parser, for `parsers list`. */
export interface ParserStatus {
  readonly name: string;
  readonly file: string;
  readonly builtIn: boolean;
  /** The version that serves; absent if none ever loaded. */
  readonly version?: string;
  /** The version that will serve once a listener or a policy names the parser; until then it is not loaded. */
  readonly idle?: string;
  readonly description?: string;
  /** Why the newest content does not serve. */
  readonly refused?: string;
}

/** What a scan changed. */
export interface ParserChange {
  readonly name: string;
  readonly kind: "loaded" | "refused" | "removed";
  readonly version?: string;
  /** Of the newest content; absent or empty if it cannot be read. */
  readonly hash?: string;
  /** Of a refused version: what, where, what was found, how to mend it. */
  readonly error?: string;
}

interface Entry {
  readonly source: ParserSource;
  readonly builtIn: boolean;
  readonly serving?: LoadedParser;
  readonly refused?: string;
}

/** Finds, loads and reloads parsers. */
export class ParserRegistry {
  readonly #folders: readonly ParserFolder[];
  readonly #loader = new ParserLoader();
  /** Every version that was ever loaded, by name and hash: a former content is recognised. */
  readonly #versions = new Map<string, LoadedParser>();
  #entries = new Map<string, Entry>();
  /** Names that are loaded at the next scan, changed or not. */
  readonly #again = new Set<string>();

  constructor(folders: readonly ParserFolder[]) {
    this.#folders = folders.map(({ path, builtIn }) => ({
      path: path.replace(/(?<=.)\/+$/, ""),
      builtIn,
    }));
  }

  /** The version that serves new connections. */
  get(name: string): LoadedParser | undefined {
    return this.#entries.get(name)?.serving;
  }

  names(): string[] {
    return [...this.#entries.keys()].sort();
  }

  status(): ParserStatus[] {
    return this.names().map((name) => statusOf(this.#entries.get(name)!));
  }

  /** Has a parser loaded at the next scan even if it looks unchanged; without a name all of them. */
  loadAgain(only?: string): void {
    for (const { source: { name, hash } } of this.#entries.values()) {
      if (only !== undefined && name !== only) continue;
      this.#versions.delete(`${name}@${hash}`);
      this.#again.add(name);
    }
  }

  /** Reads the folders again and loads what has changed. */
  async scan(): Promise<ParserChange[]> {
    const found = new Map<string, { source: ParserSource; builtIn: boolean }>();
    for (const { path, builtIn } of this.#folders) {
      for (const source of await discover(path)) {
        found.set(source.name, { source, builtIn });
      }
    }
    const before = this.#entries;
    const after = new Map<string, Entry>();
    const changes: ParserChange[] = [];
    for (const [name, { source, builtIn }] of found) {
      const old = before.get(name);
      if (old && isSame(old.source, source) && !this.#again.has(name)) {
        after.set(name, old);
        continue;
      }
      const entry = await this.#entry(source, builtIn, old);
      after.set(name, entry);
      changes.push(changeOf(name, entry));
    }
    for (const name of before.keys()) {
      if (!found.has(name)) changes.push({ name, kind: "removed" });
    }
    this.#entries = after;
    this.#again.clear();
    return changes;
  }

  /** Removes what was copied to the temporary folder. */
  close(): Promise<void> {
    return this.#loader.close();
  }

  async #entry(
    source: ParserSource,
    builtIn: boolean,
    old: Entry | undefined,
  ): Promise<Entry> {
    const key = `${source.name}@${source.hash}`;
    try {
      const known = this.#versions.get(key);
      const serving = known ??
        loaded(source, await inTime(source, this.#loader.load(source)));
      this.#versions.set(key, serving);
      return { source, builtIn, serving };
    } catch (error) {
      const refused = thrownText(error);
      return old?.serving
        ? { source, builtIn, serving: old.serving, refused }
        : { source, builtIn, refused };
    }
  }
}

/** A module that awaits for ever must not keep the others from being read. */
const LOAD_MS = 5000;

async function inTime<T>(source: ParserSource, load: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(
      new ParleyError(`Cannot load parser ${source.name}`, {
        blame: "parser",
        where: `${source.folder}/${source.entry}`,
        found: `it was not loaded after ${LOAD_MS} ms`,
        mend: "let the module await nothing that may never come",
      }),
    );
  }, LOAD_MS);
  try {
    return await Promise.race([load, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function loaded(
  source: ParserSource,
  definition: ParserDefinition,
): LoadedParser {
  const version = source.hash.slice(0, VERSION_LENGTH);
  const usage = new ParserUsage(0);
  return { name: source.name, version, definition, usage };
}

function isSame(a: ParserSource, b: ParserSource): boolean {
  return a.hash === b.hash && a.folder === b.folder && a.entry === b.entry;
}

function changeOf(
  name: string,
  { source: { hash }, serving, refused }: Entry,
): ParserChange {
  return refused === undefined
    ? { name, kind: "loaded", version: serving!.version, hash }
    : { name, kind: "refused", error: refused, hash };
}

function statusOf({ source, builtIn, serving, refused }: Entry): ParserStatus {
  return {
    name: source.name,
    file: `${source.folder}/${source.entry}`,
    builtIn,
    ...(serving
      ? {
        version: serving.version,
        description: serving.definition.description,
      }
      : {}),
    ...(refused === undefined ? {} : { refused }),
  };
}
