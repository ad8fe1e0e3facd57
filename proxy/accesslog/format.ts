/**
 * Access-log lines: one JSON object each. What a connection's lines have in
 * common is written once, when it opens.
 *
 * @module
 */
import type { Endpoint, Fields } from "parley/proxylib";

/** What all lines of a connection say. */
export interface ConnectionFacts {
  readonly id: number;
  readonly direction: "ingress" | "egress";
  readonly source: Endpoint;
  readonly destination: Endpoint;
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
}

/** Makes the lines of one connection. */
export function lineFormatter(
  facts: ConnectionFacts,
): (time: string, entry: Entry) => string {
  const { id, direction, source, destination, l7proto, parser } = facts;
  const shared = `"direction":"${direction}","connection":${id},` +
    `"source":${endpoint(source)},"destination":${endpoint(destination)}` +
    optional("l7proto", l7proto) + optional("parser", parser);
  return (time, { type, verdict, rule, reason, fields }) =>
    `{"time":"${time}","type":"${type}","verdict":"${verdict}",${shared}` +
    known(RULES, "rule", rule) + known(REASONS, "reason", reason) +
    `,"fields":${JSON.stringify(fields)}}\n`;
}

function endpoint({ address, labels }: Endpoint): string {
  return JSON.stringify({ address, labels });
}

function optional(key: string, value: string | undefined): string {
  return value === undefined ? "" : `,"${key}":${JSON.stringify(value)}`;
}

/** There are few rules and reasons, and one stands in nearly every line: their text is kept. */
const RULES = new Map<string, string>();
const REASONS = new Map<string, string>();
const KEPT = 10_000;

function known(
  texts: Map<string, string>,
  key: string,
  value: string | undefined,
): string {
  if (value === undefined) return "";
  const text = texts.get(value);
  if (text !== undefined) return text;
  if (texts.size >= KEPT) texts.clear(); // policies come and go
  const made = optional(key, value);
  texts.set(value, made);
  return made;
}

/** Writes moments as RFC 3339 in UTC with microseconds. */
export class Timestamps {
  /** The start of the second that was written last, and its text. */
  #second = NaN;
  #text = "";

  /** @param ms milliseconds since the epoch, with a fraction */
  format(ms: number): string {
    const second = Math.floor(ms / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(second * 1000).toISOString().slice(0, -4);
    }
    const micros = Math.floor((ms - second * 1000) * 1000);
    return `${this.#text}${String(1_000_000 + micros).slice(1)}Z`;
  }
}
