/** Who is told of what changes in a cluster. */
import {
  deepStrictEqual as assertEquals,
  strictEqual as assertSame,
} from "node:assert/strict";
import type { Cluster } from "./cluster.ts";
import {
  A,
  B,
  B_TO_A,
  C,
  cluster,
  of,
  policy,
} from "./cluster_harness_test.ts";

interface Change {
  readonly name: string;
  readonly act: (it: Cluster) => void;
  /** Pods whose sidecars are told. */
  readonly told: readonly string[];
}

const CHANGES: readonly Change[] = [
  {
    name: "a label that makes a peer of a pod",
    act: (it) => it.setPod({ ...C, labels: { app: "b" } }),
    told: ["a", "c"], // c itself is known by it
  },
  {
    name: "a label of a peer",
    act: (it) => it.setPod({ ...B, labels: { app: "b", tier: "x" } }),
    told: ["a", "b"],
  },
  {
    name: "a label of a pod that nobody asks for",
    act: (it) => it.setPod({ ...C, labels: { app: "c", tier: "x" } }),
    told: ["c"],
  },
  {
    name: "an annotation",
    act: (it) => it.setPod({ ...B, annotations: { x: "y" } }),
    told: [],
  },
  {
    name: "a peer that is gone",
    act: (it) => it.deletePod(B),
    told: ["a", "b"],
  },
  {
    name: "another address of a peer",
    act: (it) => it.setPod({ ...B, ips: ["10.0.0.9"] }),
    told: ["a"],
  },
  {
    name: "a peer that has ended",
    act: (it) => it.setPod({ ...B, phase: "Succeeded" }),
    told: ["a"],
  },
  {
    name: "a policy for another pod",
    act: (it) =>
      it.setPolicy(
        policy("c", { endpointSelector: of({ app: "c" }), ingress: [{}] }),
      ),
    told: ["c"],
  },
  {
    name: "a policy that is gone",
    act: (it) => it.deletePolicy(B_TO_A),
    told: ["a"],
  },
  {
    name: "the same policy",
    act: (it) => it.setPolicy({ ...B_TO_A, generation: 2 }),
    told: [],
  },
  {
    name: "a service that no policy asks for",
    act: (it) =>
      it.setService({
        namespace: "default",
        name: "s",
        labels: {},
        selector: { app: "b" },
      }),
    told: [],
  },
];

for (const { name, act, told } of CHANGES) {
  Deno.test(`who is told of ${name}`, () => {
    const it = cluster({ pods: [A, B, C], policies: [B_TO_A] });
    const heard: string[] = [];
    for (const each of ["a", "b", "c"]) {
      it.subscribe("default", each, () => heard.push(each));
    }
    act(it);
    assertEquals(heard.sort(), told);
  });
}

Deno.test("one change is told once, and nothing after the end", () => {
  const both = policy("both", {
    endpointSelector: of({ app: "a" }),
    egress: [{ toEndpoints: [of({ app: "b" })] }],
  });
  const it = cluster({ pods: [A, B], policies: [B_TO_A, both] });
  let told = 0;
  const end = it.subscribe("default", "a", () => told++);
  it.setPod({ ...B, labels: { app: "b", x: "y" } });
  assertSame(told, 1);
  end();
  it.deletePod(B);
  assertSame(told, 1);
});
