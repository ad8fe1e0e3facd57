/** A worker that dies: what is said of it, who takes its place, and what its death costs. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { poll } from "../e2e/harness.ts";
import {
  connectionsOfEach,
  gone,
  ignore,
  Parley,
  send,
  stop,
} from "./parley.ts";
import { LineServer } from "./servers.ts";

const TAKEN = /worker (\d+) \(process (\d+)\) has taken its place/;
const YOUNG =
  /(\d+) workers in a row died young; the next one starts in (\d+) ms/;

Deno.test({
  name:
    "a killed worker is told of and replaced; the other one's connections go on",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: {
        data: { workers: 2 },
        listeners: [{ name: "a", upstream: server.address }],
      },
    });
    const workers = await parley.freshWorkers(2);
    assertEquals(workers.length, 2);
    const byWorker = await connectionsOfEach(parley, workers);
    try {
      const [victim, other] = workers as [number, number];
      const killed = performance.now();
      send(victim, "SIGKILL");
      const died = await parley.until(/worker \d+ \(process \d+\) died/);
      assertMatch(
        died,
        new RegExp(`process ${victim}\\) died with signal SIGKILL`),
      );
      assertMatch(died, /and about \d+ connections with it/);
      const taken = await parley.until(TAKEN);
      const ms = Math.round(performance.now() - killed);
      console.log(`replaced after ${ms} ms`);
      const [, , successor] = TAKEN.exec(taken)!;
      await parley.onlyWorkers([other, Number(successor)]);
      for (const wire of byWorker.get(victim)!) {
        const { end, text } = await wire.readToEnd();
        assertEquals([end, text], ["closed", ""]);
      }
      for (const wire of byWorker.get(other)!) {
        assertEquals(await wire.ask("still\n", "\n"), "still\n");
      }
      using fresh = await parley.connect("a");
      assertEquals(await fresh.ask("new\n", "\n"), "new\n");
    } finally {
      for (const wire of [...byWorker.values()].flat()) wire.close();
    }
  },
});

Deno.test({
  name:
    "connections that wait in the accept queue survive the death of the only worker",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: [{ name: "a", upstream: server.address }] },
    });
    const [worker] = await parley.freshWorkers(1);
    await stop(worker!); // it takes no connection any more
    const wires = await Promise.all(
      Array.from({ length: 20 }, () => parley.connect("a")),
    );
    await Promise.all(wires.map((wire, i) => wire.send(`waiting ${i}\n`)));
    send(worker!, "SIGKILL");
    for (const [i, wire] of wires.entries()) {
      assertEquals(await wire.readUntil("\n"), `waiting ${i}\n`);
      wire.close();
    }
    await parley.until(TAKEN);
  },
});

Deno.test({
  name: "the last words of a worker are in the operator's log",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: [{ name: "a", upstream: server.address }] },
    });
    const [worker] = await parley.freshWorkers(1);
    await Deno.writeTextFile(
      `/proc/${worker}/fd/2`,
      "x".repeat(10_000) + "\nout of cheese\n",
    );
    send(worker!, "SIGKILL");
    const died = await parley.until(/died with/);
    assertMatch(died, /its last words: x+\\nout of cheese/);
    assert(died.length < 6000, "their end is enough");
  },
});

Deno.test({
  name:
    "workers that die one after another start later and later, which is said; when it ends, all is as before",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: [{ name: "a", upstream: server.address }] },
    });
    const known: number[] = [];
    /** Of a worker that is none of those. */
    const isTaken = (line: string) =>
      TAKEN.test(line) && !known.includes(Number(TAKEN.exec(line)![2]));
    const killNext = async () => {
      const [fresh] = await parley.freshWorkers(1, known);
      known.push(fresh!);
      send(fresh!, "SIGKILL");
      await gone(fresh!);
    };
    let waits: number[] = [];
    while (waits.length < 3) {
      const from = parley.said.length;
      await killNext();
      const line = await parley.said.until(
        (line) => isTaken(line) || YOUNG.test(line),
        "word of what follows the death",
        from,
      );
      const [, count, wait] = YOUNG.exec(line) ?? [];
      // A first death is not held against anybody, nor one of a worker that we let grow old.
      if (count === undefined) waits = [];
      else {
        assertEquals(Number(count), waits.length + 2);
        waits.push(Number(wait));
      }
    }
    assertEquals(waits, [waits[0]!, 2 * waits[0]!, 4 * waits[0]!]);
    const [last] = await parley.freshWorkers(1, known);
    const taken = await parley.until(
      new RegExp(`process ${last}\\) has taken its place`),
    );
    assertMatch(taken, TAKEN);
    using wire = await parley.connect("a");
    assertEquals(await wire.ask("again\n", "\n"), "again\n");
    const said = parley.said.all();
    const late = known.filter((pid) =>
      said.findIndex((line) => Number(TAKEN.exec(line)?.[2]) === pid) >
        said.findIndex((line) => line.includes(`(process ${pid}) died`))
    );
    assertEquals(late, [], "nobody takes a place after its death");
  },
});

Deno.test({
  name:
    "a stopped worker that is killed leaves no descriptor in the supervisor",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: [{ name: "a", upstream: server.address }] },
    });
    const count = async () =>
      (await Array.fromAsync(Deno.readDir(`/proc/${parley.pid}/fd`))).length;
    const replace = async () => {
      const from = parley.said.length;
      const [worker] = await parley.freshWorkers(1);
      send(worker!, "SIGKILL");
      await parley.until(TAKEN, from);
      await gone(worker!);
    };
    await replace(); // what is opened once is open now
    const before = await count();
    for (let i = 0; i < 3; i++) await replace();
    await poll(
      async () => await count() <= before ? true : undefined,
      () => `return to ${before} descriptors`,
    );
  },
});
