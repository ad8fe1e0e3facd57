/**
 * The policy in `examples/` before a real Cassandra: outposts read what drivers
 * read and insert into one table, cannot read it back, and nothing else; the same
 * in all versions.
 *
 * @module
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { query } from "../../parsers/cassandra/testkit.ts";
import { Sidecar } from "../e2e/sidecar.ts";
import { Random } from "../random.ts";
import { cassandraServer, testWith } from "../setup/mod.ts";
import { Cassandra } from "./cassandra.ts";
import { converse } from "./conversation.ts";
import { errorOf, Native } from "./native.ts";

const EXAMPLE = new URL(
  "../../examples/policies/cassandra.yaml",
  import.meta.url,
);

const SCHEMA = [
  "CREATE KEYSPACE attendance WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  "CREATE TABLE attendance.daily_records (k int PRIMARY KEY, v int)",
  "CREATE TABLE attendance.people (k int PRIMARY KEY, v int)",
];

const ALLOWED = [
  "SELECT * FROM system.local WHERE key = 'local'",
  "SELECT * FROM system.peers_v2",
  "SELECT * FROM system_schema.tables",
  "SELECT * FROM system_virtual_schema.tables",
  "INSERT INTO attendance.daily_records (k, v) VALUES (1, 2)",
  "INSERT INTO Attendance . Daily_Records JSON '{\"k\": 2}'",
  "BEGIN BATCH INSERT INTO attendance.daily_records (k) VALUES (3); INSERT INTO attendance.daily_records (k) VALUES (4) APPLY BATCH",
  "USE attendance",
  "INSERT INTO daily_records (k) VALUES (5)",
];

const DENIED = [
  "SELECT * FROM attendance.daily_records",
  "SELECT * FROM daily_records",
  "SELECT JSON k FROM /* system.local */ attendance.daily_records",
  "UPDATE attendance.daily_records SET v = 1 WHERE k = 1",
  "DELETE FROM attendance.daily_records WHERE k = 1",
  "TRUNCATE attendance.daily_records",
  "INSERT INTO attendance.people (k) VALUES (1)",
  "SELECT * FROM attendance.people",
  "SELECT * FROM people",
  "SELECT * FROM system_auth.roles",
  "SELECT * FROM system_traces.sessions",
  "INSERT INTO system.local (key) VALUES ('x')",
  "BEGIN BATCH INSERT INTO daily_records (k) VALUES (1) UPDATE daily_records SET v = 1 WHERE k = 1 APPLY BATCH",
  "CREATE MATERIALIZED VIEW attendance.copy AS SELECT * FROM attendance.daily_records WHERE k IS NOT NULL PRIMARY KEY (k)",
  "CREATE TRIGGER t ON attendance.daily_records USING 'x'",
  "CREATE FUNCTION attendance.f () CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return 1;'",
  "ALTER TABLE attendance.daily_records ADD w int",
  "ALTER TABLE attendance.daily_records ALTER v MASKED WITH DEFAULT",
  "DROP KEYSPACE attendance",
  "GRANT ALL ON ALL KEYSPACES TO cassandra",
  "ALTER ROLE cassandra WITH SUPERUSER = true",
  "LIST ROLES",
  "DESCRIBE KEYSPACE attendance",
];

const server = await cassandraServer();

testWith(
  { server },
  "an outpost of the example policy inserts, and reads nothing back, in all versions",
  async ({ server }, test) => {
    await using cassandra = await Cassandra.start(server);
    await ask(cassandra, ...SCHEMA);
    const upstream = `127.0.0.1:${cassandra.port}`;
    await using sidecar = await Sidecar.start({
      upstream,
      policies: { "cassandra.yaml": await Deno.readTextFile(EXAMPLE) },
      config: {
        endpoint: { name: "cassandra-0", labels: { app: "cassandra" } },
        identities: [{ cidr: "127.0.0.1/32", labels: { app: "outpost" } }],
        listeners: [
          { name: "cql", listen: "127.0.0.1:0", upstream, port: 9042 },
        ],
      },
    });
    for (const version of [3, 4, 5]) {
      await test.step(`v${version}`, async () => {
        await ask(cassandra, "TRUNCATE attendance.daily_records");
        const before = (await cassandra.audit()).length;
        const statements = [...ALLOWED, ...DENIED].map((text) => ({
          text,
          verb: text.split(" ")[0]!,
          prepared: false,
        }));
        const random = new Random(version);
        const { steps } = await converse(
          sidecar.port,
          version,
          [...statements, ...statements], // in more of the ways there are to ask
          ["attendance"],
          random,
        );
        const seen = (await cassandra.audit()).slice(before);

        const wrong = steps.filter(({ texts, outcome }) =>
          outcome !==
            (texts.some((text) => DENIED.includes(text))
              ? "denied"
              : "accepted")
        );
        assertEquals(wrong.map(({ texts, outcome }) => [outcome, texts]), []);
        const reached = seen.map(({ operation }) => operation);
        assertEquals(reached.filter((text) => DENIED.includes(text)), []);
        assertEquals(await rows(cassandra), [5, 0]);
      });
    }
  },
);

/** Asks the server itself; the last reply's body. */
async function ask(
  cassandra: Cassandra,
  ...statements: readonly string[]
): Promise<Uint8Array> {
  using native = await Native.connect(cassandra.port, 4);
  let body = new Uint8Array(0);
  for (const statement of statements) {
    const reply = await native.ask(query(statement, native.options));
    assertEquals(errorOf(reply), undefined);
    body = new Uint8Array(reply.body);
  }
  return body;
}

/** How many rows the two tables have. */
async function rows(cassandra: Cassandra): Promise<number[]> {
  const counts: number[] = [];
  for (const table of ["daily_records", "people"]) {
    const body = await ask(
      cassandra,
      `SELECT COUNT(*) FROM attendance.${table}`,
    );
    counts.push(body.at(-1)!); // the last thing in the only row
  }
  return counts;
}
