/** Connections on which nothing more comes cost a worker nothing. */
import { ok as assert } from "node:assert/strict";
import { poll } from "../e2e/harness.ts";
import { type Config, ignore, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";
import { allowing, PORT, words } from "./words.ts";

/** Ticks a second of the times in /proc (proc_pid_stat(5), sysconf(3) _SC_CLK_TCK). */
const TICKS = 100;
const MEASURED_MS = 1000;
/** Of a processor. */
const MOST = 0.05;

/** How much of one processor a process uses, measured over a while. */
async function share(pid: number): Promise<number> {
  const [before, start] = [await used(pid), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, MEASURED_MS));
  const ticks = await used(pid) - before;
  return ticks / TICKS / ((performance.now() - start) / 1000);
}

/** Processor time that a process has used, in ticks. */
async function used(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

const POLICY = allowing("word1");
const NOBODY = POLICY.replace(
  '"ingress":[{',
  '"ingress":[{"fromCIDR":["192.0.2.1/32"],',
);

const CASES: readonly {
  readonly name: string;
  readonly config?: Partial<Config>;
  readonly policy?: string;
  readonly upstream?: string;
  readonly sends: string;
  /** The client ends its own side. */
  readonly finishes?: boolean;
  /** Of the log's line that tells of the refusal. */
  readonly reason: string;
}[] = [
  {
    name: "that the policy refuses",
    policy: NOBODY,
    sends: "",
    reason: "no-rule",
  },
  {
    name: "that the policy refuses, whose client has sent and goes on to",
    policy: NOBODY,
    sends: "word1\n".repeat(100),
    reason: "no-rule",
  },
  {
    name: "that its parser ended with an error",
    sends: `${"x".repeat(2000)}\n`,
    reason: "frame-length",
  },
  {
    name: "that speaks TLS",
    sends: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    reason: "tls",
  },
  {
    name: "whose upstream is not there",
    upstream: "127.0.0.1:1",
    sends: "",
    reason: "upstream-unreachable",
  },
  {
    name: "whose upstream is not there, and whose client has ended its side",
    upstream: "127.0.0.1:1",
    sends: "",
    finishes: true,
    reason: "upstream-unreachable",
  },
];

for (
  const { name, policy = POLICY, upstream, sends, finishes, reason } of CASES
) {
  Deno.test({
    name: `a connection ${name} leaves the worker idle while its client stays`,
    ignore,
    async fn() {
      await using server = new LineServer();
      await using parley = await Parley.start({
        config: {
          listeners: [{
            name: "a",
            upstream: upstream ?? server.address,
            port: PORT,
            l7proto: "words",
          }],
          policies: ["policies/"],
        },
        parsers: { "words.ts": words() },
        policies: { "words.json": policy },
      });
      const [worker] = await parley.freshWorkers(1);
      // What a start leaves behind is collected in the first seconds.
      await poll(
        async () => await share(worker!) < MOST ? true : undefined,
        () => "idle worker before the connection",
      );
      const shares: number[] = [];
      // What the machine does meanwhile is not there ten times; a spin is.
      while (shares.length < 10 && !shares.some((share) => share < MOST)) {
        using wire = await parley.connect("a");
        if (sends !== "") await wire.send(sends);
        if (finishes) await wire.finish();
        await poll(async () => {
          const lines = await parley.log.lines({ reason, source: wire });
          return lines.length > 0 ? true : undefined;
        }, () => `log line of ${reason}`);
        // To read would be to see its end, and to end: a client that stays does neither.
        shares.push(await share(worker!));
      }
      assert(shares.some((share) => share < MOST), `${shares} of a processor`);
    },
  });
}
