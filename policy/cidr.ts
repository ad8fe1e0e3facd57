/**
 * IP addresses and prefixes.
 *
 * An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) is the IPv4 address: that is
 * how a dual-stack socket spells an IPv4 peer.
 *
 * @module
 */

/** An IP address as a number; the family tells `0.0.0.1` from `::1`. */
export interface Address {
  readonly family: 4 | 6;
  readonly bits: bigint;
}

/** A range of addresses; bits past the length are zero. */
export interface Prefix extends Address {
  readonly length: number;
}

const MAPPED = 0xffffn; // the upper 96 bits of an IPv4-mapped address

/** Reads an address, without a zone (`%eth0`). */
export function parseAddress(text: string): Address | undefined {
  const v4 = parseIPv4(text);
  if (v4 !== undefined) return { family: 4, bits: v4 };
  const v6 = parseIPv6(text);
  if (v6 === undefined) return undefined;
  if (v6 >> 32n === MAPPED) return { family: 4, bits: v6 & 0xffff_ffffn };
  return { family: 6, bits: v6 };
}

/** Reads `address/length`, host bits masked. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const written = text.slice(0, slash);
  const address = parseAddress(written);
  const digits = text.slice(slash + 1);
  if (address === undefined || !/^(0|[1-9]\d{0,2})$/.test(digits)) {
    return undefined;
  }
  let length = Number(digits);
  const isMapped = address.family === 4 && written.includes(":");
  if (isMapped) {
    if (length < 96) return undefined; // would reach past the mapped range
    length -= 96;
  }
  if (length > width(address)) return undefined;
  return toPrefix(address, length);
}

/** The prefix that holds one address. */
export function hostPrefix(address: Address): Prefix {
  return toPrefix(address, width(address));
}

/** The prefix of a length that holds `address`; none when the family has no such length. */
export function prefixAround(
  address: Address,
  length: number,
): Prefix | undefined {
  return length > width(address) ? undefined : toPrefix(address, length);
}

/** Whether every address of `inner` is in `outer`. */
export function contains(outer: Prefix, inner: Prefix): boolean {
  if (outer.family !== inner.family || inner.length < outer.length) {
    return false;
  }
  const shift = BigInt(width(outer) - outer.length);
  return inner.bits >> shift === outer.bits >> shift;
}

/** `10.0.0.0/8`, `2001:db8::/32`; of one address without the length. */
export function formatPrefix(prefix: Prefix): string {
  const address = prefix.family === 4
    ? formatIPv4(prefix.bits)
    : formatIPv6(prefix.bits);
  return prefix.length === width(prefix)
    ? address
    : `${address}/${prefix.length}`;
}

function width(address: Address): number {
  return address.family === 4 ? 32 : 128;
}

function toPrefix(address: Address, length: number): Prefix {
  const shift = BigInt(width(address) - length);
  return {
    family: address.family,
    bits: (address.bits >> shift) << shift,
    length,
  };
}

function parseIPv4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let bits = 0n;
  for (const part of parts) {
    // No leading zero: 010 is eight to some readers and ten to others.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) {
      return undefined;
    }
    bits = (bits << 8n) | BigInt(part);
  }
  return bits;
}

function formatIPv4(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join(".");
}

/** RFC 5952: lower case, and `::` for the longest run of zeros. */
function formatIPv6(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => {
    return ((bits >> BigInt(112 - 16 * index)) & 0xffffn).toString(16);
  });
  const text = groups.join(":");
  const [longest] = [...text.matchAll(/\b0(:0)+\b/g)]
    .sort(([a], [b]) => b.length - a.length);
  if (longest === undefined) return text;
  const [run] = longest;
  const before = text.slice(0, longest.index).replace(/:$/, "");
  const after = text.slice(longest.index + run.length).replace(/^:/, "");
  return `${before}::${after}`;
}

function parseIPv6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0]!, halves.length === 1);
  const tail = groupsOf(halves[1] ?? "", true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const zeros = new Array<number>(missing).fill(0);
  return [...head, ...zeros, ...tail]
    .reduce((bits, group) => (bits << 16n) | BigInt(group), 0n);
}

/** The 16-bit groups of one side of `::`; dotted IPv4 only where the text ends. */
function groupsOf(text: string, isEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(parseInt(part, 16));
      continue;
    }
    const isLast = isEnd && index === parts.length - 1;
    const v4 = isLast ? parseIPv4(part) : undefined;
    if (v4 === undefined) return undefined;
    groups.push(Number(v4 >> 16n), Number(v4 & 0xffffn));
  }
  return groups;
}
