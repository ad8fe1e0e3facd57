/** Conversations in frames: versions 3 and 4, and what comes before STARTUP. */
import { testParser } from "parley/testkit";
import { protocolError, PUBLIC, READ, SECRET } from "./conversation.ts";
import cassandra from "./mod.ts";
import {
  batch,
  denied,
  frame,
  int,
  joined,
  longString,
  preparedReply,
  query,
  reply,
  short,
  startup,
  string,
} from "./testkit.ts";

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
