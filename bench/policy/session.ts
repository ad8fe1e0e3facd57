/**
 * A request through a session: read, judged and logged, without sockets.
 *
 * @module
 */
import type { ParserDefinition } from "parley/proxylib";
import type { CompiledPolicy, Peer, Subject } from "../../policy/mod.ts";
import { lineText } from "../../proxy/accesslog/format.ts";
import { Traffic } from "../../proxy/counting/traffic.ts";
import { ParserUsage } from "../../proxy/parser_usage.ts";
import type { SessionContext } from "../../proxy/session/context.ts";
import { ProxySession } from "../../proxy/session/session.ts";
import { createStore } from "../../proxy/session/shared.ts";
import type { Link } from "../../proxy/transport/transport.ts";

const LINK: Link = {
  write() {},
  end() {},
  drain() {},
  changed() {},
  queued: () => 0,
  close: (end) => {
    throw new Error(`the connection was closed: ${end}`);
  },
};

/** Opens a connection under a policy; what is returned sends a request and its reply. */
export function connect(
  policy: CompiledPolicy,
  definition: ParserDefinition,
  { subject, peer, port }: { subject: Subject; peer: Peer; port: number },
): (request: Uint8Array, reply: Uint8Array) => void {
  let lines = 0;
  const usage = new ParserUsage(0);
  const context: SessionContext = {
    direction: "ingress",
    listener: "bench",
    l7proto: undefined,
    mode: "enforce",
    logResponses: false,
    frameBytes: 1 << 24,
    policy: () => policy,
    peerOf: () => peer,
    parser: (name) => ({ name, version: "3f9c2a", definition, usage }),
    now: () => performance.timeOrigin + performance.now(),
    log: (...parts) => {
      // A request that is denied costs something else.
      if (lines++ > 0) return;
      const text = lineText(...parts);
      if (text.includes('"denied"')) throw new Error(text);
    },
    shared: () => createStore(1 << 20),
    traffic: new Traffic(),
    notRestored() {},
    ended() {},
  };
  const accepted = {
    source: { hostname: "192.0.2.1", port: 40112 },
    destination: { hostname: "127.0.0.1", port: 11311 },
    isOwn: true,
  };
  const upstream = { transport: "tcp", hostname: "127.0.0.1", port } as const;
  const route = { upstream, port, subject };
  const session = new ProxySession(17, context, route, accepted, LINK);
  if (!session.admit()) throw new Error("the session was refused");
  return (request, reply) => {
    session.feed(false, request, false);
    session.feed(true, reply, false);
  };
}
