/**
 * DNS messages, as far as a forwarder reads them (RFC 1035, section 4): the
 * question, and of an answer the addresses. All else passes as it came.
 *
 * Pure: bytes in, values out. What cannot be read to its end is no message.
 *
 * @module
 */
import type { DnsRecord } from "../../policy/dns_cache.ts";
import { readName, writeName } from "./name.ts";

const HEADER_BYTES = 12;

/** RCODE (RFC 1035, section 4.1.1). */
export const RCODE = {
  noError: 0,
  formErr: 1,
  servFail: 2,
  notImp: 4,
  refused: 5,
} as const;

/** TYPE and CLASS (RFC 1035, sections 3.2.2 and 3.2.4; RFC 3596). */
export const TYPE = { A: 1, NS: 2, CNAME: 5, AAAA: 28 } as const;
const IN = 1;
/** Whole zones, in as many messages as they take: no question of a workload's. */
const TRANSFERS: readonly number[] = [251, 252];

/** Bits of the third and fourth byte. */
const IS_RESPONSE = 0x80;
const OPCODE = 0x78;
const RECURSION_DESIRED = 0x01;
const RECURSION_AVAILABLE = 0x80;
const TRUNCATED = 0x02;

/** What is asked. */
export interface Question {
  /** Lower case, with a final dot; see `readName`. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

/** A query: what is asked, or the code that it is answered with at once. */
export type Query =
  | { readonly question: Question }
  | { readonly rcode: number };

/** A response. */
export interface Reply {
  readonly question: Question;
  readonly rcode: number;
  readonly isTruncated: boolean;
  /** Of the answer section: addresses, and the names that lead to them. */
  readonly records: readonly DnsRecord[];
}

/** Reads what a client sends; `undefined`: it is no query and gets no answer. */
export function readQuery(bytes: Uint8Array): Query | undefined {
  if (bytes.length < HEADER_BYTES || (bytes[2]! & IS_RESPONSE) !== 0) {
    return undefined;
  }
  if ((bytes[2]! & OPCODE) !== 0) return { rcode: RCODE.notImp };
  const read = readQuestion(bytes);
  if (!read) return { rcode: RCODE.formErr };
  const { question } = read;
  return TRANSFERS.includes(question.type)
    ? { rcode: RCODE.notImp }
    : { question };
}

/** Reads what a resolver sends; `undefined` when it is no whole response to one question. */
export function readReply(bytes: Uint8Array): Reply | undefined {
  if (bytes.length < HEADER_BYTES || (bytes[2]! & IS_RESPONSE) === 0) {
    return undefined;
  }
  const read = readQuestion(bytes);
  if (!read) return undefined;
  const records: DnsRecord[] = [];
  const [answers, others] = [
    uint16(bytes, 6),
    uint16(bytes, 8) + uint16(bytes, 10),
  ];
  let at = read.end;
  for (let count = 0; count < answers + others; count++) {
    const resource = readResource(bytes, at);
    if (!resource) return undefined;
    if (count < answers && resource.record) records.push(resource.record);
    at = resource.end;
  }
  return {
    question: read.question,
    rcode: bytes[3]! & 0x0f,
    isTruncated: (bytes[2]! & TRUNCATED) !== 0,
    records,
  };
}

export function isSameQuestion(a: Question, b: Question): boolean {
  return a.name === b.name && a.type === b.type && a.class === b.class;
}

/** The number that a response repeats. */
export function idOf(bytes: Uint8Array): number {
  return uint16(bytes, 0);
}

/** The message under another number. */
export function withId(bytes: Uint8Array, id: number): Uint8Array {
  const copy = bytes.slice();
  copy[0] = id >> 8;
  copy[1] = id & 0xff;
  return copy;
}

/** A response without records to a query that has at least a header. */
export function failure(query: Uint8Array, rcode: number): Uint8Array {
  const read = readQuestion(query);
  const reply = query.slice(0, read?.end ?? HEADER_BYTES);
  reply[2] = IS_RESPONSE | (query[2]! & (OPCODE | RECURSION_DESIRED));
  reply[3] = RECURSION_AVAILABLE | rcode;
  reply.fill(0, 4, HEADER_BYTES);
  if (read) reply[5] = 1;
  return reply;
}

/** A query of our own. @throws {TypeError} when the name cannot be asked for */
export function writeQuery(id: number, name: string, type: number): Uint8Array {
  const written = writeName(name);
  const bytes = new Uint8Array(HEADER_BYTES + written.length + 4);
  bytes.set([id >> 8, id & 0xff, RECURSION_DESIRED, 0, 0, 1]);
  bytes.set(written, HEADER_BYTES);
  bytes.set([type >> 8, type & 0xff, 0, IN], HEADER_BYTES + written.length);
  return bytes;
}

/** The one question of a message, and where what follows begins. */
function readQuestion(
  bytes: Uint8Array,
): { readonly question: Question; readonly end: number } | undefined {
  if (uint16(bytes, 4) !== 1) return undefined;
  const read = readName(bytes, HEADER_BYTES);
  if (!read || read.end + 4 > bytes.length) return undefined;
  const { name, end } = read;
  const question = {
    name,
    type: uint16(bytes, end),
    class: uint16(bytes, end + 2),
  };
  return { question, end: end + 4 };
}

interface Resource {
  /** Absent: it is of no kind that leads to an address. */
  readonly record: DnsRecord | undefined;
  readonly end: number;
}

function readResource(bytes: Uint8Array, start: number): Resource | undefined {
  const owner = readName(bytes, start);
  const fixed = owner?.end ?? bytes.length;
  const data = fixed + 10;
  if (!owner || data > bytes.length) return undefined;
  const end = data + uint16(bytes, fixed + 8);
  if (end > bytes.length) return undefined;
  if (uint16(bytes, fixed + 2) !== IN) return { record: undefined, end };
  const { name } = owner;
  const ttl = ttlOf(bytes, fixed + 4);
  switch (uint16(bytes, fixed)) {
    case TYPE.A: {
      if (end - data !== 4) return undefined;
      const value = bytes.subarray(data, end).join(".");
      return { record: { name, type: "A", ttl, value }, end };
    }
    case TYPE.AAAA: {
      if (end - data !== 16) return undefined;
      const value = ipv6(bytes, data);
      return { record: { name, type: "AAAA", ttl, value }, end };
    }
    case TYPE.CNAME: {
      const target = readName(bytes, data);
      if (target?.end !== end) return undefined;
      return { record: { name, type: "CNAME", ttl, value: target.name }, end };
    }
    default:
      return { record: undefined, end };
  }
}

/** Seconds; a value with its highest bit set is none (RFC 2181, section 8). */
function ttlOf(bytes: Uint8Array, at: number): number {
  const high = uint16(bytes, at);
  return high >= 0x8000 ? 0 : high * 65_536 + uint16(bytes, at + 2);
}

function ipv6(bytes: Uint8Array, at: number): string {
  const groups = Array.from(
    { length: 8 },
    (_, index) => uint16(bytes, at + 2 * index).toString(16),
  );
  return groups.join(":");
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 8 | bytes[at + 1]!;
}
