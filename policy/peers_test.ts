/** Whom selectors, prefixes and entities select: the policy semantics, sections 3 and 4. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { Peer } from "./mod.ts";
import { judge, load, pod, subject, world } from "./testing.ts";

const SUBJECT = subject({ app: "service" });

/** The peers that each row is asked about, in the order of its answers. */
const PEERS: Readonly<Record<string, Peer>> = {
  near: pod({ app: "a", tier: "1" }),
  far: pod({ app: "a" }, "prod", "10.0.0.2"),
  container: {
    address: "10.0.0.3",
    labels: ["container:app=a", "k8s:io.kubernetes.pod.namespace=default"],
  },
  host: { address: "192.0.2.9", labels: ["reserved:host"] },
  world: world("203.0.113.7"),
  world6: world("2001:db8::7"),
};

type Kind = "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy" | "list";

function policy(kind: Kind, entry: string): string {
  const rule =
    `{endpointSelector: {matchLabels: {app: service}}, ingress: [{${entry}}]}`;
  if (kind === "list") return `[${rule}]`;
  return `apiVersion: cilium.io/v2\nkind: ${kind}\nmetadata: {name: p}\nspec: ${rule}`;
}

const CNP = "CiliumNetworkPolicy";
const CCNP = "CiliumClusterwideNetworkPolicy";
const APP_A = "fromEndpoints: [{matchLabels: {app: a}}]";
const NAMESPACE = "io.kubernetes.pod.namespace";

const ROWS: readonly [Kind, string, string][] = [
  // Scoping
  [CNP, "fromEndpoints: [{}]", "near container"],
  [CCNP, "fromEndpoints: [{}]", "near far container"],
  ["list", "fromEndpoints: [{}]", "near far container host world world6"],
  [CNP, APP_A, "near container"],
  [CCNP, APP_A, "near far container"],
  ["list", APP_A, "near far container"],
  [CNP, `fromEndpoints: [{matchLabels: {${NAMESPACE}: prod}}]`, "far"],
  [CNP, `fromEndpoints: [{matchLabels: {"k8s:${NAMESPACE}": prod}}]`, "far"],
  [
    CNP,
    `fromEndpoints: [{matchExpressions: [{key: ${NAMESPACE}, operator: Exists}]}]`,
    "near far container",
  ],
  [CNP, 'fromEndpoints: [{matchLabels: {"reserved:host": ""}}]', "host"],
  [CNP, "fromEndpoints: [{matchLabels: {$host: ~}}]", "host"],
  [CNP, "fromEndpoints: [{matchLabels: {reserved.world: ''}}]", "world world6"],
  [
    CNP,
    "fromEndpoints: [{matchLabels: {io.cilium.k8s.namespace.labels.team: a}}]",
    "",
  ],

  // Keys and operators
  [CNP, 'fromEndpoints: [{matchLabels: {"k8s:app": a}}]', "near"],
  [CNP, 'fromEndpoints: [{matchLabels: {"any:app": a}}]', "near container"],
  [CNP, "fromEndpoints: [{matchLabels: {k8s.app: a}}]", ""],
  [CNP, "fromEndpoints: [{matchLabels: {app: a, tier: '1'}}]", "near"],
  [
    CNP,
    "fromEndpoints: [{matchLabels: {app: a}, matchExpressions: [{key: tier, operator: DoesNotExist}]}]",
    "container",
  ],
  [
    CCNP,
    "fromEndpoints: [{matchExpressions: [{key: tier, operator: In, values: ['0', '1']}]}]",
    "near",
  ],
  [
    CCNP,
    "fromEndpoints: [{matchExpressions: [{key: tier, operator: NotIn, values: ['1']}]}]",
    "far container",
  ],
  [
    CCNP,
    "fromEndpoints: [{matchExpressions: [{key: tier, operator: Exists}]}]",
    "near",
  ],
  [
    CCNP,
    "fromEndpoints: [{matchLabels: {app: b}}, {matchLabels: {tier: '1'}}]",
    "near",
  ],

  // Prefixes match only peers without a cluster identity
  [CNP, "fromCIDR: [0.0.0.0/0]", "world"],
  [CNP, "fromCIDR: ['::/0']", "world6"],
  [CNP, "fromCIDR: [203.0.113.7]", "world"],
  [CNP, "fromCIDR: [203.0.113.200/24]", "world"],
  [CNP, "fromCIDR: ['::ffff:203.0.113.0/120']", "world"],
  [CNP, "fromCIDR: [10.0.0.0/8]", ""],
  [CNP, "fromCIDRSet: [{cidr: 203.0.113.0/24, except: [203.0.113.0/28]}]", ""],
  [
    CNP,
    "fromCIDRSet: [{cidr: 203.0.113.0/24, except: [203.0.113.8/29]}]",
    "world",
  ],
  [
    CNP,
    "fromCIDRSet: [{cidr: 203.0.113.0/24, except: [203.0.113.0/28]}, {cidr: 203.0.113.7/32}]",
    "world",
  ],

  // Entities
  [CNP, "fromEntities: [all]", "near far container host world world6"],
  [CNP, "fromEntities: [world]", "world world6"],
  [CNP, "fromEntities: [world-ipv4]", "world"],
  [CNP, "fromEntities: [world-ipv6]", "world6"],
  [CNP, "fromEntities: [cluster]", "near far container host"],
  [CNP, "fromEntities: [none]", ""],
  [CNP, "fromEntities: [host]", "host"],
  [CNP, "fromEntities: [kube-apiserver]", ""],
];

for (const [kind, entry, want] of ROWS) {
  Deno.test(`${kind} with ${entry} selects ${want || "nobody"}`, () => {
    const store = load(policy(kind, entry));
    assertEquals(
      store.problems.filter(({ severity }) => severity === "error"),
      [],
    );
    const selected = Object.keys(PEERS)
      .filter((name) => judge(store, PEERS[name]!, 80, SUBJECT) !== "denied");
    assertEquals(selected.join(" "), want);
  });
}

function subjectPolicy(kind: Kind, selector: string): string {
  const rule = `{endpointSelector: ${selector}, ingress: [{}]}`;
  if (kind === "list") return `[${rule}]`;
  return `apiVersion: cilium.io/v2\nkind: ${kind}\nmetadata: {name: p, namespace: prod}\nspec: ${rule}`;
}

const SUBJECTS: readonly [Kind, string, string][] = [
  [CNP, "{}", "prod"],
  [CCNP, "{}", "default prod init"],
  ["list", "{}", "default prod init"],
  [CNP, `{matchLabels: {${NAMESPACE}: default}}`, "prod"],
  [
    CNP,
    `{matchExpressions: [{key: ${NAMESPACE}, operator: In, values: [default]}]}`,
    "",
  ],
  [CNP, '{matchLabels: {"reserved:init": ""}}', "init"],
];

for (const [kind, selector, want] of SUBJECTS) {
  Deno.test(`${kind} of namespace prod with endpointSelector ${selector} guards ${want || "nobody"}`, () => {
    const store = load(subjectPolicy(kind, selector));
    const subjects = {
      default: subject({ app: "a" }),
      prod: subject({ app: "a" }, "prod"),
      init: { labels: ["reserved:init"] },
    };
    const guarded = Object.entries(subjects)
      .filter(([, to]) => judge(store, world(), 80, to) === "denied");
    assertEquals(guarded.map(([name]) => name).join(" "), want);
  });
}
