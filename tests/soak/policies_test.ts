/**
 * The policy changes, and its file breaks, under load and with the whole tree
 * of processes: every change counts from the next request on, no request is
 * judged by two versions at once, none is lost, no connection is closed.
 *
 * `PARLEY_SOAK_POLICIES` says how many changes. Times are printed, not
 * asserted.
 */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { linesOf } from "../../cli/replay/lines.ts";
import type { SidecarStatus } from "../../proxy/administered.ts";
import {
  BROKEN,
  GOOD,
  version,
} from "../../proxy/broken_policies_harness_test.ts";
import { countFrom, type LogLine, poll, type Wire } from "../e2e/harness.ts";
import { ask } from "../processes/admin_client.ts";
import { clientsOf, ignore, Parley } from "../processes/parley.ts";
import { LineServer } from "../processes/servers.ts";

const CHANGES = countFrom("PARLEY_SOAK_POLICIES", 60);
const CLIENTS = 8;
/** Requests that a client sends before it reads. */
const DEPTH = 4;
/** Between two of its bursts: there is to be time for changes too. */
const PAUSE_MS = 20;

/**
 * Two documents, which change together. Everybody may READ `both`: by the first
 * document of even versions, by the second of odd ones. Of the documents of two
 * versions, one each, none would allow it, or both.
 */
function pair(n: number): string {
  const [one, two] = n % 2 === 0 ? ["both|one", "two"] : ["one", "both|two"];
  return [document(`one-${n}`, one), document(`two-${n}`, two)].join("---\n");

  function document(name: string, files: string): string {
    return `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: ${name} }
spec:
  endpointSelector: { matchLabels: { app: droid } }
  ingress:
  - fromEntities: [ all ]
    toPorts:
    - ports: [ { port: "4040", protocol: TCP } ]
      rules: { l7proto: r2d2, l7: [ { cmd: READ, file: "^(${files}-${n})$" } ] }
`;
  }
}

/** A sidecar of two workers, and clients at both. */
class Field implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly asking: Wire[] = [];
  readonly loading: Wire[] = [];
  parley!: Parley;
  sent = 0;

  static async start(policy: string): Promise<Field> {
    const field = new Field();
    const server = field.#stack.use(new LineServer());
    field.parley = field.#stack.use(
      await Parley.start({
        config: {
          endpoint: { name: "droid-0", labels: { app: "droid" } },
          data: { workers: 2 },
          policies: ["policies/"],
          listeners: [{ name: "a", upstream: server.address, port: 4040 }],
        },
        policies: { "p.yaml": policy },
      }),
    );
    await field.#connectToBoth();
    return field;
  }

  /** One client of each worker asks in turn with the test; the others make the load. */
  async #connectToBoth(): Promise<void> {
    const port = await this.parley.port("a");
    const workers = await this.parley.freshWorkers(2);
    const asking = await poll(async () => {
      // Several at a time: one alone goes to whoever is woken first.
      const some = await Promise.all(
        Array.from({ length: CLIENTS }, () => this.parley.connect("a")),
      );
      this.loading.push(...some);
      const held = await poll(async () => {
        const held = await Promise.all(
          workers.map((pid) => clientsOf(pid, port)),
        );
        const isHeld = (wire: Wire) =>
          held.some((clients) => clients.has(portOf(wire)));
        return this.loading.every(isHeld) ? held : undefined;
      }, () => "worker for each connection");
      const asking = held.map((clients) =>
        this.loading.find((wire) => clients.has(portOf(wire)))
      );
      if (asking.every((wire) => wire !== undefined)) return asking;
      // One may have been given no time; and there are to be no thousands of connections.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return undefined;
    }, () => "worker but one that takes connections");
    this.asking.push(...asking);
    for (const wire of asking) {
      this.loading.splice(this.loading.indexOf(wire), 1);
    }
  }

  /** Whether each of these files may be read, asked for in one go. */
  async read(wire: Wire, files: readonly string[]): Promise<boolean[]> {
    this.sent += files.length;
    await wire.send(files.map((file) => `READ ${file}\r\n`).join(""));
    const allowed: boolean[] = [];
    for (const file of files) {
      const reply = await wire.readUntil("\r\n");
      assert([`READ ${file}\r\n`, "ERROR\r\n"].includes(reply), reply);
      allowed.push(reply !== "ERROR\r\n");
    }
    return allowed;
  }

  /** Has clients ask without end; the answer ends it. */
  load(file: string): () => Promise<void> {
    const burst = Array.from({ length: DEPTH }, () => file);
    const all = burst.map(() => true);
    let isOver = false;
    const work = Promise.all(this.loading.map(async (wire) => {
      while (!isOver) {
        assertEquals(await this.read(wire, burst), all);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }));
    work.catch(() => isOver = true); // awaited in the end
    return async () => {
      isOver = true;
      await work;
    };
  }

  /** Ends all, and looks at the log: each request is there, and no connection ended before. */
  async finish(
    check: (line: Pick<LogLine, "connection" | "verdict" | "rule">) => void,
  ): Promise<void> {
    const { parley, asking, loading } = this;
    const wires = [...asking, ...loading];
    assertEquals(await countLines(parley.log.path, '"type":"connection"'), 0);
    for (const wire of wires) await wire.finish();
    for (const wire of wires) await wire.readToEnd();
    parley.signal("SIGTERM");
    assertEquals((await parley.ended()).code, 0);
    let logged = 0;
    for await (const { text } of linesOf(parley.log.path)) {
      const line = JSON.parse(text);
      if (line.type === "connection") {
        assertEquals([line.verdict, line.fields.end], ["forwarded", "closed"]);
        continue;
      }
      logged++;
      check(line);
    }
    assertEquals(logged, this.sent);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const wire of [...this.asking, ...this.loading]) wire.close();
    await this.#stack.disposeAsync();
  }
}

Deno.test({
  name:
    `soak: ${CHANGES} changes of policy under load, each whole and at once, lose nothing`,
  ignore,
  async fn() {
    await using field = await Field.start(pair(0));
    const { parley, asking } = field;
    const stop = field.load("both");
    const delays: number[] = [];
    for (let n = 1; n <= CHANGES; n++) {
      const from = parley.said.length;
      const begun = performance.now();
      await parley.savePolicy("p.yaml", pair(n));
      await parley.until(/policy version \d+ is in force/, from);
      delays.push(performance.now() - begun);
      const files = [n, n - 1].flatMap((n) => [`one-${n}`, `two-${n}`]);
      for (const wire of asking) {
        const allowed = await field.read(wire, [...files, "both"]);
        assertEquals(allowed, [true, true, false, false, true], `version ${n}`);
      }
    }
    await stop();
    const newest = new Map<number, number>();
    await field.finish(({ connection, verdict, rule = "" }) => {
      if (verdict === "denied") return;
      const n = Number(/^default\/(?:one|two)-(\d+)#/.exec(rule)![1]);
      const before = newest.get(connection) ?? 0;
      assert(n >= before, `${rule} after version ${before}`);
      newest.set(connection, n);
    });
    console.log(
      `${field.sent} requests on ${newest.size} connections of 2 workers; a change in force after ${
        percentile(delays, 50)
      } ms (median), ${percentile(delays, 99)} ms (p99)`,
    );
  },
});

Deno.test({
  name:
    `soak: ${BROKEN.length} kinds of broken policy files under load: old verdicts hold, the status names file and reason`,
  ignore,
  async fn() {
    await using field = await Field.start(GOOD);
    const { parley, asking } = field;
    const stop = field.load("v0");
    const status = async (): Promise<SidecarStatus> =>
      (await ask(parley.adminSocket, "GET", "/v1/status")).body;
    for (const [name, text, says] of BROKEN) {
      const from = parley.said.length;
      await parley.savePolicy("p.yaml", text);
      await parley.until(says, from); // asking for it all the time is a load, too
      const { policy } = await poll(async () => {
        const now = await status();
        return says.test(now.policy.problems.join()) ? now : undefined;
      }, () => `status that tells of ${name}`);
      assertMatch(policy.problems[0]!, /^\S*p\.yaml:\d+:\d+: /, name);
      assertEquals(policy.version, 1, name);
      assert(
        policy.documents.every(({ status }) => status !== "applied"),
        name,
      );
      for (const wire of asking) {
        assertEquals(await field.read(wire, ["v0", "v1"]), [true, false], name);
      }
    }
    const from = parley.said.length;
    await stop();
    await parley.savePolicy("p.yaml", version(1));
    await parley.until(/policy version 2 is in force/, from);
    for (const wire of asking) {
      assertEquals(await field.read(wire, ["v0", "v1"]), [false, true]);
    }
    const { policy } = await status();
    assertEquals([policy.version, policy.problems], [2, []]);
    await field.finish(() => {});
  },
});

function portOf({ address }: Wire): number {
  return Number(address.split(":")[1]);
}

function percentile(values: readonly number[], percent: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = Math.floor(sorted.length * percent / 100);
  return (sorted[Math.min(at, sorted.length - 1)] ?? NaN).toFixed(0);
}

/** How many lines of a file have a text. It may be larger than memory. */
async function countLines(path: string, text: string): Promise<number> {
  const { stdout } = await new Deno.Command("grep", {
    args: ["--count", "--fixed-strings", text, path],
  }).output();
  return Number(new TextDecoder().decode(stdout));
}
