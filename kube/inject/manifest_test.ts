/** Manifests keep what is not about the sidecar, and come back from an injection as they were. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  strictEqual as assertSame,
} from "node:assert/strict";
import fc from "fast-check";
import { parseAllDocuments, stringify } from "yaml";
import { inject } from "./inject.ts";
import { type Note, type Rewrite, rewriteManifest } from "./manifest.ts";
import { readPod } from "./pod.ts";
import { Refused } from "./refused.ts";
import { OPTIONS } from "./testing.ts";
import { undo } from "./undo.ts";

const injected: Rewrite = (pod) => {
  const injection = inject(pod, OPTIONS);
  if (injection.kind === "refused") throw new Refused(injection.faults);
  if (injection.kind === "skipped") return { notes: [injection.reason] };
  return { pod: injection.pod, notes: injection.warnings };
};
const removed: Rewrite = (pod) => ({ pod: undo(readPod(pod)), notes: [] });

const POD = {
  metadata: {
    labels: { app: "memcached" },
    annotations: { "parley.dev/ports": "11211" },
  },
  spec: { containers: [{ name: "app" }] },
};

const KINDS: readonly { readonly kind: string; readonly object: object }[] = [
  { kind: "Pod", object: { ...POD } },
  { kind: "PodTemplate", object: { template: POD } },
  ...[
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
  ].map((kind) => ({ kind, object: { spec: { template: POD } } })),
  {
    kind: "CronJob",
    object: { spec: { jobTemplate: { spec: { template: POD } } } },
  },
].map(({ kind, object }) => ({
  kind,
  object: { apiVersion: "v1", kind, ...object },
}));

for (const { kind, object } of KINDS) {
  for (const list of [false, true]) {
    Deno.test(`a ${kind}${list ? " of a List" : ""} is injected and given back`, () => {
      const whole = list
        ? { kind: "List", items: [{ kind: "Service" }, object] }
        : object;
      const text = stringify(whole);
      const { text: written, notes } = rewriteManifest(text, injected);
      assertEquals(notes, []);
      assertMatch(written!, /name: parley-redirect/);
      assertSame(rewriteManifest(written!, removed).text, text);
    });
  }
}

const FILE = `# A cache.
kind: Service
metadata: {name: cache,   namespace: x}
---
# its pods
kind: Deployment # two of them
metadata:
  name: cache
spec:
  template:
    metadata:
      annotations:
        parley.dev/ports: "11211" # guarded
    spec:
      # one container
      containers:
      - name: app
        image: memcached:1.6 # pinned
`;

Deno.test("a manifest keeps its comments, its order and its style", () => {
  const { text } = rewriteManifest(FILE, injected);
  const lines = text!.split("\n");
  const lost = FILE.split("\n").filter((line) => !lines.includes(line));
  assertEquals(lost, ["metadata: {name: cache,   namespace: x}"]);
  const { text: back } = rewriteManifest(text!, removed);
  assertSame(
    back,
    FILE.replace(
      "{name: cache,   namespace: x}",
      "{ name: cache, namespace: x }",
    ),
  );
});

Deno.test("a manifest without pods is the same text", () => {
  const text = "kind:   Service # of its own style\n---\n- 1\n---\n\n";
  assertEquals(rewriteManifest(text, injected), { text, notes: [] });
});

Deno.test("JSON stays JSON", () => {
  const text = JSON.stringify({ kind: "Pod", ...POD });
  const { text: written } = rewriteManifest(text, injected);
  const value = JSON.parse(written!);
  assertSame(value.spec.initContainers.length, 2);
});

const ERRORS: readonly {
  readonly name: string;
  readonly text: string;
  readonly note: Note & { readonly text: string };
}[] = [
  {
    name: "text that is no YAML",
    text: "kind: Pod\na: [",
    note: {
      severity: "error",
      object: "",
      text: "^the text is not YAML at line 2, column \\d: flow sequence[^\n]*$",
    },
  },
  {
    name: "nesting without end",
    text: "[".repeat(50_000),
    note: { severity: "error", object: "", text: "" },
  },
  {
    name: "a pod that is refused",
    text: stringify({
      ...KINDS[2]!.object,
      metadata: { name: "x" },
      spec: { template: { spec: {} } },
    }),
    note: {
      severity: "error",
      object: "Deployment x",
      text: "spec.containers is not",
    },
  },
  {
    name: "a kind without its template",
    text: "kind: Deployment",
    note: {
      severity: "error",
      object: "Deployment",
      text: "pod's root is not",
    },
  },
  {
    name: "aliases",
    text:
      "kind: Pod\nmetadata: {annotations: &a {parley.dev/ports: '1'}, labels: *a}\nspec: {containers: [{name: a}]}",
    note: { severity: "error", object: "Pod", text: "YAML aliases" },
  },
];

for (const { name, text, note } of ERRORS) {
  Deno.test(`rewriteManifest() prints nothing for ${name}`, () => {
    const { text: written, notes } = rewriteManifest(text, injected);
    assertSame(written, undefined);
    const [found] = notes;
    assertEquals([found!.severity, found!.object], [
      note.severity,
      note.object,
    ]);
    assertMatch(found!.text, new RegExp(note.text));
  });
}

const documents = fc.array(
  fc.oneof(
    fc.constantFrom(...KINDS.map(({ object }) => object)),
    fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }),
  ),
  { minLength: 1, maxLength: 4 },
);

Deno.test("rewriteManifest() and back is the same values, whatever else is there", () => {
  fc.assert(
    fc.property(documents, (values) => {
      const text = values.map((value) => stringify(value)).join("---\n");
      const written = rewriteManifest(text, injected).text!;
      const back = rewriteManifest(written, removed).text!;
      assertEquals(valuesOf(back), valuesOf(text));
    }),
    { seed: 20_261_124, numRuns: 100 },
  );
});

Deno.test("rewriteManifest() refuses an alias that has no anchor", () => {
  const { text, notes } = rewriteManifest(
    FILE.replace("name: cache", "name: *cache"),
    injected,
  );
  assertSame(text, undefined);
  assertMatch(notes.map(({ text }) => text).join(), /cache/);
});

Deno.test("rewriteManifest() never throws, whatever the text", () => {
  const text = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.tuple(fc.nat(FILE.length), fc.string({ maxLength: 3 }))
      .map(([at, more]) => FILE.slice(0, at) + more + FILE.slice(at + 1)),
  );
  fc.assert(
    fc.property(text, (text) => {
      const { text: written, notes } = rewriteManifest(text, injected);
      const failed = notes.some(({ severity }) => severity === "error");
      assertSame(written === undefined, failed);
    }),
    { seed: 20_261_124, numRuns: 300 },
  );
});

function valuesOf(text: string): unknown[] {
  return (parseAllDocuments(text) as { toJS(): unknown }[])
    .map((document) => document.toJS());
}
