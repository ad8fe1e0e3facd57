/** Settings about policy as a whole, in the running sidecar. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { ignore, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";

Deno.test({
  name:
    "enforcement and allowLocalhost count from SIGHUP on, also for open connections",
  ignore,
  async fn() {
    await using server = new LineServer();
    const listen = (settings: object) => ({
      identities: [{ cidr: "127.0.0.1", labels: { "reserved:host": "" } }],
      listeners: [{ name: "a", upstream: server.address }],
      ...settings,
    });
    await using parley = await Parley.start({ config: listen({}) });
    const reaches = async () => {
      using wire = await parley.connect("a");
      return await wire.ask("x\n", "\n").catch(() => "") === "x\n";
    };
    assertEquals(await reaches(), true);
    using open = await parley.connect("a");
    assertEquals(await open.ask("x\n", "\n"), "x\n");

    for (
      const [settings, want] of [
        [{ enforcement: "always" }, false],
        [{ enforcement: "always", allowLocalhost: true }, true],
        [{ enforcement: "never" }, true],
      ] as const
    ) {
      const from = parley.said.length;
      await parley.configure(listen(settings));
      parley.signal("SIGHUP");
      await parley.until(/policy version \d+ is in force/, from);
      assertEquals(await reaches(), want, JSON.stringify(settings));
    }
    assertEquals(await open.ask("y\n", "\n").catch(() => "closed"), "closed");
    const denied = await parley.log.lines({ verdict: "denied" });
    assertEquals([...new Set(denied.map(({ reason }) => reason))], ["no-rule"]);
  },
});
