/**
 * Sets of ports, as ranges.
 *
 * @module
 */

/** Ports from `first` to `last`, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Every port that a connection can name. */
export const ALL_PORTS: PortRange = { first: 1, last: 65535 };

/** The same ports in order, with no two ranges that touch: what interval sets of nftables take. */
export function merged(ranges: readonly PortRange[]): PortRange[] {
  const result: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first)) {
    const before = result.at(-1);
    if (!before || range.first > before.last + 1) {
      result.push(range);
      continue;
    }
    const last = Math.max(before.last, range.last);
    result[result.length - 1] = { first: before.first, last };
  }
  return result;
}

/** The ports that are in no hole. */
export function without(
  ranges: readonly PortRange[],
  holes: readonly PortRange[],
): PortRange[] {
  let rest = merged(ranges);
  for (const hole of holes) {
    rest = rest.flatMap(({ first, last }) =>
      [
        { first, last: Math.min(last, hole.first - 1) },
        { first: Math.max(first, hole.last + 1), last },
      ].filter((part) => part.first <= part.last)
    );
  }
  return merged(rest);
}

/** Whether a port is in one of the ranges. */
export function includes(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(({ first, last }) => first <= port && port <= last);
}

/** `9042, 11211-11213`: as nftables and people write them. */
export function formatPorts(ranges: readonly PortRange[]): string {
  return ranges.map(({ first, last }) =>
    first === last ? `${first}` : `${first}-${last}`
  ).join(", ");
}
