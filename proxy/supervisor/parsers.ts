/**
 * The parsers' folders as the supervisor sees them: sources and their versions.
 * It reads them as text and runs none of them.
 *
 * @module
 */
import type {
  FolderTexts,
  Judgement,
  ParserVersion,
  StagedParser,
  ToStage,
} from "../control/messages.ts";
import { discover, type ParserSource, textsOf } from "../registry/discover.ts";
import { VERSION_LENGTH } from "../registry/history.ts";
import { loadError } from "../registry/load_error.ts";
import type {
  ParserChange,
  ParserFolder,
  ParserStatus,
} from "../registry/registry.ts";
import { readPrestaged } from "../sandbox/prestaged.ts";
import { thrownText } from "../thrown.ts";

const SNAPSHOT_HASH_LENGTH = 16;

interface Entry {
  readonly source: ParserSource;
  /** What was staged of it; absent if it cannot be. */
  readonly newest?: ParserVersion;
  readonly serving?: ParserVersion;
  /** Of the version that serves. */
  readonly description?: string;
  readonly refused?: string;
}

/** What a scan has found. */
export interface Scan {
  readonly sources: ReadonlyMap<string, ParserSource>;
  /** Names whose source is another one than before, or is new. */
  readonly changed: readonly string[];
  /** Names that are there no more. */
  readonly removed: readonly string[];
}

/** All parsers, by name. */
export class Parsers {
  readonly #folders: readonly ParserFolder[];
  readonly #snapshots: string;
  readonly #prestaged: string;
  /** What was staged, or why it was not, by name and hash: a former content is recognised. */
  readonly #staged = new Map<string, ParserVersion | string>();
  #entries = new Map<string, Entry>();
  /** Names whose source counts as changed at the next scan. */
  readonly #again = new Set<string>();

  /**
   * @param snapshots the folder that versions are written to
   * @param prestaged the folder of what was staged before; see `prestaged.ts`
   */
  constructor(
    folders: readonly ParserFolder[],
    snapshots: string,
    prestaged: string,
  ) {
    this.#folders = folders;
    this.#snapshots = snapshots;
    this.#prestaged = prestaged;
  }

  /** The versions that serve. */
  get serving(): ParserVersion[] {
    return [...this.#entries.values()].flatMap(({ serving }) => serving ?? []);
  }

  /** All of them, by name. */
  status(): ParserStatus[] {
    const names = [...this.#entries.keys()].sort();
    return names.map((name) => {
      const entry = this.#entries.get(name)!;
      const { source, serving, description, refused } = entry;
      return {
        name,
        file: `${source.folder}/${source.entry}`,
        builtIn: this.isBuiltIn(source),
        ...(serving ? { version: serving.version } : {}),
        ...(isIdle(entry) ? { idle: versionOf(source) } : {}),
        ...(description === undefined ? {} : { description }),
        ...(refused === undefined ? {} : { refused }),
      };
    });
  }

  /** Has a parser staged at the next scan even if it looks unchanged; without a name all of them. */
  stageAgain(only?: string): void {
    for (const [name, { source }] of this.#entries) {
      if (only !== undefined && name !== only) continue;
      this.#staged.delete(keyOf(source));
      this.#again.add(name);
    }
  }

  /** Reads the folders. Built-in parsers that nobody needs stay idle until somebody does. */
  async scan(isNeeded: (name: string) => boolean): Promise<Scan> {
    const sources = new Map<string, ParserSource>();
    for (const { path } of this.#folders) {
      for (const source of await discover(path)) {
        sources.set(source.name, source);
      }
    }
    const changed = [...sources.values()]
      .filter((source) => this.#isChanged(source, isNeeded))
      .map(({ name }) => name);
    const removed = [...this.#entries.keys()]
      .filter((name) => !sources.has(name));
    return { sources, changed, removed };
  }

  #isChanged(
    source: ParserSource,
    isNeeded: (name: string) => boolean,
  ): boolean {
    const { name } = source;
    const entry = this.#entries.get(name);
    const isUnused = !entry || isIdle(entry);
    if (isUnused && this.isBuiltIn(source) && !isNeeded(name)) return false;
    return isUnused || this.#again.has(name) || !isSame(entry, source);
  }

  /** What has to be staged of a scan, with the texts of its folders. */
  async toStage(
    scan: Scan,
  ): Promise<{ parsers: ToStage[]; folders: Record<string, FolderTexts> }> {
    const { sources, changed } = scan;
    const parsers: ToStage[] = [];
    const folders: Record<string, FolderTexts> = {};
    for (const name of changed) {
      const source = sources.get(name)!;
      const { folder, entry, unreadable } = source;
      if (this.#staged.has(keyOf(source))) continue;
      if (unreadable !== undefined) {
        this.refuse(scan, name, unreadable);
        continue;
      }
      const files = await readPrestaged(this.#prestaged, source);
      if (files) await this.keep(scan, [{ name, files }]);
      else {
        parsers.push({ name, folder, entry });
        folders[folder] ??= await textsOf(folder);
      }
    }
    return { parsers, folders };
  }

  /** Writes what was staged to the snapshots. */
  async keep(scan: Scan, staged: readonly StagedParser[]): Promise<void> {
    for (const { name, files, error } of staged) {
      const source = scan.sources.get(name)!;
      const version = files ? await this.#write(source, files) : error!;
      this.#staged.set(keyOf(source), version);
    }
  }

  /** Refuses what was staged of a parser: it does harm where it is loaded, as was found. */
  refuse({ sources }: Scan, name: string, found: string): void {
    const source = sources.get(name)!;
    const { message } = loadError(source, placeOf(source), found);
    this.#staged.set(keyOf(source), message);
  }

  /** Whether a parser came with Parley. */
  isBuiltIn({ folder }: { readonly folder: string }): boolean {
    return this.#folders.some(({ path, builtIn }) =>
      builtIn && path === folder
    );
  }

  /** Takes a version out of service in favour of another one. False: another one serves already. */
  withdraw(
    version: ParserVersion,
    good: ParserVersion,
    fault: string,
  ): boolean {
    const { name, snapshot } = version;
    for (const [key, staged] of this.#staged) {
      const isIt = typeof staged === "object" && staged.snapshot === snapshot;
      if (isIt) this.#staged.set(key, fault);
    }
    const entry = this.#entries.get(name);
    if (entry?.serving?.snapshot !== snapshot) return false;
    // What is written now may be refused for a reason of its own.
    const refused = entry.refused ?? fault;
    this.#entries.set(name, { ...entry, serving: good, refused });
    return true;
  }

  /** What a checker is to judge. */
  candidates({ sources, changed }: Scan) {
    return [...sources.values()].map((source) => {
      const { serving, refused } = this.#entries.get(source.name) ?? {};
      // One that was refused for the rules in force may be good for others.
      const isOpen = changed.includes(source.name) || refused !== undefined;
      const newest = isOpen ? this.#staged.get(keyOf(source)) : undefined;
      return {
        name: source.name,
        ...(typeof newest === "object" ? { newest } : {}),
        ...(serving ? { serving } : {}),
      };
    });
  }

  /** Takes over what was judged, and says what it changed. */
  settle(scan: Scan, judged: Judgement["parsers"]): ParserChange[] {
    const changes: ParserChange[] = [];
    const entries = new Map<string, Entry>();
    for (const { name, serving, description, refused } of judged) {
      const source = scan.sources.get(name)!;
      const staged = this.#staged.get(keyOf(source));
      const fault = typeof staged === "string" ? staged : refused;
      entries.set(name, {
        source,
        ...(serving ? { serving } : {}),
        ...(description === undefined ? {} : { description }),
        ...(fault === undefined ? {} : { refused: fault }),
      });
      const before = this.#entries.get(name)?.serving?.snapshot;
      const isNews = scan.changed.includes(name) ||
        serving?.snapshot !== before;
      if (!isNews) continue;
      const { hash } = source;
      changes.push(
        fault === undefined
          ? { name, kind: "loaded", version: serving!.version, hash }
          : { name, kind: "refused", error: fault, hash },
      );
    }
    for (const name of scan.removed) changes.push({ name, kind: "removed" });
    this.#entries = entries;
    this.#again.clear();
    return changes;
  }

  async #write(
    source: ParserSource,
    files: FolderTexts,
  ): Promise<ParserVersion | string> {
    const { name, hash, folder, entry } = source;
    const snapshot = `${this.#snapshots}/${name}-${
      hash.slice(0, SNAPSHOT_HASH_LENGTH)
    }`;
    try {
      for (const [path, code] of Object.entries(files)) {
        const file = `${snapshot}/${path}`;
        await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), {
          recursive: true,
        });
        // Whole at any time: a worker that starts now may read the same version.
        await Deno.writeTextFile(`${file}.draft`, code);
        await Deno.rename(`${file}.draft`, file);
      }
    } catch (error) {
      return `Cannot keep a version of parser ${name}: ${thrownText(error)}`;
    }
    return { name, version: versionOf(source), folder, entry, snapshot };
  }
}

/** A parser as a whole, where no line of it is known. */
function placeOf({ folder, entry }: ParserSource): string {
  return `${folder}/${entry}:1:1`;
}

function keyOf({ name, folder, entry, hash }: ParserSource): string {
  return `${name}@${hash}:${folder}/${entry}`;
}

function isSame(entry: Entry, source: ParserSource): boolean {
  return keyOf(entry.source) === keyOf(source);
}

/** Found, and not loaded since nobody needs it. */
function isIdle({ serving, refused }: Entry): boolean {
  return !serving && refused === undefined;
}

function versionOf({ hash }: ParserSource): string {
  return hash.slice(0, VERSION_LENGTH);
}
