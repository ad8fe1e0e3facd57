/** What a frame may hold beside its statement, and in how many pieces it may come. */
import { type Case, testParser } from "parley/testkit";
import { ID, PUBLIC, READ, SECRET } from "./conversation.ts";
import cassandra from "./mod.ts";
import {
  byte,
  denied,
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
  short,
  startup,
  string,
} from "./testkit.ts";

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
