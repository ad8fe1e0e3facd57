/**
 * DNS messages for tests, written without the code that is tested.
 *
 * @module
 */

/** A resource record: its owner, type, time to live, and data. */
export type Written = readonly [
  name: string,
  type: number,
  ttl: number,
  data: readonly number[],
];

/** Labels as they are, without compression. */
export function nameBytes(name: string): number[] {
  const labels = name.split(".").filter((label) => label !== "");
  return [
    ...labels.flatMap((label) => [
      label.length,
      ...new TextEncoder().encode(label),
    ]),
    0,
  ];
}

export function two(value: number): number[] {
  return [value >> 8 & 0xff, value & 0xff];
}

/** A query for a name, with recursion desired; `more` stands behind the question, counted as additional records. */
export function query(
  id: number,
  name: string,
  type = 1,
  more: readonly number[] = [],
): Uint8Array {
  return new Uint8Array([
    ...two(id),
    ...[1, 0, 0, 1, 0, 0, 0, 0, 0, more.length > 0 ? 1 : 0],
    ...nameBytes(name),
    ...two(type),
    ...two(1),
    ...more,
  ]);
}

/** The answer to a query, with these records. */
export function reply(
  asked: Uint8Array,
  records: readonly Written[],
  { rcode = 0, truncated = false } = {},
): Uint8Array {
  let end = 12;
  while (asked[end] !== 0) end += asked[end]! + 1;
  const question = asked.subarray(12, end + 5);
  return new Uint8Array([
    ...[asked[0]!, asked[1]!, 0x81 | (truncated ? 2 : 0), 0x80 | rcode],
    ...two(1),
    ...two(records.length),
    ...[0, 0, 0, 0],
    ...question,
    ...records.flatMap(recordBytes),
  ]);
}

function recordBytes([name, type, ttl, data]: Written): number[] {
  return [
    ...nameBytes(name),
    ...two(type),
    ...two(1),
    ...two(Math.floor(ttl / 65_536)),
    ...two(ttl % 65_536),
    ...two(data.length),
    ...data,
  ];
}
