/**
 * Requests of the built-in protocols, as benches send them.
 *
 * @module
 */
import type { ParserDefinition } from "parley/proxylib";

/** A request, its reply, and the rules that it is judged by. */
export interface Workload {
  readonly name: string;
  readonly definition: ParserDefinition;
  readonly rules: readonly Record<string, string>[];
  readonly request: Uint8Array;
  readonly reply: Uint8Array;
}

const text = (value: string) => new TextEncoder().encode(value);
const KEY = "alliance/fleet/ship1";
const KEYS = Array.from({ length: 64 }, (_, i) => `alliance/fleet/ship${i}`);

/** What is measured, with these definitions of the parsers. */
export function workloads(
  { memcache, r2d2 }: Readonly<Record<"memcache" | "r2d2", ParserDefinition>>,
): readonly Workload[] {
  return [
    {
      name: "text get",
      definition: memcache,
      rules: [{ command: "set" }, { command: "get", keyPrefix: "alliance/" }],
      request: text(`get ${KEY}\r\n`),
      reply: text(`VALUE ${KEY} 0 10\r\n0123456789\r\nEND\r\n`),
    },
    {
      name: "meta get",
      definition: memcache,
      rules: [{ command: "set" }, { command: "get", keyPrefix: "alliance/" }],
      request: text(`mg ${KEY} v\r\n`),
      reply: text("VA 10\r\n0123456789\r\n"),
    },
    {
      name: "binary get",
      definition: memcache,
      rules: [{ command: "set" }, { command: "get", keyPrefix: "alliance/" }],
      request: packet(0x80, text(KEY), 0),
      reply: packet(0x81, text("\0\0\0\x000123456789"), 4),
    },
    {
      name: "64-key multi-get",
      definition: memcache,
      rules: [{ command: "set" }, { command: "get", keyPrefix: "alliance/" }],
      request: text(`get ${KEYS.join(" ")}\r\n`),
      reply: text(
        KEYS.map((key) => `VALUE ${key} 0 10\r\n0123456789\r\n`).join("") +
          "END\r\n",
      ),
    },
    {
      name: "r2d2",
      definition: r2d2,
      rules: [{ cmd: "WRITE" }, { cmd: "READ", file: "^/public/" }],
      request: text("READ /public/readme\r\n"),
      reply: text("OK\r\n"),
    },
  ];
}

function packet(magic: number, body: Uint8Array, extras: number): Uint8Array {
  const whole = new Uint8Array(24 + body.length);
  const view = new DataView(whole.buffer);
  view.setUint8(0, magic);
  view.setUint16(2, magic === 0x80 ? body.length : 0);
  view.setUint8(4, extras);
  view.setUint32(8, body.length);
  whole.set(body, 24);
  return whole;
}

/** The same bytes again and again. */
export function repeated(bytes: Uint8Array, times: number): Uint8Array {
  const whole = new Uint8Array(bytes.length * times);
  for (let i = 0; i < times; i++) whole.set(bytes, i * bytes.length);
  return whole;
}
