/** What the engine takes over from another process, and what it must not. */
import { deepStrictEqual as assertEquals, throws } from "node:assert/strict";
import { StoredPolicy } from "../policy/stored.ts";
import { type Config, defaultConfig } from "./config/mod.ts";
import { dataConfig } from "./data_config.ts";
import { Engine } from "./engine.ts";
import type { MovedSession } from "./session/moved.ts";
import type { Link } from "./transport/transport.ts";

const link: Link = {
  write() {},
  end() {},
  drain() {},
  close() {},
  changed() {},
  queued: () => 0,
};

/** A connection to an address of a node's proxy, as another process describes it; `names` led there. */
function movedTo(
  hostname: string,
  names: readonly string[] = [],
): MovedSession {
  const destination = { hostname, port: 11211 };
  return {
    id: 7,
    started: 0,
    bytesForward: 1,
    bytesReply: 2,
    accepted: {
      source: { hostname: "192.0.2.9", port: 40112 },
      destination,
      isOwn: false,
    },
    upstream: { transport: "tcp", ...destination },
    names,
    audited: undefined,
    proto: undefined,
    parser: undefined,
    requests: [],
    stream: undefined,
  };
}

/** Of upstreams that are configured by name. */
const ADDRESSES: Record<string, string> = {
  "pod.test": "10.0.0.1",
  "evil.test": "192.0.2.66",
  "good.test": "192.0.2.1",
};

function engineOf(config: Config, rules: readonly object[] = []): Engine {
  const policy = new StoredPolicy();
  const [file, name] = ["a.json", "a"];
  policy.replace([{ file, base: [], name, value: rules }]);
  const { identities } = config;
  return new Engine(dataConfig(config, { identities, services: [] }, ""), {
    limit: 10,
    policy: () => policy.current,
    parser: () => undefined,
    addressOf: (hostname) => ADDRESSES[hostname],
    log() {},
    warn() {},
    now: () => 0,
  });
}

Deno.test("the names of a connection count where it is taken over, until it ends", () => {
  const engine = engineOf(defaultConfig(), [{
    endpointSelector: {},
    egress: [{ toFQDNs: [{ matchName: "a.io" }] }],
  }]);
  const listener = {
    name: "out",
    direction: "egress",
    listen: { transport: "tcp", hostname: "127.0.0.1", port: 0 },
    upstream: "original-dst",
  } as const;
  const opens = (hostname: string) => {
    const { accepted } = movedTo(hostname);
    const opened = engine.opener(listener)(accepted, link);
    opened?.session.closed("closed");
    return opened !== undefined;
  };
  assertEquals(opens("192.0.2.1"), false);
  const moved = movedTo("192.0.2.1", ["a.io."]);
  const session = engine.adopt(listener, moved, link);
  session.stay();
  assertEquals(engine.connections, 1, "it is not closed");
  assertEquals([opens("192.0.2.1"), opens("192.0.2.2")], [true, false]);
  session.closed("closed");
  assertEquals(opens("192.0.2.1"), false);
});

Deno.test("a connection whose workload is not known here is not taken over: no policy would select it", () => {
  const config = {
    ...defaultConfig(),
    endpoints: [{
      name: "a",
      namespace: "default",
      labels: { app: "a" },
      addresses: ["192.0.2.1"],
    }],
  };
  const engine = engineOf(config);
  const listener = {
    name: "node",
    direction: "ingress",
    listen: { transport: "tcp", hostname: "127.0.0.1", port: 0 },
    upstream: "original-dst",
  } as const;
  throws(
    () => engine.adopt(listener, movedTo("192.0.2.2"), link),
    /none of the endpoints has its address/,
  );
  assertEquals(engine.connections, 0);
  engine.adopt(listener, movedTo("192.0.2.1"), link);
  assertEquals(engine.connections, 1);
});

const ENDPOINT = { endpointSelector: {} };
const NAMED = { toFQDNs: [{ matchName: "good.test" }] };
const WORLD = { toEntities: ["world"] };

/** What becomes of egress to an upstream by name. */
const BY_NAME: readonly (readonly [
  name: string,
  upstream: string,
  rule: object,
  dialled: string | undefined,
])[] = [
  ["that nobody restricts", "good.test", {}, "192.0.2.1"],
  ["that toFQDNs names", "good.test", { egress: [NAMED] }, "192.0.2.1"],
  ["that toFQDNs does not name", "evil.test", { egress: [NAMED] }, undefined],
  [
    "whose address is allowed",
    "good.test",
    { egress: [{ toCIDR: ["192.0.2.1"] }] },
    "192.0.2.1",
  ],
  [
    "whose address is denied",
    "evil.test",
    { egress: [WORLD], egressDeny: [{ toCIDR: ["192.0.2.66"] }] },
    undefined,
  ],
  [
    "that leads into the cluster, which is not the world",
    "pod.test",
    { egress: [WORLD] },
    undefined,
  ],
  [
    "that leads to a pod",
    "pod.test",
    { egress: [{ toEndpoints: [{ matchLabels: { app: "db" } }] }] },
    "10.0.0.1",
  ],
  ["that has no address", "gone.test", {}, undefined],
];

for (const [name, hostname, rule, dialled] of BY_NAME) {
  Deno.test(`an upstream by a name ${name} is ${dialled ? "" : "not "}dialled, by address`, () => {
    const pod = { cidr: "10.0.0.1", labels: { app: "db" }, namespace: "" };
    const config = { ...defaultConfig(), identities: [pod] };
    const engine = engineOf(config, [{ ...ENDPOINT, ...rule }]);
    engine.learn([
      { name: "good.test.", address: "192.0.2.1", until: Infinity },
      { name: "good.test.", address: "10.0.0.1", until: Infinity },
    ]);
    const listener = {
      name: "out",
      direction: "egress",
      listen: { transport: "tcp", hostname: "127.0.0.1", port: 0 },
      upstream: { transport: "tcp", hostname, port: 5432 },
      port: 5432,
    } as const;
    const opened = engine.opener(listener)(movedTo("").accepted, link);
    assertEquals(
      opened?.upstream,
      dialled && { transport: "tcp", hostname: dialled, port: 5432 },
    );
    opened?.session.closed("closed");
  });
}

Deno.test("an upstream of ingress by a name is dialled by its address, and logged by its name", () => {
  const engine = engineOf(defaultConfig());
  const listener = {
    name: "in",
    direction: "ingress",
    listen: { transport: "tcp", hostname: "127.0.0.1", port: 0 },
    upstream: { transport: "tcp", hostname: "good.test", port: 1 },
    port: 1,
  } as const;
  const opened = engine.opener(listener)(movedTo("").accepted, link)!;
  const [session] = engine.sessions;
  assertEquals(session!.describe().destination, "good.test:1");
  const upstream = { transport: "tcp", hostname: "192.0.2.1", port: 1 };
  assertEquals(opened.upstream, upstream);
  opened.session.closed("closed");
});
