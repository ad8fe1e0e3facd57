/** Replicas of a controller that lag, and sidecars that come to them. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import {
  replica,
  smallCluster,
  sync,
} from "../../kube/controller/stream/testing.ts";
import { poll } from "../../tests/e2e/wait.ts";
import { OLDER_MAX_MS } from "./controller_source.ts";
import { Bench, C_IS_B, field, kept } from "./source_harness_test.ts";

/** One that knows of pod c, and one that does not yet. */
function replicas() {
  const ahead = replica(sync(smallCluster()), "100");
  ahead.cluster.setPod(C_IS_B);
  return { ahead, behind: replica(sync(smallCluster()), "99") };
}

/** Has sidecars answered by this replica from now on, as where a service leads to another one. */
async function answerBy(
  controller: Awaited<ReturnType<typeof field>>,
  replica: ReturnType<typeof replicas>["ahead"],
): Promise<void> {
  await controller.hangUp();
  await controller.listen(controller.port, replica);
}

const OLDER = /: its state of pods is older than what was told before$/;

Deno.test("a source that comes to a replica that lags is not led back, and goes on once that has caught up", async () => {
  await using controller = await field();
  const { ahead, behind } = replicas();
  await answerBy(controller, ahead);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await answerBy(controller, behind);
  await it.becomes(OLDER);
  assertMatch(it.status, /: stale, /);
  assertEquals(it.cidrs, ["10.0.0.2", "10.0.0.3"]);
  assertEquals(it.warnings, []);
  behind.cluster.setPod(C_IS_B);
  behind.follow("100");
  await it.becomes(/: live, /);
  assertEquals(it.cidrs, ["10.0.0.2", "10.0.0.3"]);
  behind.cluster.deletePod(C_IS_B);
  await it.knows("10.0.0.2");
});

Deno.test("a replica that lags and says the same is believed, until it says what was before", async () => {
  await using controller = await field();
  const { ahead, behind } = replicas();
  behind.cluster.setPod(C_IS_B);
  await answerBy(controller, ahead);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await answerBy(controller, behind);
  await it.becomes(/: live, /);
  await poll(
    () => controller.server.counts.streams === 1 || undefined,
    () => it.status,
  );
  behind.cluster.deletePod(C_IS_B);
  await it.becomes(OLDER);
  assertEquals(it.cidrs, ["10.0.0.2", "10.0.0.3"]);
});

Deno.test("a source that starts again is not led back either", async () => {
  await using controller = await field();
  const { ahead, behind } = replicas();
  await answerBy(controller, ahead);
  {
    await using it = new Bench(controller.folder, controller.url);
    await it.start();
    await kept(controller.folder, 2);
  }
  await answerBy(controller, behind);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await it.becomes(OLDER);
  assertEquals(it.cidrs, ["10.0.0.2", "10.0.0.3"]);
});

Deno.test("when every answer is older for long, it counts, with a warning: the cluster was restored", async () => {
  await using controller = await field();
  const { ahead, behind } = replicas();
  await answerBy(controller, ahead);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await answerBy(controller, behind);
  await it.becomes(OLDER);
  it.now += OLDER_MAX_MS;
  await it.knows("10.0.0.2");
  assertMatch(it.status, /: live, /);
  assertMatch(
    it.warnings.join(),
    /is older than .*, and so was every answer for 10 minutes: it counts from now on/,
  );
  // What comes then is held against this one.
  behind.cluster.setPod(C_IS_B);
  await it.knows("10.0.0.2", "10.0.0.3");
  assertEquals(it.warnings.length, 1);
});
