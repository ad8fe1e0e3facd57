/** What rules mean together: the merge table of the policy semantics, section 13. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { judge, load, pod, subject, world } from "./testing.ts";

const SUBJECT = subject({ app: "service" });
const A = pod({ app: "a" });
const B = pod({ app: "b" }, "default", "10.0.0.2");

/** A rule for the subject, as an item of a policy. */
function rule(lists: string): string {
  return `{endpointSelector: {matchLabels: {app: service}}, ${lists}}`;
}

function policy(...rules: string[]): string {
  return `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p}
specs: [${rules.join(", ")}]`;
}

const FROM_A = "fromEndpoints: [{matchLabels: {app: a}}]";
const FROM_B = "fromEndpoints: [{matchLabels: {app: b}}]";
const PORT_80 = 'ports: [{port: "80", protocol: TCP}]';
const PLAIN = `toPorts: [{${PORT_80}}]`;
const READ = l7("r2d2", "{cmd: READ}");
const WRITE = l7("r2d2", "{cmd: WRITE}");

function l7(proto: string, ...rules: string[]): string {
  return `toPorts: [{${PORT_80}, rules: {l7proto: ${proto}, l7: [${rules}]}}]`;
}

const READS = '[{"cmd":"READ"}]';
const WRITES = '[{"cmd":"WRITE"}]';
const P = "default/p#specs[0].ingress";

/** For each row: the entries, and what A on 80, B on 80 and A on 81 may do. */
const ROWS: readonly [string, string, [string, string, string]][] = [
  ["A: r2d2 READ", `ingress: [{${FROM_A}, ${READ}}]`, [
    READS,
    "denied",
    "denied",
  ]],
  [
    "A: r2d2 READ; A: port 80 plain",
    `ingress: [{${FROM_A}, ${READ}}, {${FROM_A}, ${PLAIN}}]`,
    [`all by ${P}[1].toPorts[0]`, "denied", "denied"],
  ],
  [
    "A: r2d2 READ; any peer: port 80 plain",
    `ingress: [{${FROM_A}, ${READ}}, {${PLAIN}}]`,
    [`all by ${P}[1].toPorts[0]`, `all by ${P}[1].toPorts[0]`, "denied"],
  ],
  ["A: r2d2 READ; A: L3-only", `ingress: [{${FROM_A}, ${READ}}, {${FROM_A}}]`, [
    `all by ${P}[1]`,
    "denied",
    `all by ${P}[1]`,
  ]],
  ["A: r2d2 READ; B: L3-only", `ingress: [{${FROM_A}, ${READ}}, {${FROM_B}}]`, [
    READS,
    `all by ${P}[1]`,
    "denied",
  ]],
  [
    "A: r2d2 READ; any peer: r2d2 WRITE",
    `ingress: [{${FROM_A}, ${READ}}, {${WRITE}}]`,
    [`${READS} or ${WRITES}`, WRITES, "denied"],
  ],
  [
    "A: r2d2 [{}]; A: r2d2 READ",
    `ingress: [{${FROM_A}, ${l7("r2d2", "{}")}}, {${FROM_A}, ${READ}}]`,
    [`[{}] or ${READS}`, "denied", "denied"],
  ],
  [
    "A: r2d2 []; A: r2d2 READ",
    `ingress: [{${FROM_A}, ${l7("r2d2")}}, {${FROM_A}, ${READ}}]`,
    [`[] or ${READS}`, "denied", "denied"],
  ],
  [
    "A: r2d2 READ; deny A port 80",
    `ingress: [{${FROM_A}, ${READ}}], ingressDeny: [{${FROM_A}, ${PLAIN}}]`,
    [`denied by ${P}Deny[0].toPorts[0]`, "denied", "denied"],
  ],
  [
    "A: L3-only; deny any peer port 80",
    `ingress: [{${FROM_A}}], ingressDeny: [{${PLAIN}}]`,
    [
      `denied by ${P}Deny[0].toPorts[0]`,
      `denied by ${P}Deny[0].toPorts[0]`,
      `all by ${P}[0]`,
    ],
  ],
  ["deny A only, nothing else", `ingressDeny: [{${FROM_A}}]`, [
    `denied by ${P}Deny[0]`,
    "denied",
    `denied by ${P}Deny[0]`,
  ]],
  [
    "deny A only, enableDefaultDeny.ingress false",
    `ingressDeny: [{${FROM_A}}], enableDefaultDeny: {ingress: false}`,
    [`denied by ${P}Deny[0]`, "all", `denied by ${P}Deny[0]`],
  ],
  [
    "A: r2d2 READ, enableDefaultDeny.ingress false",
    `ingress: [{${FROM_A}, ${READ}}], enableDefaultDeny: {ingress: false}`,
    ["all", "all", "all"],
  ],
  [
    "enableDefaultDeny.ingress true, nothing else",
    "enableDefaultDeny: {ingress: true}",
    ["denied", "denied", "denied"],
  ],
  [
    "fromEndpoints [] with toPorts 80",
    `ingress: [{fromEndpoints: [], ${PLAIN}}]`,
    ["denied", "denied", "denied"],
  ],
  ["peer absent, toPorts 80", `ingress: [{${PLAIN}}]`, [
    `all by ${P}[0].toPorts[0]`,
    `all by ${P}[0].toPorts[0]`,
    "denied",
  ]],
  ["two entries, a stray dash between", `ingress: [{${FROM_A}}, {${READ}}]`, [
    `all by ${P}[0]`,
    READS,
    `all by ${P}[0]`,
  ]],
  [
    "a range of ports and port 80",
    `ingress: [{toPorts: [{ports: [{port: "80", endPort: 82}]}]}]`,
    [
      `all by ${P}[0].toPorts[0]`,
      `all by ${P}[0].toPorts[0]`,
      `all by ${P}[0].toPorts[0]`,
    ],
  ],
  [
    "A: UDP 80 only",
    `ingress: [{${FROM_A}, toPorts: [{ports: [{port: "80", protocol: UDP}]}]}]`,
    ["denied", "denied", "denied"],
  ],
  [
    "A: every port by port 0",
    `ingress: [{${FROM_A}, toPorts: [{ports: [{port: "0"}]}]}]`,
    [`all by ${P}[0].toPorts[0]`, "denied", `all by ${P}[0].toPorts[0]`],
  ],
];

for (const [name, lists, want] of ROWS) {
  Deno.test(`resolve() merges ${name}`, () => {
    const store = load(policy(rule(lists)), "p.yaml", [SUBJECT]);
    assertEquals(
      store.problems.filter(({ severity }) => severity === "error"),
      [],
    );
    assertEquals(
      [
        judge(store, A, 80, SUBJECT),
        judge(store, B, 80, SUBJECT),
        judge(store, A, 81, SUBJECT),
      ],
      want,
    );
  });
}

Deno.test("resolve() lets a denial of the world stand against an allowance of all", () => {
  const store = load(
    policy(
      rule(
        "ingress: [{fromEntities: [all]}], ingressDeny: [{fromEntities: [world]}]",
      ),
    ),
  );
  assertEquals(judge(store, A, 80, SUBJECT), `all by ${P}[0]`);
  assertEquals(judge(store, world(), 80, SUBJECT), `denied by ${P}Deny[0]`);
});

Deno.test("resolve() means the same however rules are split", () => {
  const one = rule(`ingress: [{${FROM_A}, ${READ}}, {${WRITE}}]`);
  const two = [
    rule(`ingress: [{${FROM_A}, ${READ}}]`),
    rule(`ingress: [{${WRITE}}]`),
  ];
  for (const peer of [A, B, world()]) {
    for (const port of [80, 81]) {
      assertEquals(
        judge(load(policy(...two)), peer, port, SUBJECT),
        judge(load(policy(one)), peer, port, SUBJECT),
      );
    }
  }
});

Deno.test("resolve() names the parser of the port for peers with plain allows only", () => {
  const store = load(
    policy(rule(`ingress: [{${FROM_A}, ${READ}}, {${FROM_B}}]`)),
  );
  const access = store.current.resolve({
    subject: SUBJECT,
    direction: "ingress",
    port: 80,
    peer: B,
  });
  assertEquals(access, {
    verdict: "allowed",
    proto: "r2d2",
    sets: [],
    unrestricted: { rule: `${P}[1]` },
  });
});

Deno.test("resolve() refers to each L7 rule and its set by path", () => {
  const store = load(
    policy(rule(`ingress: [{${FROM_A}, ${l7("r2d2", "{cmd: READ}", "{}")}}]`)),
  );
  const access = store.current.resolve({
    subject: SUBJECT,
    direction: "ingress",
    port: 80,
    peer: A,
  });
  const ref = `${P}[0].toPorts[0]`;
  assertEquals(access, {
    verdict: "allowed",
    proto: "r2d2",
    sets: [{
      proto: "r2d2",
      ref,
      rules: [
        { ref: `${ref}.l7[0]`, raw: { cmd: "READ" } },
        { ref: `${ref}.l7[1]`, raw: {} },
      ],
    }],
  });
});

Deno.test("resolve() hands out the same L7 set every time", () => {
  const store = load(policy(rule(`ingress: [{${READ}}]`)));
  const setOf = () => {
    const access = store.current.resolve({
      subject: subject({ app: "service" }),
      direction: "ingress",
      port: 80,
      peer: A,
    });
    return access.verdict === "allowed" ? access.sets[0] : undefined;
  };
  assertEquals(setOf() !== undefined && setOf() === setOf(), true);
});

Deno.test("resolve() leaves the other direction and other workloads alone", () => {
  const store = load(policy(rule("ingress: [{}]")));
  assertEquals(judge(store, A, 80, SUBJECT), "denied");
  assertEquals(judge(store, A, 80, SUBJECT, "egress"), "all");
  assertEquals(judge(store, A, 80, subject({ app: "other" })), "all");
  assertEquals(judge(store, A, 80, subject({ app: "service" }, "prod")), "all");
});

Deno.test("resolve() denies a workload the loader was not told of, when rules name two parsers", () => {
  const store = load(`
- {endpointSelector: {matchLabels: {a: x}}, ingress: [{${READ}}]}
- {endpointSelector: {matchLabels: {b: y}}, ingress: [{${
    l7("memcache", "{}")
  }}]}`);
  assertEquals(store.problems, []);
  assertEquals(judge(store, A, 80, subject({ a: "x" })), READS);
  assertEquals(judge(store, A, 80, subject({ a: "x", b: "y" })), "denied");
});

/** Empty, null and absent: the policy semantics, section 6. */
const EMPTINESS: readonly [string, string, string][] = [
  ["ingress absent", "description: d", "all"],
  ["ingress null", "ingress: null", "all"],
  ["ingress []", "ingress: []", "all"],
  ["an empty entry", "ingress: [{}]", "denied"],
  ["no peers, toPorts null", "ingress: [{toPorts: null}]", "denied"],
  ["no peers, toPorts []", "ingress: [{toPorts: []}]", "denied"],
  [
    "fromEndpoints null with ports",
    `ingress: [{fromEndpoints: null, ${PLAIN}}]`,
    `all by ${P}[0].toPorts[0]`,
  ],
  ["fromEndpoints []", "ingress: [{fromEndpoints: []}]", "denied"],
  ["fromCIDR [] with ports", `ingress: [{fromCIDR: [], ${PLAIN}}]`, "denied"],
  [
    "fromEntities [] with ports",
    `ingress: [{fromEntities: [], ${PLAIN}}]`,
    "denied",
  ],
  ["fromEndpoints [{}]", "ingress: [{fromEndpoints: [{}]}]", `all by ${P}[0]`],
  [
    "toPorts null beside peers",
    `ingress: [{${FROM_A}, toPorts: null}]`,
    `all by ${P}[0]`,
  ],
  [
    "toPorts [] beside peers",
    `ingress: [{${FROM_A}, toPorts: []}]`,
    `all by ${P}[0]`,
  ],
  ["ports []", `ingress: [{${FROM_A}, toPorts: [{ports: []}]}]`, "denied"],
  ["ports absent", `ingress: [{${FROM_A}, toPorts: [{}]}]`, "denied"],
  [
    "rules null",
    `ingress: [{toPorts: [{${PORT_80}, rules: null}]}]`,
    `all by ${P}[0].toPorts[0]`,
  ],
  [
    "rules {}",
    `ingress: [{toPorts: [{${PORT_80}, rules: {}}]}]`,
    `all by ${P}[0].toPorts[0]`,
  ],
  [
    "an empty list of http",
    `ingress: [{toPorts: [{${PORT_80}, rules: {http: []}}]}]`,
    `all by ${P}[0].toPorts[0]`,
  ],
  [
    "l7proto without l7",
    `ingress: [{toPorts: [{${PORT_80}, rules: {l7proto: r2d2}}]}]`,
    "[]",
  ],
  ["l7 []", `ingress: [{${l7("r2d2")}}]`, "[]"],
  ["l7 [{}]", `ingress: [{${l7("r2d2", "{}")}}]`, "[{}]"],
];

for (const [name, lists, want] of EMPTINESS) {
  Deno.test(`resolve() takes ${name} as ${want}`, () => {
    const store = load(policy(rule(lists)));
    assertEquals(
      store.problems.filter(({ severity }) => severity === "error"),
      [],
    );
    assertEquals(judge(store, A, 80, SUBJECT), want);
  });
}

Deno.test("fromEndpoints [{}] selects pods of the namespace, not the world", () => {
  const store = load(policy(rule("ingress: [{fromEndpoints: [{}]}]")));
  assertEquals(judge(store, world(), 80, SUBJECT), "denied");
  assertEquals(judge(store, pod({ app: "a" }, "prod"), 80, SUBJECT), "denied");
});

Deno.test("what is required of those who are let in takes nobody out of a deny", () => {
  const required = "fromRequires: [{matchLabels: {env: prod}}]";
  const store = load(policy(
    rule(
      `ingress: [{${required}}, {fromEntities: [all]}], ingressDeny: [{${FROM_A}}]`,
    ),
  ));
  const got = [A, pod({ app: "a", env: "prod" }), B]
    .map((peer) => judge(store, peer, 80, SUBJECT));
  const denied = `denied by ${P.replace(/ingress$/, "ingressDeny")}[0]`;
  assertEquals(got, [denied, denied, `all by ${P}[1]`]);
});

Deno.test("a policy that forbids reserved:init stays in its namespace, as any other", () => {
  const store = load(`apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: p }
spec:
  endpointSelector:
    matchExpressions: [ { key: "reserved:init", operator: DoesNotExist } ]
  ingress: [ { fromEntities: [ world ] } ]
`);
  const elsewhere = subject({ app: "a" }, "prod");
  assertEquals(judge(store, pod({ app: "b" }), 80, elsewhere), "all");
  assertEquals(judge(store, pod({ app: "b" }), 80, SUBJECT), "denied");
});
