/** Metrics agree with truth: what was sent is what is counted, whatever happens to workers and parsers meanwhile. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { poll } from "../e2e/wait.ts";
import type { Wire } from "../e2e/wire.ts";
import { Scraped } from "./metrics.ts";
import { gone, ignore, type Options, Parley } from "./parley.ts";
import { LineServer, missing } from "./servers.ts";
import { allowing, PORT, words } from "./words.ts";

function options(upstream: string, more: object = {}): Options {
  return {
    config: {
      policies: ["policies/"],
      data: { workers: 2 },
      parsers: { folders: ["parsers/"], recycleAfter: 2 },
      limits: { drain: "30s" }, // who is at work is not taken over at once
      listeners: [{ name: "a", upstream, port: PORT }],
      ...more,
    },
    parsers: { "words.ts": words() },
    policies: { "words.yaml": allowing("yes") },
  };
}

/** What was sent. */
class Load {
  forwarded = 0;
  denied = 0;

  async run(wires: readonly Wire[], rounds: number): Promise<void> {
    await Promise.all(wires.map(async (wire) => {
      for (let i = 0; i < rounds; i++) {
        await wire.ask("yes\nyes\n", "yes\nyes\n");
        await wire.ask("no\n", "\n");
        this.forwarded += 2;
        this.denied++;
      }
    }));
  }
}

function requestsOf(scraped: Scraped): Record<string, number> {
  return scraped.by("parley_requests_total", "verdict");
}

Deno.test({
  name:
    "requests, durations, connections and bytes are what was sent, across two workers, reloads and takeovers",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start(options(server.address));
    const workers = await parley.workers();
    const load = new Load();
    const wires: Wire[] = [];
    for (let i = 0; i < 20; i++) wires.push(await parley.connect("a"));
    await load.run(wires, 10);
    for (let edition = 2; edition <= 3; edition++) {
      const from = parley.said.length;
      const running = load.run(wires, 20);
      await parley.saveParser("words.ts", words({ edition }));
      await parley.until(/parser words@\w+ serves/, from);
      await running;
    }
    await Promise.all(workers.map(gone)); // all were taken over
    await load.run(wires, 10);

    const { forwarded, denied } = load;
    const during = await Scraped.until(parley.adminSocket, {
      forwarded,
      denied,
    });
    assertEquals(
      during.by("parley_requests_total", "policy"),
      { "": denied, "default/words": forwarded },
    );
    assertEquals(
      during.by("parley_request_duration_seconds_count", "verdict"),
      { forwarded, denied },
    );
    assertEquals(during.sum("parley_connections"), wires.length);
    assertEquals(
      during.sum("parley_connections_opened_total"),
      wires.length,
    );
    assertEquals(
      during.by("parley_connection_bytes_total", "flow")["forward"],
      forwarded * "yes\n".length,
    );
    assertEquals(during.sum("parley_worker_deaths_total"), 0);
    assertEquals(
      during.sum("parley_parser_reloads_total", {
        parser: "words",
        result: "loaded",
      }),
      3,
    );
    for (const wire of wires) wire.close();
    const after = await poll(async () => {
      const scraped = await Scraped.of(parley.adminSocket);
      return scraped.sum("parley_connections") === 0 ? scraped : undefined;
    }, () => "end of all connections");
    assertEquals(
      after.sum("parley_connections_ended_total"),
      wires.length,
    );
    assertEquals(requestsOf(after), { forwarded, denied });
  },
});

Deno.test({
  name:
    "requests that are never answered count once, when their connection ends, also in another process",
  ignore,
  async fn() {
    await using server = new LineServer(() => "");
    await using parley = await Parley.start(
      options(server.address, { data: { workers: 1 } }),
    );
    const [worker] = await parley.workers();
    const wire = await parley.connect("a");
    await wire.send("yes\nyes\nyes\n");
    await parley.log.expect(3, { type: "request" });
    for (let edition = 2; edition <= 3; edition++) {
      const from = parley.said.length;
      await parley.saveParser("words.ts", words({ edition }));
      await parley.until(/parser words@\w+ serves/, from);
    }
    await gone(worker!);
    const open = await Scraped.until(parley.adminSocket, { forwarded: 3 });
    assertEquals(open.sum("parley_request_duration_seconds_count"), 0);
    wire.close();
    const ended = await poll(async () => {
      const scraped = await Scraped.of(parley.adminSocket);
      return scraped.sum("parley_connections") === 0 ? scraped : undefined;
    }, () => "end of the connection");
    assertEquals(requestsOf(ended), { forwarded: 3 });
    assertEquals(ended.sum("parley_request_duration_seconds_count"), 3);
  },
});

Deno.test({
  name:
    "no counter goes back when a worker is killed, and one that is killed loses a second at most",
  ignore,
  async fn() {
    await using server = missing();
    await using parley = await Parley.start({
      config: {
        data: { workers: 1 },
        listeners: [
          { name: "a", upstream: server.address, l7proto: "memcache" },
        ],
      },
    });
    const [worker] = await parley.workers();
    const ask = async (count: number) => {
      using wire = await parley.connect("a");
      for (let i = 0; i < count; i++) await wire.ask("get a\r\n", "END\r\n");
    };
    await ask(50);
    await Scraped.until(parley.adminSocket, { forwarded: 50 }); // which makes it say so
    Deno.kill(worker!, "SIGKILL");
    await parley.freshWorkers(1, [worker!]);
    await parley.until(/has taken its place/);
    await ask(5);
    const after = await Scraped.until(parley.adminSocket, { forwarded: 55 });
    assertEquals(after.sum("parley_worker_deaths_total"), 1);
    assert(after.sum("parley_worker_cpu_seconds_total") > 0);
    assert(after.sum("parley_worker_resident_bytes") > 0);
  },
});
