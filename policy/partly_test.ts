/** What of UDP a sidecar sees: queries that it is asked itself. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { createPolicyStore } from "./mod.ts";
import { catalog } from "./testing.ts";

const DNS = { dns: [{ matchPattern: "*" }] };
const NEITHER = "partly enforced: UDP does not come through a sidecar";
const QUERIES =
  "partly enforced: of UDP a sidecar sees only queries that come to its dns.listen";

const CASES: readonly (readonly [
  name: string,
  protocol: string,
  rules: object,
  answersDns: boolean,
  notes: readonly string[],
])[] = [
  ["UDP without dns rules", "UDP", {}, true, [NEITHER]],
  ["dns rules where nobody asks", "UDP", DNS, false, [QUERIES]],
  ["dns rules where workloads ask", "UDP", DNS, true, []],
  ["dns rules over TCP", "TCP", DNS, false, []],
  ["dns rules over anything", "ANY", DNS, true, [
    "partly enforced: SCTP does not come through a sidecar",
  ]],
  ["dns rules over anything where nobody asks", "ANY", DNS, false, [
    QUERIES.replace("UDP", "UDP and SCTP"),
  ]],
];

for (const [name, protocol, rules, answersDns, notes] of CASES) {
  Deno.test(`what is partly enforced is told: ${name}`, () => {
    const options = { nodes: false, answersDns };
    const store = createPolicyStore(catalog, [], options);
    const { problems } = store.update([{
      file: "a.json",
      text: JSON.stringify([{
        endpointSelector: {},
        egress: [{ toPorts: [{ ports: [{ port: "53", protocol }], rules }] }],
      }]),
    }]);
    assertEquals(problems.map(({ message }) => message), notes);
  });
}
