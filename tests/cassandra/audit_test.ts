/**
 * The server is the judge: of every statement that it accepts, its own audit
 * log must say what the recognizer says.
 *
 * A task of its own (`deno task test:cassandra`), since Cassandra takes a
 * gigabyte. `--count N` behind `--` sends more statements than usual, and
 * `--seed N` others.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { deepStrictEqual as assertEquals, ok } from "node:assert/strict";
import { recognize, type Statement } from "../../parsers/cassandra/cql/mod.ts";
import {
  cassandraServer,
  pythonCassandraDriver,
  testWith,
  type Tool,
} from "../setup/mod.ts";
import { disagreement, type Entry } from "./audit.ts";
import { Cassandra } from "./cassandra.ts";
import { schema } from "./fixture.ts";
import { generate, type Generated } from "./statements.ts";

const { values: options } = parseArgs({
  args: [...Deno.args],
  options: {
    count: { type: "string", default: "300" },
    seed: { type: "string", default: "5" },
  },
});

const server = await cassandraServer();
const driver = await pythonCassandraDriver();

testWith(
  { server, driver },
  "recognize() agrees with the audit log on every statement that Cassandra accepts",
  async ({ server, driver }) => {
    const sent = generate(Number(options.count), Number(options.seed));
    await using cassandra = await Cassandra.start(server);
    const accepted = await send(driver, cassandra.port, sent);
    const log = await cassandra.audit();
    const { wrong, judged } = judge(sent, accepted, log);
    console.log(figures(accepted, judged));
    assertEquals(wrong, []);
    ok(judged.size > 20, "hardly anything was accepted");
  },
);

/** Which of the statements the server accepts, sent one after the other. */
async function send(
  driver: Tool,
  port: number,
  statements: readonly Generated[],
): Promise<readonly boolean[]> {
  const child = new Deno.Command(driver.command, {
    args: [new URL("send.py", import.meta.url).pathname],
    env: driver.env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(
    new TextEncoder().encode(
      JSON.stringify({ port, schema: schema(), statements }),
    ),
  );
  await writer.close();
  const { success, stdout, stderr } = await output;
  const said = new TextDecoder().decode(stderr);
  if (Deno.env.get("PARLEY_TEST_VERBOSE")) console.error(said);
  ok(success, said.split("\n").slice(-10).join("\n"));
  return JSON.parse(new TextDecoder().decode(stdout)).accepted;
}

/** Looks at each accepted statement, and at its entry of the log. */
function judge(
  sent: readonly Generated[],
  accepted: readonly boolean[],
  log: readonly Entry[],
): { wrong: unknown[]; judged: Map<string, number> } {
  const wrong: unknown[] = [];
  const judged = new Map<string, number>();
  let at = 0;
  let session = "";
  for (const [i, { text, prepared }] of sent.entries()) {
    const statements = recognize(text);
    const found = log.findIndex((entry, j) => j >= at && isOf(entry, text));
    if (found >= 0) at = found + 1;
    if (!accepted[i]) continue;
    const entry = log[found];
    const why = entry
      ? disagreement(statements, entry, session)
      : "not in the log";
    if (why !== "") wrong.push({ text, why, entry, statements });
    count(judged, statements, prepared);
    if (statements[0]!.action === "use" && !prepared) {
      session = statements[0]!.targets[0]!.name;
    }
  }
  return { wrong, judged };
}

/** Whether an entry is of this statement; the log hides what is behind the word PASSWORD. */
function isOf({ operation }: Entry, text: string): boolean {
  if (operation === text) return true;
  const password = text.toLowerCase().indexOf("password");
  return password >= 0 &&
    operation.startsWith(text.slice(0, password + "password".length));
}

function count(
  judged: Map<string, number>,
  statements: readonly Statement[],
  prepared: boolean,
): void {
  const action = statements.length > 1 ? "batch" : statements[0]!.action;
  const kind = prepared ? `prepared ${action}` : action;
  judged.set(kind, (judged.get(kind) ?? 0) + 1);
}

function figures(
  accepted: readonly boolean[],
  judged: ReadonlyMap<string, number>,
): string {
  const kinds = [...judged].sort().map(([action, n]) => `${action} ${n}`);
  return `${accepted.length} statements, ${
    accepted.filter(Boolean).length
  } accepted: ${kinds.join(", ")}`;
}
