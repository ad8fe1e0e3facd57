/** Memory that a parser takes costs its connections. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { ignore } from "../processes/parley.ts";
import { Asking, Cage, NEIGHBOUR } from "./cage.ts";
import { idle } from "./idle.ts";
import { REFUSED, SLOW, WORKER_BYTES } from "./memory.ts";
import { WORD } from "./parser.ts";

const limits = { workerBytes: WORKER_BYTES, stall: "60s" };

Deno.test({
  name:
    "zoo: memory that cannot be had for one connection costs that connection",
  ignore,
  async fn(test) {
    await using cage = await Cage.open(REFUSED, {
      data: { workers: 1 },
      limits,
    });
    const { parley } = cage;
    const workers = await parley.freshWorkers(1);
    using wire = await parley.connect(NEIGHBOUR);
    const neighbour = new Asking(wire);
    for (const [name, { reason }] of Object.entries(REFUSED)) {
      await test.step(name, async () => {
        using hostile = await parley.connect(cage.parserOf(name));
        await hostile.send(`${WORD}\n`);
        const line = await parley.log.one({
          type: "connection",
          verdict: "error",
          source: hostile,
          open: true,
        });
        assertEquals(line.reason, reason, `${line.fields["status"]}`);
      });
    }
    assert(await neighbour.stop() > 0);
    await parley.onlyWorkers(workers); // the worker is the same
    await idle(parley);
  },
});

Deno.test({
  name:
    "zoo: a version whose connections grow is named, and they are closed before the memory is gone",
  ignore,
  async fn() {
    const name = "grows slowly";
    await using cage = await Cage.open({ [name]: SLOW }, {
      data: { workers: 1 },
      limits,
    });
    const { parley } = cage;
    const parser = cage.parserOf(name);
    const workers = await parley.freshWorkers(1);
    using wire = await parley.connect(NEIGHBOUR);
    const neighbour = new Asking(wire);
    using hostile = await parley.connect(parser);
    const growth = (async () => {
      for (;;) await hostile.ask(`${WORD}\n`, "\n");
    })();
    await growth.catch(() => {}); // it was closed
    const line = await parley.log.one({
      type: "connection",
      verdict: "error",
      reason: "memory",
      source: hostile,
      open: true,
    });
    assertMatch(
      `${line.fields["status"]}`,
      new RegExp(
        `^memory is short, and the connections of parser ${parser}@\\w{6} have grown by [\\d.]+ MB within [\\d.]+ s$`,
      ),
    );
    await parley.until(/of memory, of 256 \(limits\.workerBytes\)/);
    await parley.until(
      new RegExp(
        `memory is short: the connections of parser ${parser}@\\w{6} have grown .*; 1 of them are closed`,
      ),
    );
    assert(await neighbour.stop() > 0);
    await parley.onlyWorkers(workers); // the worker is the same
    await idle(parley);
  },
});
