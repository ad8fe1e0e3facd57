/** The policy in `examples/` says what it is meant to say. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { type Case, replay, testParser } from "parley/testkit";
import { createPolicyStore } from "../../policy/mod.ts";
import { createCatalog } from "../../proxy/registry/catalog.ts";
import cassandra from "./mod.ts";
import {
  batch,
  execute,
  joined,
  prepare,
  preparedReply,
  query,
} from "./testkit.ts";

const file = new URL("../../examples/policies/cassandra.yaml", import.meta.url);
const store = createPolicyStore(createCatalog({
  names: () => ["cassandra"],
  get: () => ({ definition: cassandra }),
}));
const { problems } = store.update([{
  file: "cassandra.yaml",
  text: Deno.readTextFileSync(file),
}]);

Deno.test("examples/policies/cassandra.yaml is without a problem", () => {
  assertEquals(problems, []);
});

const access = store.current.resolve({
  subject: {
    labels: ["k8s:app=cassandra", "k8s:io.kubernetes.pod.namespace=default"],
  },
  direction: "ingress",
  port: 9042,
  peer: {
    address: "192.0.2.1",
    labels: ["k8s:app=outpost", "k8s:io.kubernetes.pod.namespace=default"],
  },
});
const rules: NonNullable<Case["rules"]> = access.verdict === "allowed"
  ? access.sets.flatMap(({ rules }) => rules.map(({ raw }) => raw))
  : [];

const TEXTS: [text: string, isAllowed: boolean][] = [
  ["SELECT * FROM system.local WHERE key='local'", true],
  ["SELECT * FROM system_schema.keyspaces", true],
  ["SELECT * FROM system_virtual_schema.keyspaces", true],
  ["INSERT INTO attendance.daily_records (k) VALUES (1)", true],
  ["USE attendance", true],
  ["SELECT * FROM attendance.daily_records", false],
  ["UPDATE attendance.daily_records SET v = 1 WHERE k = 1", false],
  ["DELETE FROM attendance.daily_records WHERE k = 1", false],
  ["TRUNCATE attendance.daily_records", false],
  ["SELECT * FROM system_auth.roles", false],
  ["SELECT * FROM system_traces.sessions", false],
  ["INSERT INTO system.local (key) VALUES ('x')", false],
  ['SELECT * FROM "System".local', false],
  ["CREATE ROLE outpost WITH SUPERUSER = true", false],
  ["GRANT ALL ON ALL KEYSPACES TO outpost", false],
  ["DROP KEYSPACE attendance", false],
  [
    "BEGIN BATCH INSERT INTO attendance.daily_records (k) VALUES (1); DELETE FROM attendance.daily_records WHERE k = 1 APPLY BATCH",
    false,
  ],
];

for (const [text, isAllowed] of TEXTS) {
  Deno.test(`the example policy ${isAllowed ? "allows" : "denies"} ${text}, in all versions`, () => {
    for (const version of [3, 4, 5]) {
      for (const ask of [query, prepare]) {
        const data = ask(text, { version });
        const { forward, closed } =
          replay(cassandra, rules, [{ data }]).outcome;
        assertEquals(forward, isAllowed ? data : new Uint8Array(0));
        assertEquals(closed, false);
      }
    }
  });
}

testParser("the example policy", cassandra, [{
  name: "takes inserts that are prepared, and batches of them",
  rules,
  steps: [
    { data: prepare("INSERT INTO attendance.daily_records (k) VALUES (?)") },
    { reply: true, data: preparedReply("id") },
    { data: execute("id", { stream: 2 }) },
    { data: batch([{ id: "id" }, { id: "id" }], { stream: 3 }) },
  ],
  total: {
    forward: joined(
      prepare("INSERT INTO attendance.daily_records (k) VALUES (?)"),
      execute("id", { stream: 2 }),
      batch([{ id: "id" }, { id: "id" }], { stream: 3 }),
    ),
  },
}]);
