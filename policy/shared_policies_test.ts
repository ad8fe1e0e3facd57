/**
 * Upstream's example policies, where they are at hand: what loads, what is
 * refused and why, and what the loaded ones mean.
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Direction, Peer, Subject } from "./mod.ts";
import { judge, load, pod, subject, world } from "./testing.ts";

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

function loadShared(name: string, subjects: readonly Subject[] = []) {
  const file = `${name}.yaml`;
  return load(readFileSync(FOLDER + file, "utf8"), file, subjects);
}

const UNSUPPORTED = "error unsupported";
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
  "17-fqdn-v13": [UNSUPPORTED],
  "19-dns-and-fqdn": [NO_PARSER, UNSUPPORTED],
  "21-cidr-except": [],
  "23-entity-world": [],
  "25-entity-apiserver": ["warning peer.entity-unknown"],
  "27-from-nodes": ["error peer.nodes-disabled"],
  "29-service-by-labels": [UNSUPPORTED],
  "31-ccnp-deny-world": [],
  "33-host-demo": [UNSUPPORTED, UNSUPPORTED],
  "35-egress-kubedns": [],
  "37-serviceaccount": [],
  "39-ccnp-kubedns-from-all": [DESCRIPTION],
  "41-from-requires": [DESCRIPTION, UNSUPPORTED],
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
      problems.map(({ severity, code }) => `${severity} ${code}`),
      want,
    );
    const isWrong = want.some((problem) => problem.startsWith("error"));
    assertEquals(documents.map(({ status }) => status), [
      isWrong ? "refused" : "applied",
    ]);
  });
}

interface Question {
  readonly name: string;
  readonly to: Subject;
  readonly direction?: Direction;
  readonly peer: Peer;
  readonly port: number;
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
];

for (
  const [index, { name, to, direction, peer, port, want }] of QUESTIONS
    .entries()
) {
  share(`${name} decides ${want} on port ${port} (${index})`, () => {
    assertEquals(
      judge(loadShared(name, [to]), peer, port, to, direction),
      want,
    );
  });
}
