/** A worker that hangs inside a parser is replaced; the other worker's connections see nothing of it. */
import { match as assertMatch, ok as assert } from "node:assert/strict";
import { gone, ignore } from "../../processes/parley.ts";
import { Asking, Cage, NEIGHBOUR } from "../cage.ts";
import { HANGS } from "../hangs.ts";
import { idle } from "../idle.ts";
import { WORD } from "../parser.ts";

const TAKEN = /process (\d+)\) has taken its place/;

Deno.test({
  name: "zoo: hangs are ended by the watchdog, which says where",
  ignore,
  async fn(test) {
    await using cage = await Cage.open(HANGS, {
      data: { workers: 2 },
      limits: { stall: "300ms" },
    });
    const { parley } = cage;
    await parley.freshWorkers(2);
    for (const name of Object.keys(HANGS)) {
      await test.step(name, async () => {
        const parser = cage.parserOf(name);
        const [victim, other] = await parley.workers() as [number, number];
        using hostile = await cage.connect(parser, victim);
        using wire = await cage.connect(NEIGHBOUR, other);
        const neighbour = new Asking(wire);
        const from = parley.said.length;
        await hostile.send(`${WORD}\n`);
        const said = await parley.until(/hangs in parser/, from);
        const killed = performance.now();
        assertMatch(
          said,
          new RegExp(
            `process ${victim}\\) hangs in parser ${parser}@[0-9a-f]{6}`,
          ),
        );
        assertMatch(
          said,
          /called for connection \d+, for \d+ ms \(limits\.stall: 300 ms\)/,
        );
        assertMatch(said, /"level":"error"/);
        await hostile.readToEnd();
        using fresh = await parley.connect(NEIGHBOUR);
        await fresh.ask("fresh\n", "\n");
        const served = performance.now();
        const taken = await parley.until(TAKEN, from);
        const whole = performance.now();
        console.log(
          `    served after ${Math.round(served - killed)} ms, replaced after ${
            Math.round(whole - killed)
          } ms`,
        );
        await gone(victim);
        const successor = Number(TAKEN.exec(taken)![1]);
        using again = await cage.connect(NEIGHBOUR, successor);
        await again.ask("again\n", "\n");
        assert(await neighbour.stop() > 0);
      });
    }
    await idle(parley);
  },
});
