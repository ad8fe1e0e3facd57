/**
 * A connection for benches: parse, policy and log line, without sockets.
 *
 * @module
 */
import type { ParserDefinition } from "parley/proxylib";
import type { CompiledPolicy } from "../policy/mod.ts";
import { ParserUsage } from "../proxy/parser_usage.ts";
import type { Route, SessionContext } from "../proxy/session/context.ts";
import { ProxySession } from "../proxy/session/session.ts";
import { createStore } from "../proxy/session/shared.ts";
import { Traffic } from "../proxy/counting/traffic.ts";
import type { Link } from "../proxy/transport/transport.ts";

/** What a connection is read as, and what it may ask. */
export interface Guard {
  readonly definition: ParserDefinition;
  readonly rules: readonly Record<string, string>[];
}

/** A session as the sidecar makes it, between sockets and a log that are not there. */
export function connect({ definition, rules }: Guard): ProxySession {
  const set = {
    proto: "bench",
    ref: "default/bench#spec.ingress[0].toPorts[0]",
    rules: rules.map((raw, i) => ({
      ref: `default/bench#spec.ingress[0].toPorts[0].l7[${i}]`,
      raw,
    })),
  };
  const usage = new ParserUsage(0);
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
    listener: "bench",
    direction: "ingress",
    l7proto: undefined,
    mode: "enforce",
    logResponses: false,
    frameBytes: 1 << 24,
    policy: () => policy,
    peerOf: (address) => ({
      address,
      labels: ["k8s:function=fleet-monitoring"],
    }),
    parser: (name) => ({ name, version: "3f9c2a", definition, usage }),
    shared: () => createStore(1 << 20),
    now: () => performance.timeOrigin + performance.now(),
    log: (_time, middle, fields) => logged += middle.length + fields.length,
    traffic: new Traffic(),
    notRestored() {},
    ended() {},
  };
  const accepted = {
    source: { hostname: "127.0.0.2", port: 40112 },
    destination: { hostname: "127.0.0.1", port: 11311 },
    isOwn: true,
  };
  const route: Route = {
    upstream: { transport: "tcp", hostname: "127.0.0.1", port: 11211 },
    port: 11211,
    subject: { labels: ["k8s:app=memcached"] },
  };
  const link: Link = {
    write() {},
    queued: () => 0,
    end() {},
    drain() {},
    changed() {},
    close: (end) => {
      throw new Error(`the connection was closed: ${end}`);
    },
  };
  const session = new ProxySession(17, context, route, accepted, link);
  if (!session.admit()) throw new Error("the session was refused");
  return session;
}
