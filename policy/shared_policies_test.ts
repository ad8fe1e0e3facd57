/**
 * Upstream's example policies, where they are at hand: what loads, what is
 * refused and why, and what the loaded ones mean.
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Direction, Peer, Protocol, Subject } from "./mod.ts";
import { endpointLabels } from "./mod.ts";
import { judge, load, pod, subject, summary, world } from "./testing.ts";

const FOLDER = fileURLToPath(
  new URL("../../shared/policies/", import.meta.url),
);
const isAtHand = existsSync(FOLDER);

function share(name: string, body: () => void): void {
  const reason = isAtHand
    ? ""
    : " (skipped: the shared example policies are not at hand)";
  Deno.test({ name: name + reason, ignore: !isAtHand, fn: body });
}

function loadShared(
  name: string,
  subjects: readonly Subject[] = [],
  options = { nodes: false },
) {
  const file = `${name}.yaml`;
  return load(readFileSync(FOLDER + file, "utf8"), file, subjects, options);
}

const NO_PARSER = "error l7.unknown-proto";
const DESCRIPTION = "warning doc.description";

/** Each document's problems, in order of lines; it is applied when none is an error. */
const LOADS: Readonly<Record<string, readonly string[]>> = {
  "01-cassandra-sw": [DESCRIPTION],
  "03-cassandra-allow-all": [],
  "04-memcache-sw": [],
  "05-memcache-get-exact-key": [],
  "07-memcache-get-set": [],
  "09-redis-unknown-parser": [NO_PARSER],
  "11-kafka-role": [NO_PARSER],
  "13-http-headers-uppercase-key": ["error schema.unknown-key"],
  "15-http-split-dash": [DESCRIPTION, NO_PARSER],
  "17-fqdn-v13": ["warning fqdn.unfed"],
  "19-dns-and-fqdn": [],
  "21-cidr-except": [],
  "23-entity-world": [],
  "25-entity-apiserver": ["warning peer.entity-unknown"],
  "27-from-nodes": ["error peer.nodes-disabled"],
  "29-service-by-labels": [],
  "31-ccnp-deny-world": [],
  "33-host-demo": ["warning partly.nodes"],
  "35-egress-kubedns": [],
  "37-serviceaccount": [],
  "39-ccnp-kubedns-from-all": [DESCRIPTION],
  "41-from-requires": [DESCRIPTION, "warning peer.requires"],
  "43-egress-default-deny-null": ["warning rule.no-direction"],
  "45-ingress-allow-all-null": ["warning entry.empty"],
  "47-port-range": [],
  "d1-r2d2-comment-rules": [],
  "d2-memcache-empty-command": [
    "warning memcache.command",
    "error memcache.command",
  ],
};

for (const [name, want] of Object.entries(LOADS)) {
  share(`${name} loads with ${want.join(", ") || "no problem"}`, () => {
    const { problems, documents } = loadShared(name);
    assertEquals(
      problems.filter(({ severity }) => severity !== "note")
        .map(({ severity, code }) => `${severity} ${code}`),
      want,
    );
    const isWrong = want.some((problem) => problem.startsWith("error"));
    assertEquals(documents.map(({ status }) => status), [
      isWrong ? "refused" : "applied",
    ]);
  });
}

share("every document does at loading what the index says", () => {
  const index = readFileSync(`${FOLDER}index.md`, "utf8");
  const rows = [...index.matchAll(/^\| ([\w-]+) \| (\w+)([^|]*)\| (.*)$/gm)]
    .filter(([, file]) => file !== "file");
  assertEquals(rows.map(([, file]) => file).sort(), Object.keys(LOADS).sort());
  for (const [, file, load, code = "", text] of rows) {
    const want = LOADS[file!]!;
    const has = (severity: string) => want.some((p) => p.startsWith(severity));
    const found = has("error") ? "reject" : has("warning") ? "warn" : "ok";
    if (want.includes(NO_PARSER)) continue; // says the text above the table
    const isWarnedOf = found === "warn" && /\bwarn\b/i.test(text!);
    assertEquals(isWarnedOf ? "ok" : found, load, file);
    const [named] = /[a-z\d]+\.[a-z-]+/.exec(code) ?? [];
    if (named === undefined) continue;
    assertEquals(
      want.some((p) => p.endsWith(named)),
      true,
      `${file}: ${named}`,
    );
  }
});

const PARTLY: Readonly<Record<string, readonly string[]>> = {
  "33-host-demo": ["partly.nodes", "partly.ports", "partly.icmp"],
  "35-egress-kubedns": ["partly.protocol"],
  "47-port-range": [],
};

for (const [name, want] of Object.entries(PARTLY)) {
  share(`${name} is enforced but for ${want.join(", ") || "nothing"}`, () => {
    const { problems, documents } = loadShared(name);
    assertEquals(
      problems.map(({ code }) => code).filter((code) =>
        code.startsWith("partly.")
      ),
      want,
    );
    const [{ partly } = { partly: [] }] = documents;
    assertEquals(partly.length, want.length);
    assertEquals(partly.every((text) => /^partly enforced: /.test(text)), true);
  });
}

interface Question {
  readonly name: string;
  readonly to: Subject;
  readonly direction?: Direction;
  readonly peer: Peer;
  readonly port: number;
  readonly protocol?: Protocol;
  readonly nodes?: true;
  readonly want: string;
}

const KUBE_DNS = pod({ "k8s-app": "kube-dns" }, "kube-system");
const MEMCACHED = {
  name: "04-memcache-sw",
  to: subject({ app: "memcd-server" }),
  port: 11211,
};
const CASSANDRA = {
  name: "01-cassandra-sw",
  to: subject({ app: "cass-server" }),
  port: 9042,
};
const CIDR = {
  name: "21-cidr-except",
  to: subject({ app: "myService" }),
  direction: "egress",
  port: 443,
} as const;
const RANGE = {
  name: "47-port-range",
  to: subject({ app: "myService" }),
  direction: "egress",
  peer: world(),
} as const;
const DROID = {
  name: "d1-r2d2-comment-rules",
  to: subject({ app: "droid" }),
  port: 4040,
};

const FQDN = {
  name: "17-fqdn-v13",
  to: subject({ app: "test-app" }),
  direction: "egress",
  port: 443,
} as const;
const NAMES = {
  name: "19-dns-and-fqdn",
  to: subject({ org: "alliance" }),
  direction: "egress",
  port: 80,
} as const;
const BY_NAME =
  "all by default/tofqdn-dns-visibility#spec.egress[1].toPorts[0]";
const NODES = {
  name: "27-from-nodes",
  to: subject({ env: "prod" }),
  port: 80,
  nodes: true,
} as const;
const SERVICE = {
  name: "29-service-by-labels",
  to: subject({ id: "app2" }),
  direction: "egress",
  port: 80,
} as const;

/** An address outside that a name leads to. */
function named(name: string): Peer {
  return { ...world(), names: [name] };
}

/** A node that is not the workload's own. */
function node(labels: Record<string, string>): Peer {
  const all = { ...labels, "reserved:remote-node": "" };
  return { address: "10.0.0.9", labels: endpointLabels(all, "") };
}

/** A workload that a service leads to. */
function behind(
  name: string,
  labels: Record<string, string>,
  namespace = "default",
): Peer {
  const service = {
    name,
    namespace,
    labels: endpointLabels(labels, namespace),
  };
  return { ...pod({ app: "a" }), services: [service] };
}

const QUESTIONS: readonly Question[] = [
  { ...CASSANDRA, peer: pod({ app: "empire-hq" }), want: "[{}]" },
  {
    ...CASSANDRA,
    peer: pod({ app: "empire-outpost" }),
    want:
      '[{"query_action":"select","query_table":"system\\\\..*"},{"query_action":"select","query_table":"system_schema\\\\..*"},{"query_action":"insert","query_table":"attendance.daily_records"}]',
  },
  { ...CASSANDRA, peer: pod({ app: "empire-hq" }), port: 7000, want: "denied" },
  { ...CASSANDRA, peer: pod({ app: "empire-hq" }, "prod"), want: "denied" },
  { ...CASSANDRA, peer: world(), want: "denied" },
  {
    name: "03-cassandra-allow-all",
    to: subject({ id: "cass-server" }),
    peer: world(),
    port: 9042,
    want: "[{}]",
  },
  {
    name: "03-cassandra-allow-all",
    to: subject({ id: "cass-server" }),
    peer: world(),
    port: 7000,
    want: "denied",
  },
  {
    ...MEMCACHED,
    peer: pod({ app: "a-wing" }),
    want:
      '[{"command":"get","keyExact":"awing-coord"},{"command":"set","keyExact":"awing-coord"}]',
  },
  {
    ...MEMCACHED,
    peer: pod({ name: "fleet-tracker" }),
    want:
      '[{"command":"get","keyExact":"awing-coord"},{"command":"get","keyExact":"xwing-coord"}]',
  },
  { ...MEMCACHED, peer: pod({ app: "tie-fighter" }), want: "denied" },
  {
    name: "05-memcache-get-exact-key",
    to: { labels: ["container:id.memcache"] },
    peer: { address: "10.0.0.1", labels: ["container:memcache-client"] },
    port: 11211,
    want: '[{"command":"get","keyExact":"allowed"}]',
  },
  {
    ...CIDR,
    peer: world("20.1.1.1"),
    want: "all by default/cidr-rule#spec.egress[0]",
  },
  {
    ...CIDR,
    peer: world("10.112.0.1"),
    want: "all by default/cidr-rule#spec.egress[1]",
  },
  { ...CIDR, peer: world("10.100.1.1"), want: "denied" },
  { ...CIDR, peer: pod({ app: "a" }, "default", "10.112.0.1"), want: "denied" },
  {
    name: "23-entity-world",
    to: subject({ role: "public" }),
    peer: world(),
    port: 80,
    want: "all by default/from-world-to-role-public#spec.ingress[0]",
  },
  {
    name: "23-entity-world",
    to: subject({ role: "public" }),
    peer: pod({ app: "a" }),
    port: 80,
    want: "denied",
  },
  {
    name: "25-entity-apiserver",
    to: subject({ env: "dev" }),
    direction: "egress",
    peer: world(),
    port: 443,
    want: "denied",
  },
  {
    name: "31-ccnp-deny-world",
    to: subject({ app: "any" }),
    peer: world(),
    port: 80,
    want: "denied by external-lockdown#spec.ingressDeny[0]",
  },
  {
    name: "31-ccnp-deny-world",
    to: subject({ app: "any" }),
    peer: pod({ app: "a" }, "prod"),
    port: 80,
    want: "all by external-lockdown#spec.ingress[0]",
  },
  {
    name: "35-egress-kubedns",
    to: subject({ app: "any" }),
    direction: "egress",
    peer: KUBE_DNS,
    port: 53,
    want: "denied",
  },
  {
    name: "37-serviceaccount",
    to: subject({ "io.cilium.k8s.policy.serviceaccount": "leia" }),
    peer: pod({ "io.cilium.k8s.policy.serviceaccount": "luke" }),
    port: 80,
    want: "all by default/k8s-svc-account#spec.ingress[0]",
  },
  {
    name: "39-ccnp-kubedns-from-all",
    to: subject({ "k8s-app": "kube-dns" }, "kube-system"),
    peer: pod({ app: "a" }),
    port: 53,
    want: "denied",
  },
  {
    name: "43-egress-default-deny-null",
    to: subject({ role: "restricted" }),
    direction: "egress",
    peer: world(),
    port: 80,
    want: "all",
  },
  {
    name: "45-ingress-allow-all-null",
    to: subject({ role: "victim" }),
    peer: pod({ app: "a" }),
    port: 80,
    want: "denied",
  },
  { ...RANGE, port: 79, want: "denied" },
  {
    ...RANGE,
    port: 80,
    want: "all by default/l4-port-range-rule#spec.egress[0].toPorts[0]",
  },
  {
    ...RANGE,
    port: 444,
    want: "all by default/l4-port-range-rule#spec.egress[0].toPorts[0]",
  },
  { ...RANGE, port: 445, want: "denied" },
  { ...DROID, peer: pod({ role: "reader" }), want: '[{"cmd":"READ"}]' },
  { ...DROID, peer: pod({ role: "editor" }), want: '[{"file":"/public/.*"}]' },
  { ...DROID, peer: pod({ role: "stranger" }), want: "denied" },
  { ...FQDN, peer: KUBE_DNS, want: "all by default/to-fqdn#spec.egress[0]" },
  {
    ...FQDN,
    peer: named("my-remote-service.com."),
    want: "all by default/to-fqdn#spec.egress[1]",
  },
  { ...FQDN, peer: named("other-service.com."), want: "denied" },
  { ...FQDN, peer: world(), want: "denied" },
  {
    ...FQDN,
    peer: { ...pod({ app: "a" }), names: ["my-remote-service.com."] },
    want: "denied",
  },
  {
    ...NAMES,
    peer: KUBE_DNS,
    port: 53,
    protocol: "UDP",
    want:
      '[{"matchName":"cilium.io"},{"matchPattern":"*.cilium.io"},{"matchPattern":"*.api.cilium.io"}]',
  },
  ...["cilium.io.", "sub.cilium.io.", "service1.api.cilium.io."].map(
    (name): Question => ({ ...NAMES, peer: named(name), want: BY_NAME }),
  ),
  { ...NAMES, peer: named("special-x-service.api.cilium.io."), want: BY_NAME },
  { ...NAMES, peer: named("anothersub.cilium.io."), want: "denied" },
  { ...NAMES, peer: named("cilium.io."), port: 443, want: "denied" },
  {
    ...NODES,
    peer: node({ "node-role.kubernetes.io/control-plane": "" }),
    want: "all by default/to-prod-from-control-plane-nodes#spec.ingress[0]",
  },
  {
    ...NODES,
    peer: node({ "node-role.kubernetes.io/worker": "" }),
    want: "denied",
  },
  {
    ...NODES,
    peer: pod({ "node-role.kubernetes.io/control-plane": "" }),
    want: "denied",
  },
  {
    ...SERVICE,
    peer: behind("head", { head: "none" }, "other"),
    want: "all by default/service-labels-rule#spec.egress[0]",
  },
  { ...SERVICE, peer: behind("head", { head: "some" }), want: "denied" },
  { ...SERVICE, peer: pod({ head: "none" }), want: "denied" },
  {
    name: "35-egress-kubedns",
    to: subject({ app: "any" }),
    direction: "egress",
    peer: KUBE_DNS,
    port: 53,
    protocol: "UDP",
    want: "all by default/allow-to-kubedns#spec.egress[0].toPorts[0]",
  },
  {
    name: "39-ccnp-kubedns-from-all",
    to: subject({ "k8s-app": "kube-dns" }, "kube-system"),
    peer: pod({ app: "a" }, "prod"),
    port: 53,
    protocol: "UDP",
    want: "all by wildcard-from-endpoints#spec.ingress[0].toPorts[0]",
  },
  {
    name: "39-ccnp-kubedns-from-all",
    to: subject({ "k8s-app": "kube-dns" }, "kube-system"),
    peer: world(),
    port: 53,
    protocol: "UDP",
    want: "denied",
  },
  {
    name: "33-host-demo",
    to: subject({ "node-access": "ssh" }),
    peer: world(),
    port: 80,
    want: "all",
  },
  {
    name: "41-from-requires",
    to: subject({ env: "prod" }),
    peer: pod({ env: "prod" }),
    port: 80,
    want: "denied",
  },
];

for (
  const [index, { name, to, direction = "ingress", peer, port, want, ...rest }]
    of QUESTIONS
      .entries()
) {
  const { protocol = "TCP", nodes = false } = rest;
  share(`${name} decides ${want} on port ${port} (${index})`, () => {
    const { current } = loadShared(name, [to], { nodes });
    const query = { subject: to, direction, peer, port, protocol };
    assertEquals(summary(current.resolve(query)), want);
  });
}

share("41-from-requires narrows what another document allows", () => {
  const text = readFileSync(`${FOLDER}41-from-requires.yaml`, "utf8");
  const other = `
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: frontend }
spec:
  endpointSelector: { matchLabels: { env: prod } }
  ingress: [{ fromEndpoints: [{ matchLabels: { role: frontend } }] }]
`;
  const to = subject({ env: "prod" });
  const store = load(text + other, "41.yaml", [to]);
  const judged = [
    pod({ role: "frontend", env: "prod" }),
    pod({ role: "frontend" }),
    pod({ env: "prod" }),
  ].map((peer) => judge(store, peer, 80, to));
  assertEquals(judged, [
    "all by default/frontend#spec.ingress[0]",
    "denied",
    "denied",
  ]);
});
