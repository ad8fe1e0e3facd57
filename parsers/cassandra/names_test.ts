/** What a table's name means: keyspaces, USE, and what is said of them. */
import { testParser } from "parley/testkit";
import { ID, PUBLIC, READ, unprepared } from "./conversation.ts";
import cassandra from "./mod.ts";
import {
  batch,
  denied,
  done,
  errorReply,
  execute,
  joined,
  prepare,
  preparedReply,
  query,
  setKeyspace,
} from "./testkit.ts";

testParser("cassandra resolves names:", cassandra, [
  {
    name: "by the keyspace of a USE that the server has accepted",
    rules: PUBLIC,
    steps: [
      { data: query("USE public") },
      { reply: true, data: setKeyspace("public") },
      { data: query("SELECT * FROM t") },
      { reply: true, data: done() },
      { data: query("USE secret", { stream: 2 }) },
      { reply: true, data: setKeyspace("secret", { stream: 2 }) },
      { data: query("SELECT * FROM t", { stream: 3 }) },
    ],
    total: {
      forward: joined(
        query("USE public"),
        query("SELECT * FROM t"),
        query("USE secret", { stream: 2 }),
      ),
      reply: joined(
        setKeyspace("public"),
        done(),
        setKeyspace("secret", { stream: 2 }),
        denied("select on secret.t", { stream: 3 }),
      ),
    },
  },
  {
    name: "not by a USE that the server has refused",
    rules: PUBLIC,
    steps: [
      { data: query("USE public") },
      { reply: true, data: errorReply(0x2200, "no such keyspace") },
      { data: query("SELECT * FROM t") },
    ],
    expect: [{}, {}, { out: "", back: denied("select on t") }],
  },
  {
    name: "in each keyspace that a USE under way may lead to",
    rules: [
      { query_action: "select", query_table: "^(public|other)\\.t$" },
    ],
    steps: [
      { data: query("USE public", { stream: 1 }) },
      { reply: true, data: setKeyspace("public", { stream: 1 }) },
      { data: query("USE other", { stream: 1 }) },
      { data: query("SELECT * FROM t", { stream: 2 }) },
      { reply: true, data: done({ stream: 2 }) },
      { data: query("USE secret", { stream: 3 }) },
      { data: query("SELECT * FROM t", { stream: 4 }) },
      { data: query(READ, { stream: 5 }) },
    ],
    expect: [
      {},
      {},
      { out: query("USE other", { stream: 1 }) },
      { out: query("SELECT * FROM t", { stream: 2 }), back: "" },
      {},
      { out: query("USE secret", { stream: 3 }) },
      { out: "", back: denied("select on secret.t", { stream: 4 }) },
      { out: query(READ, { stream: 5 }) },
    ],
  },
  {
    name:
      "so that no USE is sent while a text under way would be denied behind it",
    rules: PUBLIC,
    steps: [
      { data: query("USE public") },
      { reply: true, data: setKeyspace("public") },
      { data: query("SELECT * FROM t", { stream: 1 }) },
      { data: query("USE secret", { stream: 2 }) },
      { reply: true, data: done({ stream: 1 }) },
      { data: query("USE secret", { stream: 2 }) },
    ],
    expect: [
      {},
      {},
      {},
      {
        out: "",
        back: denied("use on secret", { stream: 2 }),
        log: [{ verdict: "denied", reason: "requests-under-way" }],
      },
      {},
      { out: query("USE secret", { stream: 2 }) },
    ],
  },
  {
    name: "in either keyspace, when two USE were under way together",
    rules: [{ query_action: "select", query_table: "^public\\." }],
    steps: [
      {
        data: joined(
          query("USE secret", { stream: 1 }),
          query("USE public", { stream: 2 }),
        ),
      },
      {
        reply: true,
        data: joined(
          setKeyspace("secret", { stream: 1 }),
          setKeyspace("public", { stream: 2 }),
        ),
      },
      { data: query("SELECT * FROM t", { stream: 3 }) },
      { data: query("USE public", { stream: 4 }) },
      { reply: true, data: setKeyspace("public", { stream: 4 }) },
      { data: query("SELECT * FROM t", { stream: 5 }) },
    ],
    expect: [
      {},
      {},
      {
        out: "",
        back: denied("select on secret.t", { stream: 3 }),
      },
      {},
      {},
      { out: query("SELECT * FROM t", { stream: 5 }) },
    ],
  },
  {
    name: "learning no id of a text that was prepared in doubt",
    rules: [{ query_action: "select", query_table: "\\.t$" }],
    steps: [
      { data: query("USE public") },
      { reply: true, data: setKeyspace("public") },
      { data: prepare("SELECT * FROM t", { stream: 1 }) },
      { data: query("USE secret", { stream: 2 }) },
      { data: prepare("SELECT a FROM t", { stream: 3 }) },
      {
        reply: true,
        data: joined(
          preparedReply("a", { stream: 1 }),
          preparedReply("b", { stream: 3 }),
        ),
      },
      { data: execute("a", { stream: 4 }) },
      { data: execute("b", { stream: 5 }) },
    ],
    expect: [{}, {}, {}, {}, {}, {}, {
      out: "",
      back: unprepared("a", { stream: 4 }),
    }, { out: "", back: unprepared("b", { stream: 5 }) }],
  },
  {
    name:
      "by the keyspace that a request names, in every version, as the server does",
    rules: PUBLIC,
    steps: [3, 4, 5].flatMap((version) => [
      { data: query("SELECT * FROM t", { version, keyspace: "public" }) },
      {
        data: query("SELECT * FROM t", {
          version,
          keyspace: "secret",
          values: [null, "x"],
        }),
      },
      { data: query("SELECT * FROM t", { version, keyspace: "Public" }) },
    ]),
    total: {
      forward: joined(
        ...[3, 4, 5].map((version) =>
          query("SELECT * FROM t", { version, keyspace: "public" })
        ),
      ),
    },
  },
  {
    name: "by the keyspace that a batch names",
    rules: PUBLIC,
    steps: [
      {
        data: batch([{ text: "INSERT INTO t (k) VALUES (1)" }], {
          keyspace: "secret",
        }),
      },
      {
        data: batch([{ text: "INSERT INTO t (k) VALUES (1)" }], {
          keyspace: "public",
        }),
      },
    ],
    total: {
      forward: batch([{ text: "INSERT INTO t (k) VALUES (1)" }], {
        keyspace: "public",
      }),
    },
  },
  {
    name: "by a keyspace with quotes in its case",
    rules: [{ query_table: "^Public\\.T$" }],
    steps: [
      { data: query('USE "Public"') },
      { reply: true, data: setKeyspace("Public") },
      { data: query('SELECT * FROM "T"', { stream: 2 }) },
      { data: query("SELECT * FROM T", { stream: 3 }) },
    ],
    total: {
      forward: joined(
        query('USE "Public"'),
        query('SELECT * FROM "T"', { stream: 2 }),
      ),
    },
  },
  {
    name: "with USE judged where a rule names it",
    rules: [
      { query_action: "use", query_table: "^public$" },
      { query_action: "select" },
    ],
    steps: [
      { data: query("USE public") },
      { reply: true, data: setKeyspace("public") },
      { data: query("USE secret") },
    ],
    total: {
      forward: query("USE public"),
      reply: joined(setKeyspace("public"), denied("use on secret")),
    },
  },
  {
    name: "with a PREPARE of USE that changes nothing",
    rules: PUBLIC,
    steps: [
      { data: query("USE public") },
      { reply: true, data: setKeyspace("public") },
      { data: prepare("USE secret") },
      { reply: true, data: preparedReply(ID) },
      { data: query("SELECT * FROM t") },
      { reply: true, data: done() },
      { data: execute(ID, { stream: 9 }) },
      { reply: true, data: setKeyspace("secret", { stream: 9 }) },
      { data: query("SELECT * FROM t", { stream: 10 }) },
    ],
    expect: [{}, {}, {}, {}, { out: query("SELECT * FROM t") }, {}, {}, {}, {
      out: "",
      back: denied("select on secret.t", { stream: 10 }),
    }],
  },
]);
