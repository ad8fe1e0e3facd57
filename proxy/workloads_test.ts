/** Who is guarded, by the configuration. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { fixedSource } from "../policy/identity_source.ts";
import { parseConfig } from "./config/mod.ts";
import { dataConfig } from "./data_config.ts";
import { subjectsOf, Workloads } from "./workloads.ts";

const PORTS = [{ name: "cql", port: 9042, protocol: "TCP" }] as const;
const ONE = `endpoint: { labels: { app: a }, ports: { cql: 9042 } }`;
const NODE = `endpoints:
- { labels: { app: a }, ports: { cql: 9042 }, addresses: [ 10.0.0.1 ] }
- { labels: { app: b }, namespace: prod, addresses: [ "2001:db8::0:1" ] }
`;
const NOTHING = fixedSource("", { identities: [], services: [] }).knowledge;

const CASES = [
  ["the one of a sidecar, whatever the address", ONE, "192.0.2.1", 0],
  ["one of a node, by its address", NODE, "10.0.0.1", 0],
  ["one of a node, however its address is spelled", NODE, "2001:DB8::1", 1],
  ["nobody by an address that none has", NODE, "10.0.0.2", undefined],
] as const;

for (const [name, text, hostname, index] of CASES) {
  Deno.test(`Workloads finds ${name}, with the names of its ports`, () => {
    const config = parseConfig("parley.yaml", text).config!;
    const found = new Workloads(dataConfig(config, NOTHING, "")).of({
      hostname,
    });
    const all = subjectsOf(config);
    assertEquals(all[0]!.ports, PORTS);
    assertEquals(found, index === undefined ? undefined : all[index]);
  });
}
