/** How a sidecar of several processes is stopped. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { poll, Wire } from "../e2e/harness.ts";
import {
  connectionsOfEach,
  gone,
  ignore,
  isAlive,
  type Options,
  Parley,
} from "./parley.ts";
import { LineServer } from "./servers.ts";

const two = (server: LineServer, drain: string): Options => ({
  config: {
    data: { workers: 2 },
    limits: { drain },
    listeners: [{ name: "a", upstream: server.address }],
  },
});

/** `true` once nobody listens. */
async function isRefused(port: number): Promise<true | undefined> {
  try {
    (await Wire.connect(port)).close();
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return true;
    if (error instanceof Deno.errors.ConnectionReset) return undefined;
    throw error;
  }
}

/** So many connections, over both workers for all that is known. */
async function connections(parley: Parley, count: number): Promise<Wire[]> {
  const wires = await Promise.all(
    Array.from({ length: count }, () => parley.connect("a")),
  );
  await Promise.all(wires.map((wire) => wire.ask("hello\n", "\n")));
  return wires;
}

Deno.test({
  name:
    "SIGTERM: nobody new, connections of all workers finish what they are at, then all is over with code 0",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(two(server, "1m"));
    const port = await parley.port("a");
    const workers = await parley.freshWorkers(2);
    const wires = await connections(parley, 12);
    for (const wire of wires) await wire.send("hal");
    parley.signal("SIGTERM");
    assertMatch(
      await parley.until(/SIGTERM: no new connections/),
      /\d+ are open and may finish/,
    );
    await poll(() => isRefused(port), () => "refusal of new connections");
    assertEquals(workers.some(isAlive), true);
    for (const wire of wires) {
      assertEquals(await wire.ask("f\n", "\n"), "half\n");
      await wire.finish();
      assertEquals(await wire.readToEnd(), { text: "", end: "closed" });
      wire.close();
    }
    assertEquals((await parley.ended()).code, 0);
    for (const pid of workers) await gone(pid);
    // The probes that waited for the refusal may have been taken; they sent nothing.
    const ends = (await parley.log.lines({ type: "connection" }))
      .filter(({ fields }) => Number(fields["bytesForward"]) > 0)
      .map(({ fields }) => fields["end"]);
    assertEquals(ends, wires.map(() => "closed"));
  },
});

Deno.test({
  name:
    "SIGTERM: what is still open after limits.drain is closed, by every worker, and logged",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(two(server, "300ms"));
    const wires = await connections(parley, 12);
    parley.signal("SIGTERM");
    for (const wire of wires) {
      assertEquals((await wire.readToEnd()).text, "");
      wire.close();
    }
    assertEquals((await parley.ended()).code, 0);
    await parley.until(/connections were still open after limits\.drain/);
    const ends = (await parley.log.lines({ type: "connection" }))
      .map(({ fields }) => fields["end"]);
    assertEquals(ends, wires.map(() => "drained"));
  },
});

/** In a session, and so a group, of its own: as a terminal starts it. */
const GROUP = ["setsid"];

function signalGroup(parley: Parley, signal: Deno.Signal): Promise<unknown> {
  const name = signal.slice("SIG".length);
  return new Deno.Command("sh", {
    args: ["-c", 'kill -s "$0" -- "-$1"', name, String(parley.pid)],
    stdout: "null",
    stderr: "null",
  }).output();
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.test({
    name:
      `${signal} to the whole group does not end a worker: the supervisor decides`,
    ignore,
    async fn() {
      await using server = new LineServer();
      await using parley = await Parley.start({
        ...two(server, "1m"),
        around: GROUP,
      });
      const workers = await parley.freshWorkers(2);
      // One without a connection ends at once, as it should.
      const byWorker = await connectionsOfEach(parley, workers);
      const wires = [...byWorker.values()].flat();
      await signalGroup(parley, signal);
      if (signal !== "SIGHUP") {
        await parley.until(new RegExp(`${signal}: no new connections`));
      }
      for (const wire of wires) {
        assertEquals(await wire.ask("still here\n", "\n"), "still here\n");
      }
      assertEquals(workers.map(isAlive), [true, true]);
      const died = parley.said.all().filter((line) => /died/.test(line));
      assertEquals(died, []);
      for (const wire of wires) wire.close();
      if (signal === "SIGHUP") parley.signal("SIGTERM");
      assertEquals((await parley.ended()).code, 0);
    },
  });
}

Deno.test({
  name: "a second SIGINT waits for nobody, and leaves nobody",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(two(server, "1m"));
    const workers = await parley.freshWorkers(2);
    const wires = await connections(parley, 4);
    parley.signal("SIGINT");
    await parley.until(/SIGINT: no new connections/);
    parley.signal("SIGINT");
    assertEquals((await parley.ended()).code, 1);
    for (const pid of workers) await gone(pid);
    for (const wire of wires) {
      assertEquals((await wire.readToEnd()).text, "");
      wire.close();
    }
  },
});
