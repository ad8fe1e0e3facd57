/** Whatever a file holds, loading it ends well. */
import { ok as assert, strictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import { createPolicyStore, formatProblem, type PolicyStore } from "./mod.ts";
import { catalog, pod, subject } from "./testing.ts";

const SUBJECT = subject({ app: "service" });

const DOCUMENT = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: fleet, namespace: default}
spec:
  endpointSelector:
    matchLabels: {app: service}
    matchExpressions: [{key: tier, operator: NotIn, values: [a]}]
  ingress:
  - fromEndpoints: &peers
    - matchLabels: {"k8s:app": a}
    toPorts:
    - ports: [{port: "80", endPort: 81, protocol: TCP}]
      rules: {l7proto: r2d2, l7: [{cmd: READ, file: "/public/.*"}]}
  - fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.96.0.0/12]}]
  ingressDeny:
  - fromEndpoints: *peers
    toPorts: [{ports: [{port: "22"}]}]
`;

/** What a slip of the hand leaves in a file, and what an attacker might. */
const scraps = fc.oneof(
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.constantFrom(
    "null",
    "{}",
    "[]",
    "\n---\n",
    ": ",
    "- ",
    "&a ",
    "*peers",
    "!x ",
    "<<: ",
    "__proto__: ",
    "constructor: ",
    "'",
    '"',
    "\t",
    "%YAML 1.1\n",
    "\u0000",
    "\ufeff",
    "1e999",
    "? ",
  ),
);

const mutated = fc.array(
  fc.record({ at: fc.nat(DOCUMENT.length), cut: fc.nat(12), put: scraps }),
  { minLength: 1, maxLength: 4 },
).map((edits) => {
  return edits.reduce((text, { at, cut, put }) => {
    return text.slice(0, at) + put + text.slice(at + cut);
  }, DOCUMENT);
});

/** Values that are JSON, with keys that mean something here more often than not. */
const keys = fc.constantFrom(
  "spec",
  "specs",
  "ingress",
  "egress",
  "toPorts",
  "ports",
  "port",
  "rules",
  "l7",
  "l7proto",
  "endpointSelector",
  "matchLabels",
  "matchExpressions",
  "fromCIDRSet",
  "cidr",
  "except",
  "kind",
  "metadata",
  "name",
  "items",
  "constructor",
  "toString",
);
const { value: shaped } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "medium" },
    fc.constantFrom(
      null,
      true,
      0,
      80,
      "",
      "80",
      "List",
      "CiliumNetworkPolicy",
      "cilium.io/v2",
      "r2d2",
      "fleet",
    ),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(keys, tie("value"), { maxKeys: 5 }),
  ),
}));

/** Fails on a thrown error, a misplaced problem, and a refusal that nothing explains. */
function checkLoad(store: PolicyStore, text: string): void {
  const { problems, documents } = store.update([{ file: "f.yaml", text }]);
  const lines = text.split(/\r\n|\r|\n/).length;
  for (const problem of problems) {
    const { line, column, message, mend } = problem;
    assert(
      line >= 1 && line <= lines + 1 && column >= 1,
      JSON.stringify(problem),
    );
    assert(message !== "" && mend !== "");
    assertEquals(formatProblem(problem).includes("\n"), false);
  }
  const errors = problems.filter(({ severity }) => severity === "error");
  assertEquals(
    errors.length > 0,
    store.refused || documents.some(({ status }) => status !== "applied"),
    JSON.stringify({ problems, documents }),
  );
  store.current.resolve({
    subject: SUBJECT,
    direction: "ingress",
    port: 80,
    peer: pod({ app: "a" }),
  });
}

const GENERATORS = {
  "arbitrary text": fc.string({ unit: "binary", maxLength: 300, size: "max" }),
  "mutated documents": mutated,
  "arbitrary JSON": shaped.map((value) => JSON.stringify(value)),
  "arbitrary lists of objects": fc.array(
    fc.oneof(shaped, fc.constant({ endpointSelector: {}, ingress: [{}] })),
    { maxLength: 3 },
  ).map((value) => JSON.stringify(value)),
};

for (const [name, texts] of Object.entries(GENERATORS)) {
  Deno.test(`update() says what is wrong with ${name}, and never throws`, () => {
    fc.assert(
      fc.property(
        texts,
        (text) => checkLoad(createPolicyStore(catalog, [SUBJECT]), text),
      ),
      { numRuns: 500, seed: 20261124 },
    );
  });
}

Deno.test("update() never opens what a good version closed, whatever the file becomes", () => {
  // Only a file that was emptied, or names other documents, takes it back.
  fc.assert(
    fc.property(mutated, (text) => {
      const store = createPolicyStore(catalog, [SUBJECT]);
      store.update([{ file: "f.yaml", text: DOCUMENT }]);
      const { documents, problems } = store.update([{ file: "f.yaml", text }]);
      const isHeld = documents.some(({ id }) => id === "default/fleet");
      const errors = problems.filter(({ severity }) => severity === "error");
      if (errors.length > 0) {
        const explained = isHeld || store.refused;
        assert(explained, JSON.stringify({ text, documents, problems }));
      }
    }),
    { numRuns: 500, seed: 20261124 },
  );
});
