/** What a sidecar, or a command, leaves in the folder for temporary files. */
import {
  deepStrictEqual as assertEquals,
  notDeepStrictEqual as assertOther,
} from "node:assert/strict";
import { ignore, Parley, stop } from "./parley.ts";
import { LineServer } from "./servers.ts";
import { words } from "./words.ts";

const ROOT = new URL("../../", import.meta.url);

async function withTemp(
  run: (folder: string, names: () => string[]) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "parley-temporary-" });
  const names = () => [...Deno.readDirSync(folder)].map(({ name }) => name);
  try {
    await run(folder, names);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function start(server: LineServer, folder: string): Promise<Parley> {
  return Parley.start({
    config: { listeners: [{ name: "a", upstream: server.address }] },
    parsers: { "words.ts": words() },
    environment: { TMPDIR: folder },
  });
}

for (
  const [how, end] of [
    ["SIGTERM", (parley: Parley) => parley.signal("SIGTERM")],
    ["SIGTERM while a worker stands still", async (parley: Parley) => {
      const [worker] = await parley.freshWorkers(1);
      await stop(worker!);
      parley.signal("SIGTERM");
    }],
    ["two SIGINTs", async (parley: Parley) => {
      parley.signal("SIGINT");
      await parley.until(/SIGINT: no new connections/);
      parley.signal("SIGINT");
    }],
  ] as const
) {
  Deno.test({
    name: `a sidecar that ends by ${how} leaves no temporary folder`,
    ignore,
    fn: () =>
      withTemp(async (folder, names) => {
        await using server = new LineServer();
        await using parley = await start(server, folder);
        using wire = await parley.connect("a");
        assertEquals(await wire.ask("x\n", "\n"), "x\n");
        assertEquals(names().length, 1);
        await end(parley);
        await parley.ended();
        assertEquals(names(), []);
      }),
  });
}

Deno.test({
  name: "a sidecar that does not start leaves no temporary folder",
  ignore,
  fn: () =>
    withTemp(async (folder, names) => {
      const { code } = await Parley.refused({
        config: {
          listeners: [{ name: "a", upstream: "127.0.0.1:1", l7proto: "none" }],
        },
        environment: { TMPDIR: folder },
      });
      assertEquals([code, names()], [1, []]);
    }),
});

Deno.test({
  name:
    "the folder of a supervisor that was killed stays, as nobody is left to remove it; the next one has its own, and adds none",
  ignore,
  fn: () =>
    withTemp(async (folder, names) => {
      await using server = new LineServer();
      await using killed = await start(server, folder);
      const [left] = names();
      killed.signal("SIGKILL");
      await killed.ended();
      assertEquals(names(), [left]);

      await using parley = await start(server, folder);
      const [own] = names().filter((name) => name !== left);
      assertOther(own, undefined);
      parley.signal("SIGTERM");
      assertEquals((await parley.ended()).code, 0);
      assertEquals(names(), [left]);
    }),
});

for (const args of [["parsers", "list"], ["parsers", "test", "none"]]) {
  Deno.test({
    name: `parley ${args.join(" ")} leaves no temporary folder`,
    ignore,
    fn: () =>
      withTemp(async (folder, names) => {
        await new Deno.Command(Deno.execPath(), {
          args: ["run", "-q", "-P", "main.ts", ...args],
          cwd: ROOT,
          env: { TMPDIR: folder },
        }).output();
        assertEquals(names(), []);
      }),
  });
}
