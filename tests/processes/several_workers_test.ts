/** Workers side by side: they share listeners and logs. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { Lines } from "../e2e/lines.ts";
import { poll, Wire } from "../e2e/harness.ts";
import {
  type Config,
  connectionsOfEach,
  gone,
  ignore,
  Parley,
  send,
  stop,
} from "./parley.ts";
import { LineServer, missing } from "./servers.ts";

const MISS = "END\r\n";
const CONNECTIONS = 24;
const REQUESTS = 400;
/** Of these the last ones, whose lines are under way at the end. */
const LAST = 20;
/** A long key, so that lines of two workers fill pages of a pipe, and more. */
const KEY = "k".repeat(240);

const config = (server: LineServer, accessLog: unknown): Config => ({
  data: { workers: 2 },
  accessLog,
  listeners: [{ name: "a", upstream: server.address, l7proto: "memcache" }],
});

/** Requests on many connections at the same time; all are answered. */
async function load(parley: Parley): Promise<void> {
  await Promise.all(Array.from({ length: CONNECTIONS }, async (_, i) => {
    using wire = await parley.connect("a");
    await ask(wire, i, 0, REQUESTS);
  }));
}

/** The same, half of it at either of two workers; the last requests only when the lines of the others have come. */
async function loadBoth(
  parley: Parley,
  linesCame: (count: number) => Promise<unknown>,
): Promise<void> {
  const workers = await parley.freshWorkers(2);
  const byWorker = await connectionsOfEach(parley, workers, {
    count: CONNECTIONS / 2,
    first: "get a\r\n",
  });
  const wires = [...byWorker.values()].flat();
  await Promise.all(wires.map((wire, i) => ask(wire, i, 0, REQUESTS - LAST)));
  await linesCame(wires.length * (REQUESTS - LAST));
  await Promise.all(
    wires.map((wire, i) => ask(wire, i, REQUESTS - LAST, REQUESTS)),
  );
  for (const wire of wires) wire.close();
}

/** The requests of a connection by their numbers. */
async function ask(
  wire: Wire,
  connection: number,
  from: number,
  to: number,
): Promise<void> {
  for (let done = from; done < to; done += 20) {
    const requests = Array.from(
      { length: 20 },
      (_, j) => `get ${KEY}${connection}:${done + j}\r\n`,
    );
    await wire.send(requests.join(""));
    await wire.readBytes(20 * MISS.length);
  }
}

/** Waits for so many lines of requests. */
function requestsIn(lines: Lines, count: number): Promise<true> {
  return poll(
    () => requestLines(lines.all()).length >= count || undefined,
    () => `${count} lines; there are ${lines.length}`,
  );
}

/** Those of the load. */
function requestLines(lines: readonly string[]): string[] {
  return lines.filter((line) => line.includes(KEY));
}

/** Every line is JSON, every request is there once, and both workers wrote. */
function check(lines: readonly string[]): void {
  for (const line of lines) assertMatch(line, /^\{.*\}$/);
  const requests = requestLines(lines).map((line) => JSON.parse(line));
  assertEquals(requests.length, CONNECTIONS * REQUESTS);
  const keys = new Set(requests.map(({ fields }) => JSON.stringify(fields)));
  assertEquals(keys.size, CONNECTIONS * REQUESTS, "none twice");
  const workers = new Set(
    requests.map(({ connection }) => Math.floor(connection / 1_000_000_000)),
  );
  assertEquals(workers.size, 2);
  // Of one connection the lines are in order, whatever stands between them.
  for (let i = 0; i < CONNECTIONS; i++) {
    const own = requests.map(({ fields }) => JSON.stringify(fields))
      .flatMap((text) => new RegExp(`k${i}:(\\d+)"`).exec(text)?.[1] ?? [])
      .map(Number);
    assertEquals(own, own.toSorted((a, b) => a - b));
  }
}

Deno.test({
  name: "lines of two workers are whole in one file",
  ignore,
  async fn() {
    await using server = missing();
    await using parley = await Parley.start({
      config: config(server, { file: "access.log" }),
    });
    await loadBoth(parley, () => Promise.resolve()); // a file takes them at once
    parley.signal("SIGTERM");
    assertEquals((await parley.ended()).code, 0);
    const text = await Deno.readTextFile(`${parley.folder}/access.log`);
    check(text.trimEnd().split("\n"));
  },
});

Deno.test({
  name:
    "lines of two workers are whole on standard output, and all there at the end",
  ignore,
  async fn() {
    await using server = missing();
    await using parley = await Parley.start({
      config: config(server, { sink: "stdout" }),
    });
    await loadBoth(parley, (count) => requestsIn(parley.printed, count));
    parley.signal("SIGTERM");
    assertEquals((await parley.ended()).code, 0);
    check(parley.printed.all());
  },
});

Deno.test({
  name: "lines of two workers are whole on the Unix socket of a listener",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "parley-sink-" });
    try {
      const path = `${folder}/log.sock`;
      using sink = Deno.listen({ transport: "unix", path });
      await using server = missing();
      const parley = await Parley.start({
        config: config(server, { unix: path }),
      });
      try {
        const accepted = sink.accept();
        let lines: Lines;
        await loadBoth(parley, async (count) => {
          lines = new Lines((await accepted).readable);
          await requestsIn(lines, count);
        });
        parley.signal("SIGTERM");
        assertEquals((await parley.ended()).code, 0);
        await lines!.done;
        check(lines!.all());
      } finally {
        await parley[Symbol.asyncDispose]();
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "a worker that dies inside its log takes no line of the other with it",
  ignore,
  async fn() {
    await using server = missing();
    await using parley = await Parley.start({
      config: config(server, { sink: "stdout" }),
    });
    const workers = await parley.freshWorkers(2);
    const loads = Promise.allSettled(
      Array.from({ length: 4 }, () => load(parley)),
    );
    await parley.printed.until((line) => line.includes("request"), "log line");
    Deno.kill(workers[0]!, "SIGKILL");
    await loads;
    await parley.until(/has taken its place/);
    await gone(workers[0]!);
    using wire = await parley.connect("a");
    // While its reader is behind lines are dropped.
    await poll(async () => {
      assertEquals(await wire.ask("get last\r\n", MISS), MISS);
      return hasLast(parley.printed.all()) || undefined;
    }, () => "line of the last request");
    wire.close();
    parley.signal("SIGTERM");
    assertEquals((await parley.ended()).code, 0);
    const lines = parley.printed.all();
    for (const line of lines) assertMatch(line, /^\{.*\}$/);
    for (const line of lines) JSON.parse(line);
  },
});

function hasLast(lines: readonly string[]): boolean {
  return lines.some((line) => line.includes('"last"'));
}

Deno.test({
  name:
    "a reader of standard output that does not read stalls no request; the lines that are dropped are counted in the log",
  ignore,
  async fn() {
    await using server = missing();
    // The log goes to a pipe that somebody reads only in the end.
    const folder = await Deno.makeTempDir({ prefix: "parley-slow-" });
    const go = `${folder}/go`;
    const waits = `[ ! -e ${go} ] && kill -0 $$ 2>/dev/null`; // the sidecar is there
    const reader = `while ${waits}; do sleep 0.05; done; cat`;
    try {
      await using parley = await Parley.start({
        config: config(server, { sink: "stdout" }),
        // The pipeline's end is what this test reads.
        around: [
          "sh",
          "-c",
          `exec 3>&1; mkfifo ${folder}/p; (${reader}) <${folder}/p >&3 & exec "$0" "$@" >${folder}/p 3>&-`,
        ],
      });
      for (let i = 0; i < 5; i++) await load(parley); // some 35 MB of lines
      await Deno.writeTextFile(go, "");
      const report = await parley.printed.until(
        (line) => line.includes("lines-dropped"),
        "report of dropped lines",
      );
      assert(JSON.parse(report).fields.dropped > 0);
      // Each request has a line, and each connection; all were shown or dropped.
      const all = 5 * CONNECTIONS * (REQUESTS + 1);
      let [read, sum] = [0, 0];
      const accounted = () => {
        for (const line of parley.printed.all(read)) {
          const { reason, fields } = JSON.parse(line);
          sum += reason === "lines-dropped" ? fields.dropped : 1;
          read++;
        }
        return sum;
      };
      await poll(
        () => accounted() >= all || undefined,
        () => `account of ${all} lines; there is one of ${accounted()}`,
      );
      parley.signal("SIGTERM");
      assertEquals((await parley.ended()).code, 0);
      assertEquals(accounted(), all);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "both workers accept, and go on when the other one is gone",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: {
        data: { workers: 2 },
        listeners: [{ name: "a", upstream: server.address }],
      },
    });
    const workers = await parley.freshWorkers(2);
    for (const worker of workers) {
      await stop(worker);
      const wires: Wire[] = await Promise.all(
        Array.from({ length: 10 }, () => parley.connect("a")),
      );
      // Whoever the kernel wakes, those that wait are taken by the one that runs.
      for (const wire of wires) {
        assertEquals(await wire.ask("x\n", "\n"), "x\n");
        wire.close();
      }
      send(worker, "SIGCONT");
    }
    await poll(
      async () => (await parley.workers()).length === 2 ? true : undefined,
      () => "two workers",
    );
  },
});
