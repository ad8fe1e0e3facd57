/**
 * A worker killed again and again under load: no connection of the other one is
 * lost, and the listener takes connections all the time.
 *
 * `PARLEY_ABUSE_KILLS` says how often; the full number is 100.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { countFrom, poll, type Wire } from "../e2e/harness.ts";
import { DeadlineError } from "../e2e/wait.ts";
import { clientsOf, ignore, Parley, send } from "../processes/parley.ts";
import { LineServer } from "../processes/servers.ts";
import { Random } from "../random.ts";

const KILLS = countFrom("PARLEY_ABUSE_KILLS", 5);
const LANES = 24;

class Load {
  readonly #parley: Parley;
  /** Connections that are talked on, by their clients' ports. */
  readonly open = new Map<number, Wire>();
  /** Ports of connections whose process was killed. */
  readonly doomed = new Set<number>();
  #isOver = false;
  readonly counts = { requests: 0, connections: 0, lost: 0 };
  readonly faults: string[] = [];

  constructor(parley: Parley) {
    this.#parley = parley;
  }

  /** Talks on one connection after another until it is over. */
  async run(lane: number): Promise<void> {
    const random = new Random(lane);
    while (!this.#isOver) {
      let wire: Wire;
      try {
        wire = await this.#parley.connect("a");
      } catch (error) {
        this.faults.push(`a connection was refused: ${error}`);
        return;
      }
      this.counts.connections++;
      const port = Number(wire.address.split(":")[1]);
      this.open.set(port, wire);
      try {
        // Most go on for long; some come and go.
        const many = random.below(4) === 0 ? 20 : Infinity;
        for (let i = 0; i < many && !this.#isOver; i++) {
          const line = `${lane}:${i}\n`;
          const reply = await wire.ask(line, "\n");
          if (reply !== line) this.faults.push(`${reply} to ${line}`);
          this.counts.requests++;
        }
      } catch (error) {
        this.counts.lost++;
        if (error instanceof DeadlineError) {
          this.faults.push(`never told: ${error}`);
        } else if (!this.doomed.has(port)) {
          this.faults.push(`lost, and not by a kill: ${error}`);
        }
      } finally {
        if (this.open.get(port) === wire) this.open.delete(port);
        wire.close();
      }
    }
  }

  stop(): void {
    this.#isOver = true;
  }
}

/** Until no thread of a process runs. */
async function stopped(pid: number): Promise<void> {
  await poll(async () => {
    for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
      const stat = await Deno.readTextFile(`/proc/${pid}/task/${name}/stat`);
      if (!/\) T /.test(stat)) return undefined;
    }
    return true;
  }, () => `stop of process ${pid}`);
}

/** Those of the processes that hold connections. */
async function busy(workers: readonly number[], port: number) {
  return await poll(async () => {
    const clients = await Promise.all(
      workers.map((pid) => clientsOf(pid, port)),
    );
    const found = workers.filter((_, i) => clients[i]!.size > 0);
    return found.length > 0 ? found : undefined;
  }, () => "worker with connections");
}

Deno.test({
  name:
    `abuse: a worker is killed ${KILLS} times under load: no connection of the other is lost, and nobody is refused`,
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: {
        data: { workers: 2 },
        listeners: [{ name: "a", upstream: server.address }],
      },
    });
    const port = await parley.port("a");
    const load = new Load(parley);
    const running = Promise.all(
      Array.from({ length: LANES }, (_, lane) => load.run(lane)),
    );
    let killed = 0;
    let doomed = 0;
    const random = new Random(KILLS);
    for (; killed < KILLS && load.faults.length === 0; killed++) {
      const workers = await parley.freshWorkers(2);
      assertEquals(workers.length, 2);
      const before = load.counts.requests;
      await poll(
        () =>
          load.counts.requests > before + 10 * LANES || load.faults.length > 0
            ? true
            : undefined,
        () => "requests",
      );
      const victim = random.pick(await busy(workers, port));
      // It is stopped first: whose connections die with it is then certain.
      send(victim, "SIGSTOP");
      await stopped(victim);
      // Some of them may be so new that their client does not know yet.
      const ports = await clientsOf(victim, port);
      for (const port of ports) load.doomed.add(port);
      const wires = [...load.open].filter(([port]) => ports.has(port));
      const from = parley.said.length;
      send(victim, "SIGKILL");
      await parley.until(/has taken its place/, from);
      await poll(
        () =>
          wires.every(([port, wire]) => load.open.get(port) !== wire) ||
          undefined,
        () => `end of the ${wires.length} connections that were doomed`,
      );
      doomed += wires.length;
    }
    load.stop();
    await running;
    const { requests, connections, lost } = load.counts;
    console.log(
      `${killed} kills, ${requests} requests, ${connections} connections, ${lost} of ${doomed} doomed ones lost`,
    );
    assertEquals(load.faults, []);
    assertEquals(killed, KILLS);
    assert(doomed > 0 && lost > 0, "connections were lost by the kills");
    using wire = await parley.connect("a");
    assertEquals(await wire.ask("at last\n", "\n"), "at last\n");
  },
});
