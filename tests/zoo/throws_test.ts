/** A parser that throws, in whatever way, costs the connection that it was called for. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import type { Wire } from "../e2e/harness.ts";
import { ignore } from "../processes/parley.ts";
import { Asking, Cage, NEIGHBOUR } from "./cage.ts";
import { idle } from "./idle.ts";
import { parserText, WORD } from "./parser.ts";
import { BAD_RULE, NO_MEMORY, THROWS } from "./throws.ts";

/** Has the hostile thing done; what the log says of it. */
async function attack(cage: Cage, wire: Wire): Promise<string> {
  await wire.send(`${WORD}\n`);
  assertEquals((await wire.readToEnd()).text, "");
  const line = await cage.parley.log.one({
    type: "connection",
    verdict: "error",
    reason: "panic",
    source: wire,
    open: true,
  });
  return `${line.fields["status"]}\n${line.fields["stack"]}`;
}

Deno.test({
  name: "zoo: what throws costs its own connection, and no reply of another",
  ignore,
  async fn(test) {
    await using cage = await Cage.open(THROWS, { data: { workers: 1 } });
    const { parley } = cage;
    const workers = await parley.freshWorkers(1);
    using wire = await parley.connect(NEIGHBOUR);
    const neighbour = new Asking(wire);
    await neighbour.replies(1000);
    neighbour.lap(); // the first ones meet code that is not compiled yet
    await neighbour.replies(5000);
    const usual = neighbour.lap();
    for (const name of Object.keys(THROWS)) {
      await test.step(name, async () => {
        using hostile = await parley.connect(cage.parserOf(name));
        assertMatch(await attack(cage, hostile), /^Panic: /);
      });
    }
    const beside = neighbour.lap();
    console.log(
      `a neighbour's p99: ${usual.toFixed(2)} ms alone, ${
        beside.toFixed(2)
      } ms beside the zoo (${(beside / usual).toFixed(2)} x)`,
    );
    await test.step("the author's file and line are in the log", async () => {
      const parser = cage.parserOf("throws an error");
      using hostile = await parley.connect(parser);
      const said = await attack(cage, hostile);
      assertMatch(said, /^Panic: on purpose \(in the request direction\)/);
      assertMatch(said, new RegExp(`/${parser}\\.ts(?:\\.js)?:\\d+`));
    });
    assert(await neighbour.stop() > 0);
    await parley.onlyWorkers(workers); // the worker is the same
    await idle(parley);
  },
});

Deno.test({
  name: "zoo: a rule that cannot be compiled costs the connections it is for",
  ignore,
  async fn() {
    const name = "compiles no rule";
    await using cage = await Cage.open({ [name]: BAD_RULE }, {
      data: { workers: 1 },
    }, (parserOf, portOf) => `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: guard }
spec:
  endpointSelector: { matchLabels: { app: guarded } }
  ingress:
  - toPorts:
    - ports: [ { port: "${portOf(name)}", protocol: TCP } ]
      rules: { l7proto: ${parserOf(name)}, l7: [ { word: ${WORD} } ] }
    - ports: [ { port: "${portOf(NEIGHBOUR)}", protocol: TCP } ]
`);
    const { parley } = cage;
    using neighbour = await parley.connect(NEIGHBOUR);
    await neighbour.ask("before\n", "\n");
    using hostile = await parley.connect(cage.parserOf(name));
    assertMatch(await attack(cage, hostile), /^Panic: no rule/);
    await neighbour.ask("after\n", "\n");
  },
});

Deno.test({
  name: "zoo: what throws in its snapshot loses the connection, and no other",
  ignore,
  async fn() {
    const name = "remembers nothing";
    await using cage = await Cage.open({ [name]: NO_MEMORY }, {
      data: { workers: 1 },
    });
    const { parley } = cage;
    const parser = cage.parserOf(name);
    using neighbour = await parley.connect(NEIGHBOUR);
    await neighbour.ask("before\n", "\n");
    using hostile = await parley.connect(parser);
    await hostile.ask("before\n", "\n");
    await parley.saveParser(`${parser}.ts`, `${parserText(NO_MEMORY)}// new\n`);
    assertEquals((await hostile.readToEnd()).text, "");
    const line = await parley.log.one({
      reason: "panic",
      source: hostile,
      open: true,
    });
    assertMatch(
      `${line.fields["status"]}`,
      /^Panic: forgotten \(in its snapshot\)$/,
    );
    await neighbour.ask("after\n", "\n");
  },
});
