/** Load from memcaslap, in both protocols. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import {
  memcachedServer,
  memcaslap,
  testWith,
  type Tool,
} from "../setup/mod.ts";
import { countFrom, Memcached, Sidecar } from "./harness.ts";

const memcached = await memcachedServer();
const load = await memcaslap();
const SECONDS = countFrom("PARLEY_LOAD_SECONDS", 4);

for (const protocol of ["text", "binary"] as const) {
  testWith(
    { memcached, load },
    `memcaslap: load in ${protocol} passes without an error, and all of it is logged`,
    async (tools) => {
      await using server = await Memcached.start(tools.memcached, {
        quiet: true,
      });
      await using sidecar = await Sidecar.start({
        upstream: server.address,
        l7proto: "memcache",
      });
      const report = await runLoad(tools.load, sidecar.port, [
        ...["-t", `${SECONDS}s`],
        ...(protocol === "binary" ? ["-B"] : []),
      ]);

      assert(report.operations > 0);
      assertEquals(report.complaints, []);
      const served = await requestsServed(server);
      sidecar.signal("SIGTERM"); // so that all of the log is written
      assertEquals(await sidecar.exit(), 0);
      const verdicts = await countVerdicts(sidecar.log.path);
      assertEquals([...verdicts.keys()].sort(), [
        "connection forwarded",
        "request forwarded",
      ]);
      assertEquals(verdicts.get("request forwarded"), served);
    },
  );
}

async function runLoad(
  tool: Tool,
  port: number,
  options: readonly string[],
): Promise<{ operations: number; complaints: string[] }> {
  const { stdout, stderr } = await new Deno.Command(tool.command, {
    args: [
      ...["-s", `127.0.0.1:${port}`],
      ...["-T", "1", "-c", "16", ...options],
    ],
    env: tool.env,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const lines = `${decoder.decode(stdout)}\n${decoder.decode(stderr)}`
    .split("\n");
  const [, operations] = /Ops: (\d+)/.exec(lines.join("\n")) ?? [];
  return {
    operations: Number(operations),
    complaints: lines.filter((line) => /error|fail|mismatch/i.test(line)),
  };
}

/** The server's own count of gets and sets. */
async function requestsServed(server: Memcached): Promise<number> {
  using wire = await server.connect();
  const stats = await wire.ask("stats\r\n", "END\r\n");
  const count = (name: string) =>
    Number(new RegExp(`STAT ${name} (\\d+)`).exec(stats)?.[1]);
  return count("cmd_get") + count("cmd_set");
}

const KIND = /"type":"(\w+)","verdict":"(\w+)"/;

/** Counts lines by type and verdict: too many to keep. */
async function countVerdicts(path: string): Promise<Map<string, number>> {
  const file = await Deno.open(path);
  const counts = new Map<string, number>();
  let rest = "";
  for await (
    const text of file.readable.pipeThrough(new TextDecoderStream())
  ) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const [, type, verdict] = KIND.exec(line) ?? [];
      const kind = `${type} ${verdict}`;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
  }
  return counts;
}
