/**
 * Access-log lines: one JSON object each. What a connection's lines have in
 * common is written once, when it opens.
 *
 * @module
 */
import type { Endpoint, Fields } from "parley/proxylib";
import type { FieldHasher } from "./hashed_fields.ts";
import { Timestamps } from "./timestamps.ts";

/** What all lines of a connection say. */
export interface ConnectionFacts {
  readonly id: number;
  readonly direction: "ingress" | "egress";
  readonly source: Endpoint;
  readonly destination: Endpoint;
  /** The port that the policy speaks of, where that is not the destination's. */
  readonly port?: number | undefined;
  /** The protocol, and `name@version` of the parser that reads it. */
  readonly l7proto: string | undefined;
  readonly parser: string | undefined;
}

/** What one line adds. */
export interface Entry {
  readonly type: "request" | "response" | "connection";
  readonly verdict: "forwarded" | "denied" | "error" | "audit";
  readonly rule?: string | undefined;
  readonly reason?: string | undefined;
  readonly fields: Fields;
  /** Of a response: milliseconds since its request was logged. */
  readonly latency?: number | undefined;
}

/**
 * Takes a line in parts: its time (milliseconds since the epoch), what stands between the time and the
 * fields (UTF-8, the same array for lines in a row that share it), and the
 * fields as JSON with what follows them (as UTF-8 if they were written before).
 * Nothing is put together before it stands in a buffer. The verdict is the one
 * that stands in the line.
 */
export type TakeLine = (
  time: number,
  middle: Uint8Array,
  fields: string | Uint8Array,
  verdict: Entry["verdict"],
) => void;

/** What stands around the three parts. */
export const BEFORE_TIME = '{"time":"';
export const BEHIND_FIELDS = "}\n";

const decoder = new TextDecoder();
const timestamps = new Timestamps();

/** The whole line, its line feed included. */
export function lineText(
  time: number,
  middle: Uint8Array,
  fields: string | Uint8Array,
  _verdict?: string,
): string {
  return BEFORE_TIME + timestamps.format(time) + decoder.decode(middle) +
    decoded(fields) + BEHIND_FIELDS;
}

function decoded(fields: string | Uint8Array): string {
  return typeof fields === "string" ? fields : decoder.decode(fields);
}

const encoder = new TextEncoder();

/** What a line says between its time and its fields. */
interface Line extends Omit<Entry, "fields" | "latency"> {
  readonly middle: Uint8Array;
}

/** Rules of which a connection keeps a line: half a kilobyte each. */
const KEPT_LINES = 16;

/** Makes the lines of one connection. */
export class LineFormatter {
  readonly #shared: string;
  /** One line is mostly like the one before but for its time and its fields. */
  #before: Line | undefined;
  /** The last line of each of a few rules. */
  readonly #lines = new Map<string | undefined, Line>();

  constructor(facts: ConnectionFacts) {
    const { id, direction, source, destination, port, l7proto, parser } = facts;
    this.#shared = `"direction":"${direction}","connection":${id},` +
      `"source":${endpoint(source)},"destination":${endpoint(destination)}` +
      (port === undefined ? "" : `,"port":${port}`) +
      optional("l7proto", l7proto) + optional("parser", parser);
  }

  /** Gives a line to `take`, with some of its fields hashed if there is a hasher. */
  write(
    take: TakeLine,
    time: number,
    entry: Entry,
    hasher?: FieldHasher,
  ): void {
    if (!this.#before || !isAlike(entry, this.#before)) {
      this.#before = this.#find(entry);
    }
    const { fields, latency, verdict } = entry;
    const written = fieldsJson(hasher ? hasher.apply(fields) : fields);
    take(
      time,
      this.#before.middle,
      latency === undefined
        ? written
        : `${decoded(written)},"latency":${latency}`,
      verdict,
    );
  }

  #find(entry: Entry): Line {
    const known = this.#lines.get(entry.rule);
    if (known && isAlike(entry, known)) return known;
    const { type, verdict, rule, reason } = entry;
    const middle = encoder.encode(
      `","type":"${type}","verdict":"${verdict}",${this.#shared}` +
        optional("rule", rule) + optional("reason", reason) + ',"fields":',
    );
    const line = { type, verdict, rule, reason, middle };
    if (this.#lines.size >= KEPT_LINES) this.#lines.clear();
    this.#lines.set(rule, line);
    return line;
  }
}

const known = new WeakMap<Fields, Uint8Array>();

/** What is frozen is written once: a parser that knows a request again logs the same fields. */
function fieldsJson(fields: Fields): string | Uint8Array {
  const before = known.get(fields);
  if (before !== undefined) return before;
  const text = JSON.stringify(fields) ?? "{}";
  if (Object.isFrozen(fields)) known.set(fields, encoder.encode(text));
  return text;
}

/** Whether two lines differ in their time and fields only. */
function isAlike(a: Entry, b: Line): boolean {
  return a.verdict === b.verdict && a.rule === b.rule && a.type === b.type &&
    a.reason === b.reason;
}

function endpoint({ address, labels }: Endpoint): string {
  return JSON.stringify({ address, labels });
}

function optional(key: string, value: string | undefined): string {
  return value === undefined ? "" : `,"${key}":${JSON.stringify(value)}`;
}
