import { deepStrictEqual as assertEquals, throws } from "node:assert/strict";
import { createIdentities, endpointLabels } from "./mod.ts";

const identities = createIdentities([
  { cidr: "10.0.0.0/8", labels: { app: "any" }, namespace: "default" },
  { cidr: "10.1.0.0/16", labels: { app: "near" }, namespace: "prod" },
  {
    cidr: "10.1.0.5",
    labels: { app: "one", "k8s:tier": "" },
    namespace: "prod",
  },
  { cidr: "10.1.0.0/16", labels: { app: "second" }, namespace: "prod" },
  {
    cidr: "fd00::/8",
    labels: { "container:app": "six" },
    namespace: "default",
  },
  {
    cidr: "192.0.2.9/32",
    labels: { "reserved:host": "" },
    namespace: "default",
  },
]);
const WORLD = ["reserved:world"];
const NEAR = ["k8s:app=near", "k8s:io.kubernetes.pod.namespace=prod"];

const CASES = [
  {
    name: "takes the longest prefix",
    address: "10.1.0.5",
    want: ["k8s:app=one", "k8s:io.kubernetes.pod.namespace=prod", "k8s:tier"],
  },
  {
    name: "takes the first of equal prefixes",
    address: "10.1.0.6",
    want: NEAR,
  },
  {
    name: "falls back to the shorter prefix",
    address: "10.2.0.1",
    want: ["k8s:app=any", "k8s:io.kubernetes.pod.namespace=default"],
  },
  {
    name: "knows an IPv4 peer of a dual-stack socket",
    address: "::ffff:10.1.0.6",
    want: NEAR,
  },
  {
    name: "keeps a written source",
    address: "fd00::1",
    want: ["container:app=six", "k8s:io.kubernetes.pod.namespace=default"],
  },
  {
    name: "overlooks a zone",
    address: "fd00::1%eth0",
    want: ["container:app=six", "k8s:io.kubernetes.pod.namespace=default"],
  },
  {
    name: "gives a reserved identity no namespace",
    address: "192.0.2.9",
    want: ["reserved:host"],
  },
  {
    name: "calls an unlisted address world",
    address: "203.0.113.1",
    want: WORLD,
  },
  {
    name: "calls an unlisted loopback world",
    address: "127.0.0.1",
    want: WORLD,
  },
  {
    name: "calls what is no address world",
    address: "/run/socket",
    want: WORLD,
  },
];

for (const { name, address, want } of CASES) {
  Deno.test(`peerOf() ${name}`, () => {
    assertEquals(identities.peerOf(address), { address, labels: want });
  });
}

Deno.test("createIdentities() throws on what is neither address nor prefix", () => {
  throws(
    () =>
      createIdentities([{ cidr: "10/8", labels: {}, namespace: "default" }]),
    TypeError,
  );
});

Deno.test("endpointLabels() lets the namespace argument win over a label", () => {
  const labels = { "io.kubernetes.pod.namespace": "other" };
  assertEquals(endpointLabels(labels, "default"), [
    "k8s:io.kubernetes.pod.namespace=default",
  ]);
});
