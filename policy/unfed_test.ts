/** Names that nothing says where they lead. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { createPolicyStore } from "./mod.ts";
import { catalog } from "./testing.ts";

const CASES: readonly {
  readonly name: string;
  readonly item: object;
  readonly looksUp: boolean;
  readonly isWarned: boolean;
}[] = [
  {
    name: "a name that no dns rule covers",
    item: { matchName: "a.io" },
    looksUp: false,
    isWarned: true,
  },
  {
    name: "not of a name that is looked up",
    item: { matchName: "a.io" },
    looksUp: true,
    isWarned: false,
  },
  {
    name: "a pattern, which cannot be looked up",
    item: { matchPattern: "*.io" },
    looksUp: true,
    isWarned: true,
  },
];

for (const { name, item, looksUp, isWarned } of CASES) {
  Deno.test(`a policy is warned of: ${name}`, () => {
    const store = createPolicyStore(catalog, [], { nodes: false, looksUp });
    const { problems } = store.update([{
      file: "a.json",
      text: JSON.stringify([{
        endpointSelector: {},
        egress: [{ toFQDNs: [item] }],
      }]),
    }]);
    const found = problems.filter(({ code }) => code === "fqdn.unfed");
    assertEquals(found.length, isWarned ? 1 : 0);
  });
}
