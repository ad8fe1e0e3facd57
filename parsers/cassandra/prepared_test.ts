/** Statements that were prepared, and those that are not known. */
import { testParser } from "parley/testkit";
import { ID, PUBLIC, READ, SECRET, unprepared } from "./conversation.ts";
import cassandra from "./mod.ts";
import {
  batch,
  denied,
  errorReply,
  execute,
  int,
  joined,
  longString,
  prepare,
  preparedReply,
  query,
  reply,
  setKeyspace,
  short,
  string,
} from "./testkit.ts";

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
