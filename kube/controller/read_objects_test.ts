/** What is kept of objects, and of what kinds of policy are there. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { formatPorts } from "../../proxy/redirect/ports.ts";
import { inject } from "../inject/inject.ts";
import { OPTIONS, podWith } from "../inject/testing.ts";
import { usabilityOf } from "./kinds.ts";
import { readPod, readPolicyObject, readSlice } from "./read_objects.ts";

const REDIRECTED: readonly (readonly [
  name: string,
  annotations: Readonly<Record<string, string>>,
  ingress: string,
  egress: string,
])[] = [
  ["ports that come in", { ports: "80,443" }, "80, 443", ""],
  ["ports that go out", { "egress-ports": "9042" }, "", "9042"],
  ["both", { ports: "80", "egress-ports": "9042-9043" }, "80", "9042-9043"],
  [
    "all, without those that are left out",
    { ports: "all", "exclude-ports": "22" },
    "1-21, 23-15019, 15022-65535",
    "",
  ],
  ["those that the sidecar listens for", { ports: "81:80" }, "80", ""],
];

for (const [name, annotations, ingress, egress] of REDIRECTED) {
  Deno.test(`readPod() knows what is redirected: ${name}`, () => {
    const injection = inject(
      podWith(
        Object.fromEntries(
          Object.entries(annotations)
            .map(([key, value]) => [`parley.dev/${key}`, value]),
        ),
      ),
      OPTIONS,
    );
    const { redirected, isInjected, isChosen } = readPod(
      (injection as { pod: object }).pod,
    );
    assertEquals([isInjected, isChosen], [true, true]);
    assertEquals(
      [formatPorts(redirected.ingress), formatPorts(redirected.egress)],
      [ingress, egress],
    );
  });
}

Deno.test("readPod() keeps nothing long of what Parley wrote itself", () => {
  const injection = inject(podWith({ "parley.dev/ports": "80" }), OPTIONS);
  const { annotations } = readPod((injection as { pod: object }).pod);
  assertEquals(annotations, { "parley.dev/ports": "80" });
});

Deno.test("readPod() takes the mark alone for no sidecar", () => {
  const { isInjected } = readPod(podWith({ "parley.dev/injected": "{}" }));
  assertEquals(isInjected, false);
});

Deno.test("readSlice() passes over names and what is of no service", () => {
  const slice = (addressType: string, labels: object) =>
    readSlice({
      metadata: { namespace: "fleet", name: "db-1", labels },
      addressType,
      endpoints: [{ addresses: ["192.0.2.1"] }],
    });
  const labels = { "kubernetes.io/service-name": "db" };
  assertEquals(slice("IPv4", labels), {
    namespace: "fleet",
    name: "db-1",
    service: "db",
    addresses: ["192.0.2.1"],
  });
  assertEquals([slice("FQDN", labels), slice("IPv4", {})], [
    undefined,
    undefined,
  ]);
});

Deno.test("readPolicyObject() keeps what the policy says, and what speaks to Parley", () => {
  const spec = { endpointSelector: {}, ingress: [{}] };
  const { document } = readPolicyObject("ParleyPolicy", {
    apiVersion: "parley.dev/v1alpha1",
    metadata: {
      namespace: "fleet",
      name: "x",
      uid: "1",
      generation: 2,
      managedFields: [],
      annotations: {
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "parley.dev/mode": "audit",
      },
    },
    spec,
  });
  assertEquals(document, {
    apiVersion: "parley.dev/v1alpha1",
    kind: "ParleyPolicy",
    metadata: {
      name: "x",
      namespace: "fleet",
      annotations: { "parley.dev/mode": "audit" },
    },
    spec,
  });
});

/** A definition whose schema of `rules` is this. */
function definition(rules: object, status = "True", name = "v2") {
  const list = (items: object) => ({ type: "array", items });
  const of = (properties: object) => ({ type: "object", properties });
  const schema = of({
    spec: of({ ingress: list(of({ toPorts: list(of({ rules })) })) }),
  });
  return {
    spec: {
      versions: [{ name, served: true, schema: { openAPIV3Schema: schema } }],
    },
    status: { conditions: [{ type: "Established", status }] },
  };
}

const L7 = { type: "object", properties: { l7proto: { type: "string" } } };
const PRUNED = { type: "object", properties: { http: {} } };
const KEPT = { ...PRUNED, "x-kubernetes-preserve-unknown-fields": true };

const USABLE = [
  ["usable", "names l7proto", definition(L7)],
  ["usable", "keeps what it does not name", definition(KEPT)],
  ["pruned", "drops l7proto", definition(PRUNED)],
  ["absent", "is not served yet", definition(L7, "False")],
  ["absent", "has another version only", definition(L7, "True", "v3")],
] as const;

for (const [wanted, name, object] of USABLE) {
  Deno.test(`a kind is ${wanted} whose definition ${name}`, () => {
    assertEquals(usabilityOf("CiliumNetworkPolicy", object), wanted);
  });
}
