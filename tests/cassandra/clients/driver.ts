/** Node's cassandra-driver, used as README.md says. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import process from "node:process";
import cassandra from "cassandra-driver";

const INSERT = "INSERT INTO shop.orders (id, n, v, b) VALUES (?, ?, ?, ?)";
const UNAUTHORIZED = 0x2100;
const PREPARED = { prepare: true };

type Client = cassandra.Client;

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function execute(client: Client): Promise<unknown> {
  for await (const text of input) await client.execute(text);
  return {};
}

async function results(client: Client, count: number): Promise<unknown> {
  await client.execute("TRUNCATE shop.orders");
  const blob = Buffer.from(Uint8Array.from({ length: 1 << 20 }, (_, i) => i));
  await client.execute(INSERT, [1, 0, null, blob], PREPARED);
  const literal = blob.subarray(0, 100_000).toString("hex");
  await client.execute(
    `INSERT INTO orders (id, n, b) VALUES (1, 1, 0x${literal})`,
  );
  const blobs = (await client.execute("SELECT b FROM orders WHERE id = 1"))
    .rows.map((row) => digest(row.b));

  const values = Array.from({ length: count }, (_, n) => [2, n, `v${n}`, null]);
  await cassandra.concurrent.executeConcurrent(client, INSERT, values, {
    concurrencyLevel: 500,
  });
  const select = "SELECT n, v FROM orders WHERE id = ?";
  const lines: string[] = [];
  const pages = await client.execute(select, [2], {
    ...PREPARED,
    fetchSize: 1000,
  });
  for await (const row of pages) lines.push(`${row.n} ${row.v}\n`);

  const inserts = Array.from(
    { length: 10 },
    (_, n) => ({ query: INSERT, params: [3, n, "batch", null] }),
  );
  await client.batch(inserts, PREPARED);
  await client.batch([
    "UPDATE shop.orders SET v = 'text' WHERE id = 3 AND n = 99",
  ]);
  await client.execute(
    "BEGIN BATCH INSERT INTO orders (id, n) VALUES (3, 100);" +
      " DELETE FROM shop.orders WHERE id = 3 AND n = 0 APPLY BATCH",
  );
  const batches = (await client.execute(select, [3], PREPARED)).rows
    .map(({ n, v }) => [n, v]);

  const traced = await client.execute(select, [3], {
    ...PREPARED,
    traceQuery: true,
  });
  const { columns } = await client.metadata.getTable("shop", "orders");
  return {
    blobs,
    pages: [lines.length, digest(lines.join(""))],
    batches,
    traced: traced.info.traceId !== undefined,
    schema: columns.map(({ name }) => name).toSorted(),
  };
}

async function refusals(client: Client): Promise<unknown> {
  const seen: Record<string, number> = {};
  const refused = async (act: () => Promise<unknown>) => {
    const refusal = await act().then(() => "nothing", nameOf);
    seen[refusal] = (seen[refusal] ?? 0) + 1;
  };
  for await (const text of input) {
    await refused(() => client.execute(text));
    await refused(() => client.execute(text, [], PREPARED));
  }
  const batch = [
    { query: INSERT, params: [1, 1, null, null] },
    { query: "INSERT INTO shop.secret (id) VALUES (?)", params: [1] },
  ];
  await refused(() => client.batch(batch, PREPARED));
  await refused(() => client.batch(batch));
  for (let n = 0; n < 100; n++) {
    await client.execute(INSERT, [9, n, null, null], PREPARED);
  }
  const up = client.hosts.values().every((host) => host.isUp());
  return { refusals: seen, up };
}

function nameOf(error: { readonly code?: number }): string {
  return error.code === UNAUTHORIZED ? "Unauthorized" : String(error);
}

async function reconnect(client: Client): Promise<unknown> {
  await client.execute(INSERT, [7, 0, null, null], PREPARED);
  console.log("ready");
  await input.next();
  const end = Date.now() + 60_000;
  let done = 0;
  while (done < 100 && Date.now() < end) {
    try {
      await client.execute(INSERT, [7, done, null, null], PREPARED);
      done++;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return { back: done === 100 };
}

function digest(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

const [port, version, , task, rows] = Deno.args;
const client = new cassandra.Client({
  contactPoints: [`127.0.0.1:${port}`],
  localDataCenter: "datacenter1",
  authProvider: new cassandra.auth.PlainTextAuthProvider(
    "cassandra",
    "cassandra",
  ),
  protocolOptions: { maxVersion: Number(version) },
  socketOptions: { readTimeout: 60_000, connectTimeout: 60_000 },
  policies: {
    retry: new cassandra.policies.retry.FallthroughRetryPolicy(),
    reconnection: new cassandra.policies.reconnection
      .ConstantReconnectionPolicy(200),
  },
  ...(task === "results" ? { keyspace: "shop" } : {}),
});
await client.connect();
const tasks = { execute, results, refusals, reconnect };
const answer = await tasks[task as keyof typeof tasks](client, Number(rows));
console.log(JSON.stringify(answer));
// One that has come back does not end by itself, not even when it is shut down.
Deno.exit();
