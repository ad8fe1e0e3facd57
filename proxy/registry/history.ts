/**
 * The versions that parsers had: what of them operators are shown.
 *
 * @module
 */
import type { ParserState, VersionState } from "../administered.ts";
import { type VersionCount, versionText } from "../versions.ts";
import type { ParserChange, ParserStatus } from "./registry.ts";

/** What is remembered of a version. */
interface Known {
  readonly hash?: string;
  readonly since: string;
  readonly refused?: string;
}

/** How often something became of a parser. */
export interface ReloadCount {
  readonly parser: string;
  readonly result: ParserChange["kind"] | "withdrawn";
  readonly count: number;
}

/** Of a parser whose content could not be read, so that it has no hash. */
const UNREAD = "-";
/** Characters of a hash that name a version. */
export const VERSION_LENGTH = 6;

/** Remembers versions since the start; it grows by a line for each change. */
export class ParserHistory {
  /** By parser and version, the newest last. */
  readonly #versions = new Map<string, Map<string, Known>>();
  /** Parsers as they were last, those that are gone too. */
  readonly #last = new Map<string, ParserStatus>();
  readonly #reloads = new Map<string, ReloadCount>();

  /** What became of parsers since the start, first loads among it. */
  get reloads(): ReloadCount[] {
    return [...this.#reloads.values()];
  }

  /** Something became of a parser. */
  count(parser: string, result: ReloadCount["result"]): void {
    const key = `${parser} ${result}`;
    const { count } = this.#reloads.get(key) ?? { count: 0 };
    this.#reloads.set(key, { parser, result, count: count + 1 });
  }

  /** Takes note of what a scan has changed. `status`: what is so now; `at`: when (RFC 3339). */
  follow(
    changes: readonly ParserChange[],
    status: readonly ParserStatus[],
    at: string,
  ): void {
    for (const one of status) this.#last.set(one.name, one);
    for (const { name, kind, hash, error } of changes) {
      this.count(name, kind);
      if (kind === "removed") continue;
      const version = hash ? hash.slice(0, VERSION_LENGTH) : UNREAD;
      const versions = this.#of(name);
      versions.delete(version); // it becomes the newest
      versions.set(version, {
        ...(hash ? { hash } : {}),
        since: at,
        ...(error === undefined ? {} : { refused: error }),
      });
    }
  }

  /** What is so now, version by version; with parsers that are gone but read connections still. */
  states(
    status: readonly ParserStatus[],
    counts: readonly VersionCount[],
  ): ParserState[] {
    const now = new Map(status.map((one) => [one.name, one]));
    for (const { name, connections } of counts) {
      const last = this.#last.get(name);
      if (connections === 0 || now.has(name) || !last) continue;
      const { file, builtIn } = last;
      now.set(name, { name, file, builtIn });
    }
    return [...now.values()]
      .sort((a, b) => a.name < b.name ? -1 : 1)
      .map((one) => {
        return {
          ...one,
          versions: this.#states(
            one,
            counts.filter(({ name }) => name === one.name),
          ),
        };
      });
  }

  #states(
    { name, version: serving, idle, refused }: ParserStatus,
    counts: readonly VersionCount[],
  ): VersionState[] {
    if (idle !== undefined) {
      return [{ version: idle, state: "idle", connections: 0, panics: 0 }];
    }
    const known = this.#of(name);
    const newest = [...known.keys()].at(-1);
    const counted = new Map(counts.map((count) => [versionText(count), count]));
    // The oldest first: of what nobody remembers it is not known when it came.
    const unknown = counts.map(({ version }) => version)
      .filter((version) => !known.has(version));
    const versions = new Set([
      ...unknown,
      ...known.keys(),
      ...(serving === undefined ? [] : [serving]),
    ]);
    return [...versions].reverse().flatMap((version): VersionState[] => {
      const count = counted.get(versionText({ name, version }));
      const { connections = 0, panics = 0 } = count ?? {};
      const isRefused = version === newest && refused !== undefined;
      const isServing = version === serving;
      if (!isServing && !isRefused && connections + panics === 0) return [];
      const { hash, since } = known.get(version) ?? {};
      return [{
        version,
        ...(hash === undefined ? {} : { hash }),
        state: isServing ? "serving" : isRefused ? "refused" : "former",
        ...(since === undefined ? {} : { since }),
        connections,
        panics,
        ...(isRefused ? { refused } : {}),
      }];
    });
  }

  #of(name: string): Map<string, Known> {
    const versions = this.#versions.get(name) ?? new Map();
    this.#versions.set(name, versions);
    return versions;
  }
}
