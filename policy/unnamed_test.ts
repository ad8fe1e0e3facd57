/** Names of ports that no guarded workload gives. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { createPolicyStore, endpointLabels } from "./mod.ts";
import type { Subject } from "./mod.ts";
import { catalog } from "./testing.ts";

const labels = endpointLabels({ app: "a" }, "default");
const NAMED: Subject = {
  labels,
  ports: [{ name: "web", port: 80, protocol: "TCP" }],
};
const OTHER: Subject = { labels: endpointLabels({ app: "b" }, "default") };

const CASES: readonly (readonly [
  name: string,
  list: "ingress" | "ingressDeny" | "egress",
  port: object,
  subjects: readonly Subject[],
  warnings: number,
])[] = [
  ["a name that it gives", "ingress", { port: "web" }, [NAMED], 0],
  ["the same in other letters", "ingress", { port: "WEB" }, [NAMED], 0],
  ["a name that it does not give", "ingress", { port: "wep" }, [NAMED], 1],
  ["a deny by such a name", "ingressDeny", { port: "wep" }, [NAMED], 1],
  [
    "a name of another protocol",
    "ingress",
    { port: "web", protocol: "UDP" },
    [NAMED],
    1,
  ],
  ["a workload without names", "ingress", { port: "web" }, [{ labels }], 1],
  [
    "one of several that gives it",
    "ingress",
    { port: "web" },
    [{ labels }, NAMED],
    0,
  ],
  ["a workload that is not selected", "ingress", { port: "x" }, [OTHER], 0],
  ["no workload that is known", "ingress", { port: "x" }, [], 0],
  ["ports of peers", "egress", { port: "x" }, [NAMED], 0],
];

for (const [name, list, port, subjects, count] of CASES) {
  Deno.test(`a policy is ${count ? "" : "not "}warned of names of ports: ${name}`, () => {
    const store = createPolicyStore(catalog, subjects);
    const { problems } = store.update([{
      file: "a.json",
      text: JSON.stringify([{
        endpointSelector: { matchLabels: { app: "a" } },
        [list]: [{ toPorts: [{ ports: [{ protocol: "TCP", ...port }] }] }],
      }]),
    }]);
    const found = problems.filter(({ code }) => code === "port.unnamed");
    assertEquals(
      found.map(({ severity, path }) => [severity, path]),
      Array(count).fill(["warning", `[0].${list}[0].toPorts[0].ports`]),
    );
  });
}
