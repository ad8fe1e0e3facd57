/** The status of a policy. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { TRUSTING } from "../../policy/stored.ts";
import { STATUS_LIST_MAX, statusSchema } from "../crd/status.ts";
import { judge } from "./judge.ts";
import {
  isSameStatus,
  type PolicyReport,
  policyStatus,
} from "./policy_status.ts";

const EARLIER = new Date("2026-11-30T00:00:00Z");
const LATER = new Date("2026-11-30T00:01:00Z");

function report(spec: object, more: Partial<PolicyReport> = {}): PolicyReport {
  const object = {
    apiVersion: "parley.dev/v1alpha1",
    kind: "ParleyPolicy",
    metadata: { name: "x", namespace: "fleet" },
    spec: { endpointSelector: {}, ...spec },
  };
  const problems = judge(object, TRUSTING);
  return { generation: 1, problems, pods: [], lacking: [], ...more };
}

const GOOD = report({ ingress: [{}] });
const BAD = report({ ingress: [{ fromEntities: ["moon"] }] });

function conditionsOf(status: ReturnType<typeof policyStatus>) {
  return Object.fromEntries(
    status.conditions!.map(({ type, status, message, lastTransitionTime }) => [
      type,
      { status, message, lastTransitionTime },
    ]),
  );
}

Deno.test("policyStatus() says of a good policy that it is accepted, whole, and in force", () => {
  const status = policyStatus(GOOD, undefined, EARLIER);
  statusSchema.parse(status);
  const { Accepted, PartlyEnforced, MustRestart } = conditionsOf(status);
  assertEquals(
    [Accepted!.status, PartlyEnforced!.status, MustRestart!.status],
    ["True", "False", "False"],
  );
});

Deno.test("policyStatus() says of a bad one what is wrong", () => {
  const { Accepted } = conditionsOf(policyStatus(BAD, undefined, EARLIER));
  assertEquals(Accepted!.status, "False");
  assertMatch(Accepted!.message, /"moon" is not an entity \[peer\.entity\] at/);
});

Deno.test("policyStatus() names what is enforced in part, and which pods must restart", () => {
  const udp = { toPorts: [{ ports: [{ port: "53", protocol: "UDP" }] }] };
  const lacking = [{ pod: "fleet/a", why: "it has no sidecar" }];
  const status = policyStatus(
    report({ egress: [udp] }, { lacking }),
    undefined,
    EARLIER,
  );
  const { PartlyEnforced, MustRestart } = conditionsOf(status);
  assertMatch(PartlyEnforced!.message, /UDP does not come through a sidecar/);
  assertEquals(
    MustRestart!.message,
    "pod fleet/a must restart: it has no sidecar",
  );
});

Deno.test("policyStatus() lists a bounded number, and counts all", () => {
  const names = Array.from({ length: 5_000 }, (_, i) => `fleet/pod-${i}`);
  const lacking = names.map((pod) => ({ pod, why: "it has no sidecar" }));
  const status = policyStatus(
    { ...GOOD, pods: names, lacking },
    undefined,
    EARLIER,
  );
  assertEquals([status.pods, status.mustRestart], [5_000, 5_000]);
  assertEquals(status.podNames!.length, STATUS_LIST_MAX);
  assert(JSON.stringify(status).length < 20_000);
});

Deno.test("a condition keeps its time until it changes", () => {
  const before = policyStatus(GOOD, undefined, EARLIER);
  const same = policyStatus(GOOD, before, LATER);
  assert(isSameStatus(before, same));
  const after = conditionsOf(policyStatus(BAD, before, LATER));
  assertEquals(
    [after.Accepted!, after.MustRestart!].map((one) => one.lastTransitionTime),
    ["2026-11-30T00:01:00Z", "2026-11-30T00:00:00Z"],
  );
});

Deno.test("a status is the same in any order of its keys", () => {
  const status = policyStatus(GOOD, undefined, EARLIER);
  const turned = Object.fromEntries(Object.entries(status).toReversed());
  assert(isSameStatus(turned, status));
  assert(!isSameStatus({ ...turned, pods: 1 }, status));
  assert(!isSameStatus(undefined, status));
});

Deno.test("a status that somebody has made nonsense of is written anew", () => {
  const status = policyStatus(GOOD, { conditions: "x" }, EARLIER);
  assertEquals(status, policyStatus(GOOD, undefined, EARLIER));
});
