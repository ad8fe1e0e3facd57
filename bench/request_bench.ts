/**
 * What a request costs: parse, policy and log line, without sockets.
 *
 * Each iteration feeds DEPTH pipelined requests in one read and their replies in
 * another, through the engine, under a policy of two rules, with a log line
 * formatted for each. Divide by the depth for the cost of a request.
 */
import type { ParserDefinition } from "parley/proxylib";
import memcache from "../parsers/memcache/mod.ts";
import r2d2 from "../parsers/r2d2.ts";
import type { CompiledPolicy } from "../policy/mod.ts";
import { ProxySession, type SessionContext } from "../proxy/session.ts";
import type { Link } from "../proxy/transport/transport.ts";

interface Workload {
  readonly name: string;
  readonly definition: ParserDefinition;
  readonly rules: readonly Record<string, string>[];
  readonly request: Uint8Array;
  readonly reply: Uint8Array;
}

const text = (value: string) => new TextEncoder().encode(value);
const KEY = "alliance/fleet/ship1";
const KEYS = Array.from({ length: 64 }, (_, i) => `alliance/fleet/ship${i}`);

const WORKLOADS: readonly Workload[] = [
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

/** A session as the sidecar makes it, between sockets and a log that are not there. */
function connect({ definition, rules }: Workload): ProxySession {
  const set = {
    proto: "bench",
    ref: "default/bench#spec.ingress[0].toPorts[0]",
    rules: rules.map((raw, i) => ({
      ref: `default/bench#spec.ingress[0].toPorts[0].l7[${i}]`,
      raw,
    })),
  };
  const policy: CompiledPolicy = {
    version: 1,
    guards: () => true,
    resolve: () => ({ verdict: "allowed", proto: "bench", sets: [set] }),
    explain: () => {
      throw new Error("nobody asks why");
    },
  };
  let logged = 0;
  const context: SessionContext = {
    direction: "ingress",
    upstream: { transport: "tcp", hostname: "127.0.0.1", port: 11211 },
    port: 11211,
    l7proto: undefined,
    subject: { labels: ["k8s:app=memcached"] },
    mode: "enforce",
    logResponses: false,
    frameBytes: 1 << 24,
    policy: () => policy,
    peerOf: (address) => ({
      address,
      labels: ["k8s:function=fleet-monitoring"],
    }),
    parser: (name) => ({ name, version: "3f9c2a", definition }),
    now: () => performance.timeOrigin + performance.now(),
    log: (line) => logged += line.length,
    ended() {},
  };
  const accepted = {
    source: { hostname: "127.0.0.2", port: 40112 },
    destination: { hostname: "127.0.0.1", port: 11311 },
  };
  const link: Link = {
    write() {},
    end() {},
    drain() {},
    close: (end) => {
      throw new Error(`the connection was closed: ${end}`);
    },
  };
  const session = new ProxySession(17, context, accepted, link);
  if (!session.admit()) throw new Error("the session was refused");
  return session;
}

function repeated(bytes: Uint8Array, times: number): Uint8Array {
  const whole = new Uint8Array(bytes.length * times);
  for (let i = 0; i < times; i++) whole.set(bytes, i * bytes.length);
  return whole;
}

/** Requests an iteration, so that the figures of both depths can be compared as they are. */
const PER_ITERATION = 64;

for (const workload of WORKLOADS) {
  for (const depth of [1, 64]) {
    const session = connect(workload);
    const requests = repeated(workload.request, depth);
    const replies = repeated(workload.reply, depth);
    Deno.bench({
      name: `${workload.name}, depth ${depth}: ${PER_ITERATION} requests`,
      group: workload.name,
      baseline: depth === 1,
      fn() {
        for (let i = 0; i < PER_ITERATION; i += depth) {
          session.feed(false, requests, false);
          session.feed(true, replies, false);
        }
      },
    });
  }
}
