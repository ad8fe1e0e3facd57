/** What a request costs in system calls, counted by strace in a real worker. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { Lines } from "../e2e/lines.ts";
import { onPath } from "../setup/tool.ts";
import { ignore, Parley } from "./parley.ts";
import { missing } from "./servers.ts";

const MISS = "END\r\n";
const REQUESTS = 500;
/** What happens by the clock, in a second: a batch of the log each 50 ms, counters, looks. */
const TIMED = 40;
const strace = onPath("strace");
const canTrace = strace !== undefined && await traces();

/** Whether this machine lets strace look into another process. */
async function traces(): Promise<boolean> {
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const { success } = await new Deno.Command("timeout", {
    args: ["-s", "INT", "1", strace!, "-qq", "-p", String(child.pid)],
    stderr: "null",
    stdout: "null",
  }).output().then(({ code }) => ({ success: code === 124 || code === 0 }));
  child.kill("SIGKILL");
  await child.status;
  return success;
}

/** Counts a thread's system calls, from when it resolves until `end` is called. */
async function counting(pid: number) {
  const child = new Deno.Command(strace!, {
    args: ["-c", "-p", String(pid)],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    env: { LC_ALL: "C" },
  }).spawn();
  const said = new Lines(child.stderr);
  await said.until((line) => line.includes("attached"), "strace at work");
  return {
    async end(): Promise<Map<string, number>> {
      child.kill("SIGINT");
      await Promise.all([child.status, said.done]);
      const rows = said.all().flatMap((line) =>
        /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/.exec(line) ??
          []
      );
      const counts = new Map<string, number>();
      for (let i = 0; i < rows.length; i += 3) {
        if (rows[i + 2] !== "total") {
          counts.set(rows[i + 2]!, Number(rows[i + 1]));
        }
      }
      return counts;
    },
  };
}

const NAME =
  "a request costs four system calls, and a share of waiting: two reads, two writes";

Deno.test({
  name: ignore || canTrace
    ? NAME
    : `${NAME} (skipped: strace is not there or may not trace)`,
  ignore: ignore || !canTrace,
  async fn() {
    await using server = missing();
    await using parley = await Parley.start({
      config: {
        listeners: [{
          name: "a",
          upstream: server.address,
          l7proto: "memcache",
        }],
      },
    });
    const [worker] = await parley.freshWorkers(1);
    using wire = await parley.connect("a");
    assertEquals(await wire.ask("get a\r\n", MISS), MISS);
    const strace = await counting(worker!);
    const start = performance.now();
    for (let i = 0; i < REQUESTS; i++) await wire.ask("get a\r\n", MISS);
    const counts = await strace.end();
    const seconds = (performance.now() - start) / 1000;
    console.log(seconds, Object.fromEntries(counts));
    let others = 0;
    for (const [name, count] of counts) {
      if (!name.startsWith("epoll_wait") && !name.startsWith("epoll_pwait")) {
        others += count;
      }
    }
    assert(others >= 4 * REQUESTS, "strace saw them");
    // Batches of the log and the counters of each second are few, unless it takes long.
    const timed = 20 + TIMED * seconds;
    assert(
      others <= 4 * REQUESTS * 1.1 + timed,
      `${others} in ${REQUESTS} requests`,
    );
    assertEquals(
      counts.get("epoll_ctl") ?? 0,
      0,
      "nothing is watched otherwise",
    );
    const waits = [...counts].filter(([name]) => /^epoll_p?wait/.test(name))
      .reduce((sum, [, count]) => sum + count, 0);
    assert(waits <= 2.2 * REQUESTS + timed, `${waits} waits`);
  },
});
