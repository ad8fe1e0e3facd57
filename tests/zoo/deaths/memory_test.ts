/** A worker that runs out of memory: it dies alone. */
import { match as assertMatch, ok as assert } from "node:assert/strict";
import { ignore } from "../../processes/parley.ts";
import { Asking, Cage, NEIGHBOUR } from "../cage.ts";
import { idle } from "../idle.ts";
import { FATAL } from "../memory.ts";
import { WORD } from "../parser.ts";

/** As little as a worker may be given and still start quickly. */
const limits = { workerBytes: 96 * 1024 * 1024, stall: "60s" };

Deno.test({
  name:
    "zoo: a worker that runs out of memory dies alone, is told of, and is replaced",
  ignore,
  async fn(test) {
    await using cage = await Cage.open(FATAL, { data: { workers: 2 }, limits });
    const { parley } = cage;
    await parley.freshWorkers(2);
    for (const name of Object.keys(FATAL)) {
      await test.step(name, async () => {
        const parser = cage.parserOf(name);
        const [victim, other] = await parley.workers() as [number, number];
        using hostile = await cage.connect(parser, victim);
        using wire = await cage.connect(NEIGHBOUR, other);
        const neighbour = new Asking(wire);
        const from = parley.said.length;
        await hostile.send(`${WORD}\n`);
        const died = await parley.until(/died with/, from);
        const death = performance.now();
        assertMatch(died, new RegExp(`process ${victim}\\) died with`));
        assertMatch(
          died,
          /its last words: .*out of memory \(limits\.workerBytes\)/,
        );
        await parley.until(
          new RegExp(
            `process ${victim}\\) ended inside parser ${parser}@\\w{6}, called for connection \\d+`,
          ),
          from,
        );
        await hostile.readToEnd();
        using fresh = await parley.connect(NEIGHBOUR);
        await fresh.ask("fresh\n", "\n");
        const served = performance.now();
        await parley.until(/has taken its place/, from);
        console.log(
          `    served after ${Math.round(served - death)} ms, replaced after ${
            Math.round(performance.now() - death)
          } ms`,
        );
        assert(await neighbour.stop() > 0);
      });
    }
    await idle(parley);
  },
});
