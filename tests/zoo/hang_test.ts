/** A hang of the only worker: it is replaced, and what waits is served. */
import { match as assertMatch } from "node:assert/strict";
import { ignore } from "../processes/parley.ts";
import { Cage, NEIGHBOUR } from "./cage.ts";
import { NEVER_CREATED } from "./hangs.ts";

Deno.test({
  name:
    "zoo: a hang of the only worker ends its connections, and new ones are served",
  ignore,
  async fn() {
    const name = "is created for ever";
    await using cage = await Cage.open({ [name]: NEVER_CREATED }, {
      data: { workers: 1 },
      limits: { stall: "300ms" },
    });
    const { parley } = cage;
    using neighbour = await parley.connect(NEIGHBOUR);
    await neighbour.ask("before\n", "\n");
    using hostile = await parley.connect(cage.parserOf(name));
    await hostile.send("hello\n");
    const said = await parley.until(/hangs in parser/);
    const killed = performance.now();
    assertMatch(said, new RegExp(`${cage.parserOf(name)}@`));
    await neighbour.readToEnd();
    using fresh = await parley.connect(NEIGHBOUR);
    await fresh.ask("fresh\n", "\n");
    console.log(`served after ${Math.round(performance.now() - killed)} ms`);
  },
});
