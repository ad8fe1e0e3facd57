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

const known = createIdentities([
  {
    cidr: "10.0.0.7",
    labels: { app: "db" },
    namespace: "prod",
    ports: [{ name: "sql", port: 5432, protocol: "TCP" }],
  },
  { cidr: "10.0.0.8", labels: { app: "db" }, namespace: "test" },
], {
  services: [
    {
      name: "db",
      namespace: "prod",
      labels: { tier: "back" },
      selector: { app: "db" },
    },
    { name: "all", namespace: "prod", labels: {}, selector: {} },
    { name: "out", namespace: "prod", labels: {}, addresses: ["192.0.2.1"] },
  ],
  podCidrs: ["10.0.0.0/8"],
  namesOf: (address) => address === "192.0.2.1" ? ["a.io."] : [],
});

Deno.test("createIdentities() knows the services and ports of a workload", () => {
  const { services, ports, names } = known.peerOf("10.0.0.7");
  assertEquals(services, [
    { name: "db", namespace: "prod", labels: ["k8s:tier=back"] },
  ]);
  assertEquals(ports?.map(({ name }) => name), ["sql"]);
  assertEquals(names, undefined);
});

Deno.test("a service leads to its own namespace, and to nobody without a selector", () => {
  assertEquals(known.peerOf("10.0.0.8").services, undefined);
});

Deno.test("an address outside has the names and services that lead to it", () => {
  const { labels, names, services } = known.peerOf("::ffff:192.0.2.1");
  assertEquals(labels, ["reserved:world"]);
  assertEquals(services?.map(({ name }) => name), ["out"]);
  assertEquals(names, undefined); // they are asked for by the address as it is
  assertEquals(known.peerOf("192.0.2.1").names, ["a.io."]);
});

Deno.test("an address of the cluster that no entry lists is unmanaged", () => {
  assertEquals(known.peerOf("10.9.9.9").labels, ["reserved:unmanaged"]);
  assertEquals(known.peerOf("11.9.9.9").labels, ["reserved:world"]);
});
