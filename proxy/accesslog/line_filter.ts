/**
 * Which lines of the access log somebody wants to see. A line is told by how it
 * begins, whoever wrote it: its fields are not looked at.
 *
 * @module
 */

/** Each member that is there must be the line's own; without any, all lines are wanted. */
export interface LineFilter {
  readonly type?: string;
  readonly verdict?: string;
  readonly direction?: string;
  readonly l7proto?: string;
}

const KEYS = ["type", "verdict", "direction", "l7proto"] as const;

/** Whether a line that says so of itself is wanted. */
export function fits(filter: LineFilter, facets: LineFilter): boolean {
  return KEYS.every((key) =>
    filter[key] === undefined || filter[key] === facets[key]
  );
}

const BEGINNING =
  /^\{"time":"[^"]*","type":"(\w+)","verdict":"(\w+)"(?:,"direction":"(\w+)")?/;
const PROTO = /,"l7proto":"([^"]*)"/;
const FIELDS = ',"fields":';

/** What a line says of itself; nothing if it is none. */
export function facetsOf(line: string): LineFilter | undefined {
  const [, type, verdict, direction] = BEGINNING.exec(line) ?? [];
  if (type === undefined || verdict === undefined) return undefined;
  const [, l7proto] = PROTO.exec(line.slice(0, line.indexOf(FIELDS))) ?? [];
  return {
    type,
    verdict,
    ...(direction === undefined ? {} : { direction }),
    ...(l7proto === undefined ? {} : { l7proto }),
  };
}

/** Chooses lines by what they have in common with others, which is looked at once. */
export class LineSelection {
  readonly #filter: LineFilter;
  readonly #known = new WeakMap<Uint8Array, boolean>();

  constructor(filter: LineFilter) {
    this.#filter = filter;
  }

  /** @param middle what stands between a line's time and its fields */
  wants(middle: Uint8Array): boolean {
    const known = this.#known.get(middle);
    if (known !== undefined) return known;
    const facets = facetsOf(`{"time":"${decoder.decode(middle)}`)!;
    const wanted = fits(this.#filter, facets);
    this.#known.set(middle, wanted);
    return wanted;
  }
}

const decoder = new TextDecoder();
