/**
 * The server is the judge: what Parley's access log says of a statement, its own
 * audit log must say, of every statement that it accepts; and under a policy
 * nothing of what is denied may reach it.
 *
 * A task of its own (`deno task test:cassandra`), since Cassandra takes a
 * gigabyte. `--count N` behind `--` sends more statements than usual, and
 * `--seed N` others.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { deepStrictEqual as assertEquals, ok } from "node:assert/strict";
import { recognize } from "../../parsers/cassandra/cql/mod.ts";
import { query } from "../../parsers/cassandra/testkit.ts";
import type { LogLine } from "../e2e/access_log.ts";
import { Sidecar } from "../e2e/sidecar.ts";
import { poll } from "../e2e/wait.ts";
import { Random } from "../random.ts";
import { cassandraServer, testWith } from "../setup/mod.ts";
import { disagreement, type Judged, matched } from "./access.ts";
import { disagreement as misread, type Entry } from "./audit.ts";
import { Cassandra } from "./cassandra.ts";
import { type Conversation, converse } from "./conversation.ts";
import { COUNTERS, KEYSPACES, schema, TABLES } from "./fixture.ts";
import { errorOf, framesOf, Native } from "./native.ts";
import { cassandraPolicy } from "./policy.ts";
import { generate } from "./statements.ts";
import { Tap } from "./tap.ts";

const { values: options } = parseArgs({
  args: [...Deno.args],
  options: {
    count: { type: "string", default: "300" },
    seed: { type: "string", default: "5" },
  },
});
const COUNT = Number(options.count);
const SEED = Number(options.seed);

const VERSIONS = [3, 4, 5];
const QUERIES = [0x07, 0x09, 0x0a, 0x0d];

/** All of one keyspace, and the rows of another. */
const POLICY = cassandraPolicy([
  { query_table: "^shop\\." },
  ...["select", "insert", "update", "delete"].map((query_action) => ({
    query_action,
    query_table: "^keys\\.",
  })),
]);

/** Whether that policy allows what the server says that it was asked. */
function isAllowed({ type, keyspace, scope, operation }: Entry): boolean {
  switch (type) {
    case "LOGIN_SUCCESS":
    case "USE_KEYSPACE":
    case "BATCH": // of its parts there are entries, or there are rows
    case "REQUEST_FAILURE": // nothing was done; the tap has seen what was to pass
      return true;
    case "SELECT":
    case "UPDATE":
    case "DELETE":
      return keyspace === "shop" || keyspace === "keys";
    case "PREPARE_STATEMENT": // without a scope: of a batch
      return keyspace === "shop" || keyspace === "keys" || scope === "";
    case "DESCRIBE": // of a table: what else it describes is none
      return keyspace === "shop" || /shop/i.test(operation);
  }
  return keyspace === "shop" &&
    /^(TRUNCATE|(CREATE|ALTER|DROP)_(TABLE|VIEW|TRIGGER)|CREATE_INDEX)$/
      .test(type);
}

const server = await cassandraServer();

testWith(
  { server },
  "generated statements through the sidecar, with Cassandra as the judge",
  async ({ server }, test) => {
    await using cassandra = await Cassandra.start(server);
    await prepareSchema(cassandra);

    await test.step("under a policy nothing that is denied reaches the server", async () => {
      using tap = new Tap(cassandra.port);
      await using sidecar = await Sidecar.start({
        upstream: tap.address,
        policies: { "guard.yaml": POLICY },
      });
      const before = (await cassandra.audit()).length;
      const conversations = await converseAll(sidecar, SEED);
      const seen = (await cassandra.audit()).slice(before);

      assertEquals(seen.filter((entry) => !isAllowed(entry)), []);
      for (const [i, { steps }] of conversations.entries()) {
        const reached = framesOf(tap.sent[i]!)
          .filter((frame) => QUERIES.includes(frame[4]!));
        const passed = steps.filter(({ outcome }) => outcome !== "denied")
          .map(({ frame }) => frame);
        assertEquals(reached, passed);
      }
      const full = await tablesWithRows(cassandra);
      assertEquals(
        full.filter((table) => !/^(shop|keys)\./.test(table)),
        [],
      );
      for (const keyspace of ["shop", "keys"]) {
        ok(
          seen.some((entry) => entry.keyspace === keyspace),
          `nothing has passed to ${keyspace}`,
        );
      }
      console.log(outcomes(conversations));
    });

    await test.step("the access log says of all that is accepted what the audit log says", async () => {
      await using sidecar = await Sidecar.start({
        upstream: `127.0.0.1:${cassandra.port}`,
        l7proto: "cassandra",
      });
      const before = (await cassandra.audit()).length;
      const conversations = await converseAll(sidecar, SEED + VERSIONS.length);
      const log = (await cassandra.audit()).slice(before);
      const wrong: unknown[] = [];
      const kinds = new Map<string, number>();
      let at = 0;
      for (const conversation of conversations) {
        const lines = await linesOf(sidecar, conversation);
        const judged = matched(conversation, lines, log.slice(at));
        at += log.slice(at).indexOf(judged.at(-1)!.entries.at(-1)!) + 1;
        wrong.push(...judged.flatMap(complaints));
        for (const { step, lines } of judged) {
          const actions = new Set(
            lines.map(({ fields }) => fields["query_action"]),
          );
          const kind = `${step.opcode} ${[...actions].join("+")}`;
          kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        }
      }
      console.log(outcomes(conversations));
      console.log(
        [...kinds].sort().map(([kind, n]) => `${kind} ${n}`).join(", "),
      );
      assertEquals(wrong, []);
      ok(kinds.size > 40, "hardly anything was accepted");
    });
  },
);

/** Asks in each version a third of the statements. */
async function converseAll(
  sidecar: Sidecar,
  seed: number,
): Promise<Conversation[]> {
  const conversations: Conversation[] = [];
  for (const [i, version] of VERSIONS.entries()) {
    const statements = generate(COUNT / VERSIONS.length, seed + i);
    const random = new Random(seed + i);
    conversations.push(
      await converse(sidecar.port, version, statements, KEYSPACES, random),
    );
  }
  return conversations;
}

/** What is wrong with a step's lines, and with what the recognizer says of its texts. */
function complaints(judged: Judged): unknown[] {
  const { step, entries, lines, session } = judged;
  const { opcode, texts, keyspace } = step;
  const why = [disagreement(judged)];
  const parts = opcode === "batch" ? entries.slice(1) : entries;
  if (opcode === "query" || opcode === "prepare") {
    for (const [i, entry] of parts.entries()) {
      why.push(misread(recognize(texts[i]!), entry, keyspace ?? session));
    }
  }
  const said = why.filter((each) => each !== "");
  if (said.length === 0) return [];
  const fields = lines.map(({ fields }) => fields);
  return [{ why: said, opcode, texts, keyspace, session, entries, fields }];
}

/** The log lines of all requests of a conversation. */
async function linesOf(
  { log }: Sidecar,
  { address, steps }: Conversation,
): Promise<LogLine[]> {
  return await poll(async () => {
    const lines = await log.lines({ type: "request", source: address });
    const marks = lines.filter(({ fields }) => fields["opcode"] === "options");
    return marks.length > steps.length ? lines : undefined;
  }, () => `log line of the last request of ${address}`);
}

async function prepareSchema(cassandra: Cassandra): Promise<void> {
  using native = await Native.connect(cassandra.port, 4);
  for (const statement of schema()) {
    const reply = await native.ask(query(statement, native.options));
    assertEquals(errorOf(reply), undefined);
  }
}

/** Those tables of the fixture that are not empty. */
async function tablesWithRows(cassandra: Cassandra): Promise<string[]> {
  using native = await Native.connect(cassandra.port, 4);
  const full: string[] = [];
  for (const keyspace of KEYSPACES) {
    for (const table of [...TABLES, COUNTERS]) {
      const text = `SELECT COUNT(*) FROM "${keyspace}"."${table}"`;
      const { body } = await native.ask(query(text, native.options));
      const count = body.subarray(-8); // the last thing in the only row
      if (count.some((byte) => byte > 0)) full.push(`${keyspace}.${table}`);
    }
  }
  return full;
}

function outcomes(conversations: readonly Conversation[]): string {
  const steps = conversations.flatMap(({ steps }) => steps);
  const count = (outcome: string) =>
    steps.filter((step) => step.outcome === outcome).length;
  return `${steps.length} requests: ${count("accepted")} accepted, ${
    count("refused")
  } refused by the server, ${count("denied")} denied`;
}
