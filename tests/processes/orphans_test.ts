/** Nobody outlives the supervisor, however that dies. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { poll } from "../e2e/harness.ts";
import { gone, ignore, isAlive, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";

/** A parser whose module never comes to its end keeps its checker busy. */
const ENDLESS = `import { defineProtocol, line, z } from "parley/proxylib";
for (;;);
export default defineProtocol({
  description: "never loads",
  rule: z.strictObject({}),
  matches: () => true,
  frame: (data, seen) => line(data, seen, 100),
  request: () => ({}),
  fields: () => ({}),
  deny: () => undefined,
});
`;

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  Deno.test({
    name: `no worker and no checker outlives a supervisor that gets ${signal}`,
    ignore,
    async fn() {
      await using server = new LineServer();
      await using parley = await Parley.start({
        config: {
          data: { workers: 2 },
          listeners: [{ name: "a", upstream: server.address }],
        },
      });
      using wire = await parley.connect("a");
      assertEquals(await wire.ask("hello\n", "\n"), "hello\n");
      const workers = await parley.freshWorkers(2);
      await parley.saveParser("endless.ts", ENDLESS);
      const checkers = await poll(async () => {
        const checkers = await parley.checkers();
        return checkers.length > 0 ? checkers : undefined;
      }, () => "checker");
      const all = [...workers, ...checkers];
      assertEquals(all.map(isAlive), all.map(() => true));

      parley.signal(signal);
      const status = await parley.ended();
      assertEquals(
        [status.signal, status.code],
        signal === "SIGKILL" ? ["SIGKILL", 137] : [null, 0],
      );
      for (const pid of all) await gone(pid);
      const { text } = await wire.readToEnd();
      assertEquals(text, "");
    },
  });
}

Deno.test({
  name:
    "a supervisor that is killed while its workers start leaves none behind",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: [{ name: "a", upstream: server.address }] },
    });
    const known = await parley.freshWorkers(1);
    Deno.kill(known[0]!, "SIGKILL");
    const fresh = await parley.freshWorkers(1, known); // it is no more than a launcher yet
    parley.signal("SIGKILL");
    await parley.ended();
    for (const pid of fresh) await gone(pid);
  },
});
