/** An injection can be taken back, whatever the pod was. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import { inject, type Pod } from "./inject.ts";
import { difference } from "./patch.ts";
import { applyPatch, OPTIONS } from "./testing.ts";
import { undo } from "./undo.ts";

const probe = fc.oneof(
  fc.constantFrom(
    { tcpSocket: { port: 11211 }, periodSeconds: 3 },
    { tcpSocket: { port: "cache" } },
    { tcpSocket: { port: 80 } },
    { httpGet: { port: 11211, path: "/" } },
    { exec: { command: ["true"] } },
  ),
);
const container = fc.record({
  name: fc.constantFrom("a", "b", "c", "d", "e", "f"),
  image: fc.string(),
  ports: fc.constant([{ name: "cache", containerPort: 11211 }]),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  env: fc.constant([{ name: "A", value: "1" }]),
}, { requiredKeys: ["name"] });

const pod = fc.record({
  annotations: fc.option(fc.dictionary(fc.string(), fc.string()), {
    nil: undefined,
  }),
  labels: fc.option(fc.dictionary(fc.string(), fc.string()), {
    nil: undefined,
  }),
  hasMetadata: fc.boolean(),
  containers: fc.uniqueArray(container, {
    minLength: 1,
    maxLength: 4,
    selector: ({ name }) => name,
  }),
  initContainers: fc.option(fc.constantFrom([], [{ name: "setup" }]), {
    nil: undefined,
  }),
  volumes: fc.option(fc.constantFrom([], [{ name: "data", emptyDir: {} }]), {
    nil: undefined,
  }),
}).map(({ hasMetadata, annotations, labels, ...spec }) => {
  const metadata = hasMetadata ? { metadata: { annotations, labels } } : {};
  return JSON.parse(JSON.stringify({ ...metadata, spec }));
});
const options = fc.record({
  image: fc.constant("parley:1"),
  sidecar: fc.constantFrom("native" as const, "container" as const),
  policyPorts: fc.constantFrom(
    { ingress: "all" as const },
    { egress: "all" as const },
    { ingress: [{ first: 11211, last: 11211 }], egress: "all" as const },
  ),
});

Deno.test("undo() gives back what inject() was given", () => {
  let injections = 0;
  fc.assert(
    fc.property(pod, options, (before, options) => {
      const injection = inject(before, options);
      if (injection.kind !== "injected") return;
      injections++;
      assertEquals(plain(undo(injection.pod)), before);
    }),
    { seed: 20_261_124, numRuns: 500 },
  );
  assertEquals(injections > 400, true);
});

Deno.test("inject() again, with other options, is inject() of the pod as it was", () => {
  fc.assert(
    fc.property(pod, options, options, (before, first, second) => {
      const once = inject(before, first);
      if (once.kind !== "injected") return;
      assertEquals(
        plain(inject(once.pod, second)),
        plain(inject(before, second)),
      );
    }),
    { seed: 20_261_124, numRuns: 200 },
  );
});

Deno.test("the patch of an injection makes the injected pod, and changes nothing of the author's", () => {
  fc.assert(
    fc.property(pod, options, (before, options) => {
      const injection = inject(before, options);
      if (injection.kind !== "injected") return;
      const patch = difference(before, injection.pod);
      assertEquals(plain(applyPatch(before, patch)), plain(injection.pod));
      const changed = patch.filter(({ op, path }) =>
        op !== "add" && !/\/(liveness|readiness|startup)Probe\//.test(path)
      );
      assertEquals(changed, []);
    }),
    { seed: 20_261_124, numRuns: 200 },
  );
});

Deno.test("undo() leaves what others have added since", () => {
  const injection = inject({
    metadata: { annotations: { "parley.dev/ports": "1" } },
    spec: { containers: [{ name: "app" }] },
  }, OPTIONS);
  const { pod } = injection as { pod: Pod };
  pod.spec.containers.push({ name: "mesh" });
  pod.spec.volumes!.unshift({ name: "certificates" });
  pod.metadata!.annotations!.mesh = "yes";
  assertEquals(plain(undo(pod)), {
    metadata: { annotations: { "parley.dev/ports": "1", mesh: "yes" } },
    spec: {
      containers: [{ name: "app" }, { name: "mesh" }],
      volumes: [{ name: "certificates" }],
    },
  });
});

Deno.test("undo() leaves a pod that was not injected", () => {
  const pod = { spec: { containers: [{ name: "app" }] } };
  assertEquals(undo(pod), pod);
});

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
