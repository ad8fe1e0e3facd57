/**
 * Drivers through the sidecar, in every version and compression: what is allowed
 * comes back as it does without the sidecar, what is denied is `Unauthorized` and
 * never reaches the server, by the server's own audit log, and a driver whose
 * connections were lost comes back.
 *
 * Like all of this folder a task of its own (`deno task test:cassandra`);
 * `--rows N` behind `--` for more rows to page through.
 *
 * @module
 */
import { deepStrictEqual as assertEquals, ok } from "node:assert/strict";
import { parseArgs } from "node:util";
import { Sidecar } from "../e2e/sidecar.ts";
import { cassandraServer, testWith } from "../setup/mod.ts";
import { Cassandra } from "./cassandra.ts";
import { Client, type Driver, DRIVERS } from "./drivers.ts";
import { cassandraPolicy } from "./policy.ts";

const { values: options } = parseArgs({
  args: [...Deno.args],
  options: { rows: { type: "string", default: "3000" } },
});
const ROWS = Number(options.rows);

const SCHEMA = [
  "CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  "CREATE TABLE shop.orders (id int, n int, v text, b blob, PRIMARY KEY (id, n))",
  "CREATE TABLE shop.secret (id int PRIMARY KEY, v text)",
];

/** What a driver must read when it connects, and inserting into one table. */
const POLICY = cassandraPolicy([
  {
    query_action: "select",
    query_table: "^system(_schema|_virtual_schema)?\\.",
  },
  { query_action: "insert", query_table: "^shop\\.orders$" },
]);

/** A statement of each kind that the policy denies, and some that look like what it allows. */
const DENIED = [
  "SELECT * FROM shop.secret",
  "SELECT * FROM shop.orders",
  "select*from shop . secret/* system.local */where id=1",
  "INSERT INTO shop.secret (id, v) VALUES (1, 'x')",
  `INSERT INTO shop.secret (id, v) VALUES (1, '${"x".repeat(1_000_000)}')`,
  "UPDATE shop.orders SET v = 'x' WHERE id = 1 AND n = 1",
  "DELETE FROM shop.secret WHERE id = 1",
  "TRUNCATE shop.secret",
  "BEGIN BATCH INSERT INTO shop.orders (id, n) VALUES (1, 1); INSERT INTO shop.secret (id) VALUES (1) APPLY BATCH",
  "CREATE TABLE shop.other (id int PRIMARY KEY)",
  "ALTER TABLE shop.secret ADD w text",
  "DROP TABLE shop.secret",
  "CREATE INDEX ON shop.secret (v)",
  "DROP INDEX shop.secret_v_idx",
  "CREATE MATERIALIZED VIEW shop.by_v AS SELECT * FROM shop.secret WHERE id IS NOT NULL AND v IS NOT NULL PRIMARY KEY (v, id)",
  "ALTER MATERIALIZED VIEW shop.by_v WITH comment = 'secret'",
  "DROP MATERIALIZED VIEW shop.by_v",
  "CREATE TYPE shop.secret_type (a int)",
  "ALTER TYPE shop.secret_type ADD b int",
  "DROP TYPE shop.secret_type",
  "CREATE FUNCTION shop.secret_f (a int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return a;'",
  "DROP FUNCTION shop.secret_f",
  "CREATE AGGREGATE shop.secret_a (int) SFUNC secret_f STYPE int",
  "DROP AGGREGATE shop.secret_a",
  "CREATE TRIGGER secret_t ON shop.orders USING 'secret'",
  "DROP TRIGGER secret_t ON shop.orders",
  "CREATE KEYSPACE secret WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  "ALTER KEYSPACE shop WITH durable_writes = false",
  "DROP KEYSPACE shop",
  "CREATE ROLE intruder",
  "ALTER ROLE cassandra WITH SUPERUSER = true",
  "DROP ROLE intruder",
  "GRANT intruder TO cassandra",
  "REVOKE intruder FROM cassandra",
  "LIST ROLES",
  "CREATE USER intruder",
  "ALTER USER intruder SUPERUSER",
  "DROP USER intruder",
  "LIST USERS",
  "GRANT ALL ON shop.secret TO cassandra",
  "REVOKE ALL ON shop.secret FROM cassandra",
  "LIST ALL PERMISSIONS",
  "ADD IDENTITY 'intruder' TO ROLE 'cassandra'",
  "DROP IDENTITY 'intruder'",
  "DESCRIBE TABLE shop.secret",
  "what nobody knows",
];

/** What of these the audit log would hold. */
const LEAK = /secret|intruder|nobody knows|LIST|UPDATE|ALTER|DROP|CREATE/;

/** A megabyte of text is read in one call, and Cassandra leaves little of the machine. */
const BUSY = { limits: { parserTime: "1s" } };

const server = await cassandraServer();

for (const driver of DRIVERS) {
  const { name, tool, speeches } = driver;
  testWith(
    { server, tool },
    `${name} through the sidecar`,
    async ({ server }, test) => {
      await using cassandra = await Cassandra.start(server);
      await Client.start(driver, cassandra.port, speeches[0]!, "execute")
        .answer(SCHEMA);
      const upstream = `127.0.0.1:${cassandra.port}`;
      await using open = await Sidecar.start({
        upstream,
        l7proto: "cassandra",
        config: BUSY,
      });
      await using guarded = await Sidecar.start({
        upstream,
        policies: { "guard.yaml": POLICY },
        config: BUSY,
      });
      const before = (await cassandra.audit()).length;
      for (const speech of speeches) {
        const title = `v${speech[0]} ${speech[1]}`.trim();
        await test.step(`${title}: what is denied is Unauthorized`, async () => {
          const { refusals, up } = await Client
            .start(driver, guarded.port, speech, "refusals")
            .answer(DENIED) as {
              refusals: Record<string, number>;
              up: boolean;
            };
          assertEquals(Object.keys(refusals), ["Unauthorized"]);
          ok(refusals.Unauthorized! > DENIED.length);
          ok(up);
        });
      }
      await test.step("nothing that is denied is in the audit log", async () => {
        const seen = (await cassandra.audit()).slice(before)
          .map(({ operation }) => operation);
        ok(seen.some((operation) => operation.includes("shop.orders")));
        assertEquals(seen.filter((operation) => LEAK.test(operation)), []);
      });
      for (const speech of speeches) {
        const title = `v${speech[0]} ${speech[1]}`.trim();
        await test.step(`${title}: results are those of a direct connection`, async () => {
          const ask = (port: number) =>
            Client.start(driver, port, speech, "results", ROWS).answer();
          const results = await ask(open.port) as { pages: [number, string] };
          assertEquals(results.pages[0], ROWS);
          assertEquals(results, await ask(cassandra.port));
        });
      }
      await test.step("it comes back when its connections were closed", () =>
        comesBack(driver, guarded));
    },
  );
}

/** Ends the sidecar's worker, and with it all connections and the ids that it knew. */
async function comesBack(driver: Driver, sidecar: Sidecar): Promise<void> {
  const client = Client.start(
    driver,
    sidecar.port,
    driver.speeches.at(-1)!,
    "reconnect",
  );
  await client.ready();
  for (const worker of await sidecar.workers()) {
    Deno.kill(Number(worker), "SIGKILL");
  }
  assertEquals(await client.answer([""]), { back: true });
}
