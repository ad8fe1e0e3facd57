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
import { clientsOf, ignore, Parley, send } from "../processes/parley.ts";
import { LineServer } from "../processes/servers.ts";
import { Random } from "../random.ts";

const KILLS = countFrom("PARLEY_ABUSE_KILLS", 5);
const LANES = 24;

/** One connection under load. */
interface Lane {
  readonly wire: Wire;
  readonly port: number;
  /** The process that held it was killed. */
  doomed: boolean;
}

class Load {
  readonly #parley: Parley;
  readonly lanes = new Set<Lane>();
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
      const own: Lane = { wire, port, doomed: false };
      this.lanes.add(own);
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
        if (!own.doomed) this.faults.push(`lost, and not by a kill: ${error}`);
      } finally {
        this.lanes.delete(own);
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
      const victim = random.pick(workers);
      // It is stopped first: whose connections die with it is then certain.
      send(victim, "SIGSTOP");
      await stopped(victim);
      const ports = await clientsOf(victim, port);
      for (const lane of load.lanes) {
        if (!ports.has(lane.port)) continue;
        lane.doomed = true;
        doomed++;
      }
      const from = parley.said.length;
      send(victim, "SIGKILL");
      await parley.until(/has taken its place/, from);
    }
    load.stop();
    await running;
    const { requests, connections, lost } = load.counts;
    console.log(
      `${killed} kills, ${requests} requests, ${connections} connections, ${lost} of ${doomed} doomed ones lost`,
    );
    assertEquals(load.faults, []);
    assertEquals(killed, KILLS);
    assert(doomed > 0 && lost === doomed, "all that were doomed were told");
    using wire = await parley.connect("a");
    assertEquals(await wire.ask("at last\n", "\n"), "at last\n");
  },
});
