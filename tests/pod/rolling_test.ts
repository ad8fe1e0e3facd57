/**
 * A rolling restart: each pod behind a service is replaced while clients go on
 * asking. `PARLEY_ROLLS` is how many times.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { countFrom, inLanes, poll } from "../e2e/harness.ts";
import type { Wire } from "../e2e/wire.ts";
import { testWith } from "../setup/mod.ts";
import type { Place } from "./place.ts";
import { MEMCACHED, missionPolicies, missionPolicy } from "./policies.ts";
import type { RunningPod } from "./running_pod.ts";
import { identitiesOf, Stage, STAGE_NEEDS } from "./stage.ts";

const PODS = 2;
const LANES = 8;
const ROLLS = countFrom("PARLEY_ROLLS", 1);
/** What a workload's author writes, so that clients have heard of its end before it comes; it is told so here. */
const PRE_STOP = {
  exec: {
    command: ["sh", "-c", "until [ -e /tmp/left ]; do sleep 0.1; done"],
  },
};

/** Clients that ask whichever pod is ready, and leave one that is so no more between two requests. */
class Load {
  readonly ready = new Set<RunningPod>();
  /** The pod that each lane asks. */
  readonly #asked = new Map<number, RunningPod>();
  readonly served = new Map<RunningPod, number>();
  readonly failed: string[] = [];
  #isOver = false;

  constructor(private readonly client: Place) {}

  /** Goes on until `stop`. */
  async run(): Promise<void> {
    await inLanes(LANES, async (lane) => {
      while (!this.#isOver) {
        const pods = [...this.ready];
        const pod = pods[lane % pods.length]!;
        this.#asked.set(lane, pod);
        try {
          using wire = await this.client.connect(pod.address, 11211);
          while (!this.#isOver && this.ready.has(pod)) {
            await this.#request(pod, wire);
          }
        } catch (error) {
          this.failed.push(`${pod.address}: ${(error as Error).message}`);
        }
      }
    });
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Sends nobody to a pod any more; resolves when all have left it. */
  async leave(pod: RunningPod): Promise<void> {
    this.ready.delete(pod);
    await poll(
      () => [...this.#asked.values()].includes(pod) ? undefined : true,
      () => "lanes without the pod",
    );
  }

  async #request(pod: RunningPod, wire: Wire): Promise<void> {
    const reply = await wire.ask("get awing-coord\r\n", "\r\n");
    if (reply !== "END\r\n") throw new Error(reply);
    this.served.set(pod, (this.served.get(pod) ?? 0) + 1);
  }
}

testWith(
  { ...STAGE_NEEDS, policies: await missionPolicies() },
  `a rolling restart under load fails no request (${ROLLS} times)`,
  async (tools) => {
    await using stage = await Stage.open(tools);
    const client = await stage.node.client();
    const manifest = stage.injected(
      stage.cache({
        "parley.dev/ports": "11211",
        "parley.dev/policies-configmap": "policies",
      }, {
        labels: { app: "memcd-server" },
        container: { lifecycle: { preStop: PRE_STOP } },
      }),
      identitiesOf({ "a-wing": client }),
    );
    const start = async () =>
      await stage.node.run(manifest, {
        policies: await missionPolicy(MEMCACHED),
      });
    const load = new Load(client);
    for (let i = 0; i < PODS; i++) load.ready.add(await start());
    const loaded = load.run();
    try {
      for (let i = 0; i < PODS * ROLLS; i++) {
        const [old] = load.ready;
        load.ready.add(await start());
        const stopped = old!.stop();
        await load.leave(old!);
        await old!.exec("memcached", "touch", "/tmp/left");
        assertEquals(await stopped, { memcached: 0, parley: 0 });
        await old![Symbol.asyncDispose]();
      }
    } finally {
      load.stop();
      await loaded;
    }
    const counts = [...load.served.values()];
    console.log(
      `${counts.reduce((sum, count) => sum + count, 0)} requests, ` +
        `${PODS * ROLLS} pods replaced, ${load.failed.length} failed`,
    );
    assertEquals(load.failed, []);
    assert(counts.length >= PODS * ROLLS, "not every pod was asked");
  },
);
