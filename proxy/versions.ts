/**
 * What became of parsers' versions: connections and panics, counted per
 * version.
 *
 * @module
 */

/** Of one version of a parser. */
export interface VersionCount {
  readonly name: string;
  readonly version: string;
  /** Open now. */
  readonly connections: number;
  /** Connections that it ended by throwing, ever. */
  readonly panics: number;
}

/** A version in words, as the access log has it. */
export function versionText(
  { name, version }: { readonly name: string; readonly version: string },
): string {
  return `${name}@${version}`;
}

/** Counts that several processes, or several connections, add to. */
export class VersionCounts {
  readonly #counts = new Map<
    string,
    { name: string; version: string; connections: number; panics: number }
  >();

  readonly #most: number;

  /** @param most versions to be counted; what comes after them is not */
  constructor(most = Infinity) {
    this.#most = most;
  }

  add({ name, version, connections, panics }: VersionCount): void {
    const key = versionText({ name, version });
    const count = this.#counts.get(key);
    if (count) {
      count.connections += connections;
      count.panics += panics;
    } else if (this.#counts.size < this.#most) {
      this.#counts.set(key, { name, version, connections, panics });
    }
  }

  get all(): VersionCount[] {
    return [...this.#counts.values()];
  }
}
