/** Conversations in frames: versions 3 and 4, and what comes before STARTUP. */
import { type Case, testParser } from "parley/testkit";
import cassandra from "./mod.ts";
import {
  batch,
  byte,
  denied,
  done,
  errorReply,
  execute,
  frame,
  int,
  joined,
  longString,
  packed,
  prepare,
  preparedReply,
  query,
  ready,
  reply,
  setKeyspace,
  short,
  startup,
  string,
} from "./testkit.ts";

type Rules = NonNullable<Case["rules"]>;

/** Tables of the keyspace `public` may be read and written. */
const PUBLIC: Rules = [
  { query_action: "select", query_table: "^public\\." },
  { query_action: "insert", query_table: "^public\\." },
];
const READ = "SELECT * FROM public.t";
const SECRET = "SELECT * FROM secret.t";
const ID = "\x01\x02\xff\x00id";
const UNPREPARED = "this statement is not known here: prepare it again";

function unprepared(id: string, options = {}) {
  return errorReply(0x2500, UNPREPARED, { ...options, rest: string(id) });
}

function protocolError(message: string, options = {}) {
  return errorReply(0x000a, message, options);
}

testParser("cassandra", cassandra, [
  {
    name: "forwards what a rule allows, and logs its shape",
    rules: PUBLIC,
    steps: [{ data: query("SELECT a FROM public.t WHERE k = 'value'") }],
    expect: [{
      out: query("SELECT a FROM public.t WHERE k = 'value'"),
      back: "",
      log: [{
        verdict: "forwarded",
        rule: "test#l7[0]",
        fields: {
          query_action: "select",
          query_table: "public.t",
          keyspace: "",
          prepared: false,
          opcode: "query",
          shape: "SELECT a FROM public.t WHERE k = ?",
        },
      }],
    }],
  },
  {
    name: "denies on the request's stream and version, and goes on",
    rules: PUBLIC,
    steps: [
      { data: query(SECRET, { version: 3, stream: 700 }) },
      { data: query(READ, { version: 3, stream: 2 }) },
    ],
    expect: [
      {
        out: "",
        back: denied("select on secret.t", { version: 3, stream: 700 }),
        log: [{
          verdict: "denied",
          reason: "no-rule",
          fields: { query_action: "select", query_table: "secret.t" },
        }],
      },
      { out: query(READ, { version: 3, stream: 2 }), back: "", closed: false },
    ],
  },
  {
    name: "denies a statement that nobody knows, on its stream",
    rules: PUBLIC,
    steps: [{ data: query("SELECT * FROM public.t; DROP TABLE secret.t") }],
    expect: [{
      out: "",
      back: denied("unknown"),
      log: [{ reason: "unknown-request", fields: { query_action: "unknown" } }],
    }],
  },
  {
    name: "forwards any statement under {}, and says that it is unknown",
    rules: [{}],
    steps: [{ data: query("what is this") }],
    expect: [{
      out: query("what is this"),
      log: [{ verdict: "forwarded", fields: { query_action: "unknown" } }],
    }],
  },
  {
    name:
      "takes a role's or a permission's statement under a rule that names it",
    rules: [{ query_table: "^public\\." }, { query_action: "list-roles" }],
    steps: [
      { data: query("LIST ROLES", { stream: 1 }) },
      { data: query("GRANT SELECT ON public.t TO bob", { stream: 2 }) },
      { data: query("CREATE ROLE bob", { stream: 3 }) },
      { data: query("CREATE INDEX ON public.t (a)", { stream: 4 }) },
      { data: query("CREATE INDEX ON secret.t (a)", { stream: 5 }) },
    ],
    total: {
      forward: joined(
        query("LIST ROLES", { stream: 1 }),
        query("CREATE INDEX ON public.t (a)", { stream: 4 }),
      ),
    },
  },
  {
    name: "denies a statement if one of its tables is denied",
    rules: [{ query_table: "^public\\." }],
    steps: [{
      data: query(
        "CREATE MATERIALIZED VIEW public.v AS SELECT * FROM secret.t WHERE k IS NOT NULL PRIMARY KEY (k)",
      ),
    }],
    total: { forward: "" },
  },
  {
    name:
      "judges each statement of a text batch, and marks all denied if one is",
    rules: PUBLIC,
    steps: [{
      data: query(
        "BEGIN BATCH INSERT INTO public.t (k) VALUES (1); INSERT INTO secret.t (k) VALUES (1); APPLY BATCH",
      ),
    }],
    expect: [{
      out: "",
      back: denied("insert on secret.t"),
      log: [
        {
          verdict: "denied",
          reason: "batch",
          fields: { query_table: "public.t" },
        },
        {
          verdict: "denied",
          reason: "no-rule",
          fields: { query_table: "secret.t" },
        },
      ],
    }],
  },
  {
    name: "lets different rules cover the statements of a batch",
    rules: [
      { query_action: "insert", query_table: "^a\\." },
      { query_action: "insert", query_table: "^b\\." },
    ],
    steps: [{
      data: batch([
        { text: "INSERT INTO a.t (k) VALUES (?)", values: ["x"] },
        { text: "INSERT INTO b.t (k) VALUES (?)", values: [null] },
      ]),
    }],
    expect: [{
      log: [{ rule: "test#l7[0]" }, { rule: "test#l7[1]" }],
    }],
    total: {
      forward: batch([
        { text: "INSERT INTO a.t (k) VALUES (?)", values: ["x"] },
        { text: "INSERT INTO b.t (k) VALUES (?)", values: [null] },
      ]),
    },
  },
  {
    name: "reads null and unset values in a batch, and what stands behind them",
    rules: PUBLIC,
    steps: [{
      data: batch([
        {
          text: "INSERT INTO public.t (a,b,c) VALUES (?,?,?)",
          values: [null, undefined, "SELECT * FROM secret.t"],
        },
        { text: "INSERT INTO secret.t (a) VALUES (1)" },
      ]),
    }],
    expect: [{ out: "", back: denied("insert on secret.t") }],
  },
  {
    name: "takes an empty batch under a rule for everything only",
    rules: PUBLIC,
    steps: [{ data: batch([]) }],
    expect: [{
      out: "",
      log: [{ fields: { query_action: "empty-batch", opcode: "batch" } }],
    }],
  },
  {
    name: "passes requests without a statement under any rule",
    rules: [{ query_action: "select", query_table: "^x$" }],
    steps: [
      { data: frame(0x05) },
      { data: frame(0x0b, joined(short(1), string("SCHEMA_CHANGE"))) },
      { data: frame(0x0f, int(-1)) },
    ],
    total: {
      forward: joined(
        frame(0x05),
        frame(0x0b, joined(short(1), string("SCHEMA_CHANGE"))),
        frame(0x0f, int(-1)),
      ),
      reply: "",
    },
  },
  {
    name: "logs no credentials",
    rules: [],
    steps: [{ data: frame(0x0f, longString("\0user\0secret")) }],
    expect: [{ log: [{ fields: { opcode: "auth-response" } }] }],
  },
  {
    name: "denies every request when no rule is there",
    rules: null,
    steps: [{ data: joined(startup(), frame(0x05, "", { stream: 2 })) }],
    expect: [{
      out: "",
      back: joined(denied("startup"), denied("options", { stream: 2 })),
    }],
  },
  {
    name: "denies an opcode that it does not know, whatever the rules",
    rules: [],
    steps: [{ data: joined(frame(0x7f, "abc"), frame(0xff), frame(0x08)) }],
    expect: [{
      out: "",
      back: joined(
        protocolError("unknown opcode 0x7f"),
        protocolError("unknown opcode 0xff"),
        protocolError("unknown opcode 0x08"),
      ),
      closed: false,
      log: [{ reason: "unknown-opcode", fields: { opcode: "0x7f" } }],
    }],
  },
  {
    name: "passes events and replies that nobody asked for",
    rules: PUBLIC,
    steps: [{
      reply: true,
      data: joined(
        reply(0x0c, string("STATUS_CHANGE"), { stream: -1 }),
        preparedReply("x"),
      ),
    }],
    total: {
      reply: joined(
        reply(0x0c, string("STATUS_CHANGE"), { stream: -1 }),
        preparedReply("x"),
      ),
    },
  },
]);

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

testParser("cassandra knows prepared statements:", cassandra, [
  {
    name: "judges EXECUTE by the text of its id",
    rules: PUBLIC,
    steps: [
      { data: prepare(READ) },
      { reply: true, data: preparedReply(ID) },
      { data: execute(ID, { values: ["x", null] }) },
    ],
    expect: [{}, {}, {
      out: execute(ID, { values: ["x", null] }),
      log: [{
        verdict: "forwarded",
        fields: {
          query_action: "select",
          query_table: "public.t",
          prepared: true,
          opcode: "execute",
        },
      }],
    }],
  },
  {
    name: "denies PREPARE",
    rules: PUBLIC,
    steps: [{ data: prepare(SECRET, { stream: 3 }) }],
    expect: [{ out: "", back: denied("select on secret.t", { stream: 3 }) }],
  },
  {
    name:
      "asks to prepare again what it does not know, under the id of the request",
    rules: [],
    steps: [
      { data: execute(ID, { stream: 5, version: 3 }) },
      { data: batch([{ id: "other" }], { stream: 6 }) },
      { data: execute("", { stream: 7 }) },
      { data: execute("x".repeat(65535), { stream: 8 }) },
    ],
    expect: [
      {
        out: "",
        back: unprepared(ID, { stream: 5, version: 3 }),
        log: [{ verdict: "denied", reason: "unprepared" }],
      },
      { out: "", back: unprepared("other", { stream: 6 }) },
      { out: "", back: unprepared("", { stream: 7 }) },
      { out: "", back: unprepared("x".repeat(65535), { stream: 8 }) },
    ],
  },
  {
    name: "judges texts and ids of one batch",
    rules: PUBLIC,
    steps: [
      { data: prepare("INSERT INTO public.t (k) VALUES (?)") },
      { reply: true, data: preparedReply(ID) },
      {
        data: batch([
          { id: ID, values: ["x"] },
          { text: "INSERT INTO secret.t (k) VALUES (1)" },
        ]),
      },
      {
        data: batch([
          { id: ID, values: [undefined] },
          { text: "INSERT INTO public.t (k) VALUES (1)" },
        ]),
      },
    ],
    expect: [{}, {}, { out: "", back: denied("insert on secret.t") }, {
      out: batch([
        { id: ID, values: [undefined] },
        { text: "INSERT INTO public.t (k) VALUES (1)" },
      ]),
      log: [{ fields: { prepared: true, opcode: "batch" } }, {
        fields: { prepared: false, opcode: "batch" },
      }],
    }],
  },
  {
    name: "keeps the keyspace that a text was prepared in",
    rules: [{ query_table: "^public\\." }],
    steps: [
      { data: query("USE public") },
      { reply: true, data: setKeyspace("public") },
      { data: prepare("SELECT * FROM t") },
      { reply: true, data: preparedReply(ID) },
      { data: query("USE secret") },
      { reply: true, data: setKeyspace("secret") },
      { data: execute(ID) },
    ],
    expect: [{}, {}, {}, {}, {}, {}, { out: execute(ID), back: "" }],
  },
  {
    name: "learns nothing from a stream that is used twice at once",
    rules: [{ query_table: "^(public|other)\\." }],
    steps: [
      {
        data: joined(
          prepare(READ, { stream: 1 }),
          prepare("SELECT * FROM other.t", { stream: 1 }),
        ),
      },
      { reply: true, data: joined(preparedReply("a"), preparedReply("b")) },
      { data: execute("a", { stream: 2 }) },
      { data: execute("b", { stream: 3 }) },
    ],
    expect: [{}, {}, { back: unprepared("a", { stream: 2 }) }, {
      back: unprepared("b", { stream: 3 }),
    }],
  },
  {
    name: "learns from replies with tracing, warnings and payload",
    rules: PUBLIC,
    steps: [
      { data: prepare(READ, { flags: 0x02 }) },
      {
        reply: true,
        data: reply(
          0x08,
          joined(
            "0123456789abcdef",
            short(2),
            string("careful"),
            string(""),
            short(1),
            string("key"),
            longString("value"),
            int(4),
            string(ID),
            int(0),
          ),
          { flags: 0x0e },
        ),
      },
      { data: execute(ID) },
    ],
    expect: [{}, {}, { out: execute(ID) }],
  },
  {
    name: "learns nothing from an error",
    rules: PUBLIC,
    steps: [
      { data: prepare(READ) },
      { reply: true, data: errorReply(0x2200, "no") },
      { reply: true, data: preparedReply(ID) },
      { data: execute(ID) },
    ],
    expect: [{}, {}, {}, { out: "", back: unprepared(ID) }],
  },
]);

const PAYLOAD = joined(
  short(2),
  string("key"),
  longString(query(SECRET)),
  string("none"),
  int(-1),
);
const LONG = "x".repeat(100_000);

testParser("cassandra frames:", cassandra, [
  {
    name: "reads the statement behind a custom payload",
    rules: PUBLIC,
    steps: [SECRET, READ].map((text) => ({
      data: frame(
        0x07,
        joined(PAYLOAD, longString(text), short(1), byte(0)),
        { flags: 0x04 },
      ),
    })),
    total: {
      forward: frame(
        0x07,
        joined(PAYLOAD, longString(READ), short(1), byte(0)),
        { flags: 0x04 },
      ),
      reply: denied("select on secret.t"),
    },
  },
  {
    name:
      "reads a body that tracing and warning flags do not move in a request",
    rules: PUBLIC,
    steps: [{ data: query(READ, { flags: 0xfa }) }],
    expect: [{ out: query(READ, { flags: 0xfa }) }],
  },
  {
    name: "refuses a custom payload in version 3, as the server does",
    rules: [],
    steps: [{ data: query(READ, { version: 3, flags: 0x04 }) }],
    expect: [{ out: "", closed: true }],
  },
  {
    name: "lets a large value through as it comes",
    rules: PUBLIC,
    steps: [
      { data: query(READ, { values: [LONG] }).subarray(0, 60) },
      { data: query(READ, { values: [LONG] }).subarray(60, 5000) },
    ],
    expect: [
      { out: query(READ, { values: [LONG] }).subarray(0, 60) },
      { out: query(READ, { values: [LONG] }).subarray(60, 5000) },
    ],
  },
  {
    name: "drops the rest of a large request that is denied, as it comes",
    rules: PUBLIC,
    steps: [
      { data: query(SECRET, { values: [LONG] }).subarray(0, 60) },
      { data: query(SECRET, { values: [LONG] }).subarray(60) },
      { data: query(READ) },
    ],
    expect: [
      { out: "", back: denied("select on secret.t") },
      { out: "", back: "" },
      { out: query(READ) },
    ],
  },
  {
    name: "sends a denial behind a reply that is passing",
    rules: PUBLIC,
    steps: [
      { data: query(READ) },
      { reply: true, data: reply(0x08, joined(int(2), LONG)).subarray(0, 50) },
      { data: query(SECRET, { stream: 2 }) },
      { reply: true, data: reply(0x08, joined(int(2), LONG)).subarray(50) },
    ],
    total: {
      reply: joined(
        reply(0x08, joined(int(2), LONG)),
        denied("select on secret.t", { stream: 2 }),
      ),
    },
  },
  {
    name: "reads lz4, and takes what is not packed",
    rules: PUBLIC,
    steps: [
      { data: startup({ compression: "LZ4" }) },
      { reply: true, data: ready() },
      { data: packed(query(READ), "lz4") },
      { data: packed(query(SECRET, { stream: 2 }), "lz4") },
      { data: query(SECRET, { stream: 3 }) },
      { data: packed(prepare(READ, { stream: 4 }), "lz4") },
      { reply: true, data: packed(preparedReply(ID, { stream: 4 }), "lz4") },
      { data: packed(execute(ID), "lz4") },
    ],
    total: {
      forward: joined(
        startup({ compression: "LZ4" }),
        packed(query(READ), "lz4"),
        packed(prepare(READ, { stream: 4 }), "lz4"),
        packed(execute(ID), "lz4"),
      ),
      reply: joined(
        ready(),
        denied("select on secret.t", { stream: 2 }),
        denied("select on secret.t", { stream: 3 }),
        packed(preparedReply(ID, { stream: 4 }), "lz4"),
      ),
    },
  },
  {
    name: "reads snappy",
    rules: PUBLIC,
    steps: [
      { data: startup({ COMPRESSION: "snappy" }, { version: 3 }) },
      { reply: true, data: reply(0x03, string("auth"), { version: 3 }) },
      { data: packed(query(READ, { version: 3 }), "snappy") },
      { data: packed(query(SECRET, { version: 3, stream: 2 }), "snappy") },
    ],
    total: {
      forward: joined(
        startup({ COMPRESSION: "snappy" }, { version: 3 }),
        packed(query(READ, { version: 3 }), "snappy"),
      ),
    },
  },
  {
    name: "takes requests behind a STARTUP whose answer changes nothing",
    rules: PUBLIC,
    steps: [
      { data: joined(startup(), query(READ, { stream: 2 })) },
      { reply: true, data: errorReply(0x0a, "no") },
      { data: startup() },
      { reply: true, data: ready() },
      { data: query(READ, { stream: 3 }) },
    ],
    total: {
      forward: joined(
        startup(),
        query(READ, { stream: 2 }),
        startup(),
        query(READ, { stream: 3 }),
      ),
      closed: false,
    },
  },
  ...[
    startup({ COMPRESSION: "lz4" }),
    startup({}, { version: 5 }),
  ].map((begin): Case => ({
    name:
      `takes nothing behind a STARTUP whose answer says how to go on, in version ${
        begin[0]
      }`,
    rules: PUBLIC,
    steps: [
      { data: begin },
      { data: query(READ, { version: begin[0]!, stream: 2 }) },
    ],
    expect: [{ out: begin }, {
      out: "",
      closed: true,
      log: [{ reason: "startup" }],
    }],
  })),
]);

const FAILS: [name: string, code: string, ...data: Uint8Array[]][] = [
  ["a response of a client", "malformed", reply(0x07, "")],
  ["a negative length", "frame-length", frame(0x07, "", { length: -1 })],
  ["257 MB", "frame-length", frame(0x07, "", { length: 257 * 2 ** 20 })],
  [
    "a text longer than its body",
    "malformed",
    frame(0x07, joined(int(100), "SELECT")),
  ],
  ["a text of negative length", "malformed", frame(0x07, int(-1))],
  ["no consistency", "malformed", frame(0x07, longString(READ))],
  ["no body", "malformed", frame(0x07)],
  [
    "a text that is not UTF-8",
    "malformed",
    query(Uint8Array.of(0x53, 0xff, 0xfe)),
  ],
  [
    "a text with a surrogate",
    "malformed",
    query(Uint8Array.of(0xed, 0xa0, 0x80)),
  ],
  [
    "an id longer than its body",
    "malformed",
    frame(0x0a, joined(short(9), "id")),
  ],
  [
    "a batch of an unknown type",
    "malformed",
    frame(0x0d, joined(byte(3), short(0), short(1), byte(0))),
  ],
  [
    "a batch of an unknown kind",
    "malformed",
    frame(
      0x0d,
      joined(byte(0), short(1), byte(2), short(0), short(0), short(1), byte(0)),
    ),
  ],
  [
    "a batch of more than there is",
    "malformed",
    frame(
      0x0d,
      joined(byte(0), short(65535), byte(0), longString(READ), short(0)),
    ),
  ],
  [
    "more values than there are",
    "malformed",
    frame(
      0x0d,
      joined(
        byte(0),
        short(1),
        byte(0),
        longString(READ),
        short(65535),
        int(-1),
      ),
    ),
  ],
  [
    "a value of length -3",
    "malformed",
    frame(
      0x0d,
      joined(
        byte(0),
        short(1),
        byte(0),
        longString(READ),
        short(1),
        int(-3),
        short(1),
        byte(0),
      ),
    ),
  ],
  [
    "a payload longer than its body",
    "malformed",
    frame(0x07, joined(short(1), string("k"), int(2 ** 30)), { flags: 4 }),
  ],
  [
    "a payload of more than there is",
    "malformed",
    frame(0x07, joined(short(65535), string("k"), int(-1)), { flags: 4 }),
  ],
  [
    "a packed body without an agreement",
    "compression",
    packed(query(READ), "lz4"),
  ],
  [
    "two compressions",
    "malformed",
    startup({ COMPRESSION: "lz4", compression: "snappy" }),
  ],
  [
    "two compressions, one with a dotless i",
    "malformed",
    startup({ COMPRESSION: "lz4", "compress\u0131on": "snappy" }),
  ],
  ["half a STARTUP", "malformed", frame(0x01, short(1))],
];

testParser(
  "cassandra closes on",
  cassandra,
  FAILS.map(([name, code, data]) => ({
    name,
    rules: [{}],
    steps: [{ data: joined(query(READ, { stream: 9 }), data!, query(SECRET)) }],
    expect: [{
      out: query(READ, { stream: 9 }),
      closed: true,
      log: [{ verdict: "error", reason: code }],
    }],
  })),
);

/** Conversations that STARTUP has begun. */
const STARTED: [
  name: string,
  code: string,
  version: number,
  compression: string,
  ...data: Uint8Array[],
][] = [
  [
    "another version than STARTUP's",
    "version",
    4,
    "",
    query(READ, { version: 3 }),
  ],
  ["a second STARTUP", "startup", 4, "", startup()],
  [
    "an LZ4 body without a length",
    "malformed",
    4,
    "lz4",
    frame(0x07, "abc", { flags: 1 }),
  ],
  [
    "an LZ4 body of negative length",
    "malformed",
    4,
    "lz4",
    frame(0x07, joined(int(-5), "abcdef"), { flags: 1 }),
  ],
  [
    "an LZ4 body that ends early",
    "malformed",
    4,
    "lz4",
    frame(0x07, joined(int(1000), byte(0x10), "a"), { flags: 1 }),
  ],
  [
    "an LZ4 match before the body",
    "malformed",
    4,
    "lz4",
    frame(0x07, joined(int(1000), byte(0x10), "a", byte(9), byte(0), byte(0)), {
      flags: 1,
    }),
  ],
  [
    "a Snappy length without an end",
    "malformed",
    4,
    "snappy",
    frame(0x07, Uint8Array.of(0xff, 0xff), { flags: 1 }),
  ],
  [
    "a Snappy length past 32 bits",
    "malformed",
    4,
    "snappy",
    frame(0x07, Uint8Array.of(255, 255, 255, 255, 255, 1), { flags: 1 }),
  ],
  [
    "a Snappy copy before the body",
    "malformed",
    4,
    "snappy",
    frame(0x07, Uint8Array.of(100, 0, 0x61, 0x01, 9), { flags: 1 }),
  ],
  [
    "a text that unpacks past the limit",
    "limit",
    4,
    "lz4",
    bomb(joined(int(2 ** 29))),
  ],
];

/** An LZ4 body that claims 1 GB and has 64 MB of zeros. */
function bomb(front: Uint8Array): Uint8Array {
  const run = new Uint8Array(250_000).fill(255);
  const block = joined(
    Uint8Array.of(0x50),
    front,
    byte(0),
    Uint8Array.of(1, 0),
    Uint8Array.of(0x1f, 0, 1, 0),
    run,
    byte(0),
  );
  return frame(0x07, joined(int(2 ** 30), block), { flags: 1 });
}

testParser(
  "cassandra, once started, closes on",
  cassandra,
  STARTED.map(([name, code, version, compression, data]) => ({
    name,
    rules: [{}],
    steps: [
      {
        data: startup(compression ? { COMPRESSION: compression } : {}, {
          version,
        }),
      },
      { reply: true, data: ready({ version }) },
      { data: data!.length > 1000 ? data! : joined(data!, query(READ)) },
    ],
    expect: [{}, {}, {
      out: "",
      closed: true,
      log: [{ verdict: "error", reason: code }],
    }],
  })),
);

const VERSIONS: [version: number, request: Uint8Array, answered: number][] = [
  [6, frame(0x01, "", { version: 6, stream: 3 }), 5],
  [66, frame(0x05, "", { version: 66, stream: 3 }), 5],
  [0x16, frame(0x05, "", { version: 0x17, stream: 3 }), 5],
];

testParser("cassandra refuses version", cassandra, [
  ...VERSIONS.map(([version, request, answered]): Case => ({
    name: `${version}, with the newest that is known`,
    rules: null,
    steps: [{ data: request }],
    expect: [{
      out: "",
      back: protocolError(
        `Invalid or unsupported protocol version (${
          request[0]
        }); supported versions are (3/v3, 4/v4, 5/v5)`,
        { version: answered, stream: 3 },
      ),
      closed: true,
      log: [{ reason: "version" }],
    }],
  })),
  {
    name: "2, in its own frame",
    rules: [],
    steps: [{ data: joined(byte(2), byte(0), byte(7), byte(1), int(0)) }],
    expect: [{
      out: "",
      back: joined(
        byte(0x82),
        byte(0),
        byte(7),
        byte(0),
        int(104),
        int(10),
        string(
          "Invalid or unsupported protocol version (2); supported versions are (3/v3, 4/v4, 5/v5)",
        ),
      ).fill(92, 7, 8),
      closed: true,
    }],
  },
  {
    name: "5 of a server that answers in 4, and reads no further request",
    rules: [],
    steps: [
      { data: startup({}, { version: 5 }) },
      { reply: true, data: protocolError("no", { version: 4 }) },
      { data: startup({}, { version: 5 }) },
    ],
    expect: [{ out: startup({}, { version: 5 }) }, {
      out: protocolError("no", { version: 4 }),
    }, { out: "", closed: true, log: [{ reason: "startup" }] }],
  },
]);
