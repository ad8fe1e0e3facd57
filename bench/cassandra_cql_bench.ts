/**
 * What it costs to recognize a CQL text.
 *
 * Each iteration recognizes COUNT texts, each fresh from the decoder, as those
 * of a connection are. Divide by COUNT.
 */
import { recognize } from "../parsers/cassandra/cql/mod.ts";

const TEXTS: Readonly<Record<string, string>> = {
  "select, 60 characters":
    "SELECT name, rank FROM alliance.crew WHERE ship = ? LIMIT 10",
  "select of a driver, 110 characters":
    "SELECT cluster_name, data_center, rack, tokens, partitioner, schema_version FROM system.local WHERE key='local'",
  "insert, 90 characters":
    "INSERT INTO attendance.daily_records (id, day, name) VALUES (1, '2026-11-24', 'L. Organa')",
  "update, 68 characters":
    "UPDATE alliance.crew SET rank = 'general' WHERE ship = 1 AND id = 42 ",
  "batch of 10 inserts": `BEGIN BATCH ${
    "INSERT INTO a.b (c, d) VALUES (?, ?); ".repeat(10)
  }APPLY BATCH`,
  "create table": "CREATE TABLE IF NOT EXISTS alliance.crew (ship int, id " +
    "uuid, name text, tags set<text>, PRIMARY KEY ((ship), id)) WITH " +
    "CLUSTERING ORDER BY (id DESC)",
  "insert of 64 KB": `INSERT INTO a.b (c, d) VALUES (1, '${
    "x".repeat(65_000)
  }')`,
  "a list of 10,000 numbers": `SELECT * FROM a.b WHERE c IN (${
    Array.from({ length: 10_000 }, (_, i) => i).join(", ")
  })`,
};

const COUNT = 64;

for (const [name, text] of Object.entries(TEXTS)) {
  const decoder = new TextDecoder();
  const bytes = new TextEncoder().encode(text);
  Deno.bench({
    name,
    group: "recognize()",
    fn(b) {
      const texts = Array.from({ length: COUNT }, () => decoder.decode(bytes));
      b.start();
      for (const text of texts) recognize(text);
      b.end();
    },
  });
}
