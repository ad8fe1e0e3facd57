/** A connection that moves to another parser between any two calls goes on as if it had not. */
import { deepStrictEqual as assertEquals, throws } from "node:assert/strict";
import type { Connection, Decision, Parser } from "parley/proxylib";
import { connectionFor } from "./connection_harness_test.ts";
import cassandra from "./mod.ts";
import type { Request } from "./request.ts";
import {
  done,
  execute,
  int,
  joined,
  prepare,
  preparedReply,
  query,
  ready,
  reply,
  segment,
  setKeyspace,
  split,
  startup,
} from "./testkit.ts";

const V5 = { version: 5 } as const;
const LZ4 = { lz4: true, packed: true } as const;
const on = (stream: number) => ({ ...V5, stream });
const LONG = "x".repeat(900);
const insert = query("INSERT INTO t (k) VALUES (?)", {
  ...on(6),
  values: [LONG],
});
const large = split(reply(0x08, joined(int(2), LONG), on(6)), 300, LZ4);

const STEPS: [reply: boolean, data: Uint8Array][] = [
  [false, startup({ COMPRESSION: "lz4" }, V5)],
  [true, ready(V5)],
  [false, segment(query("USE open", on(1)), LZ4)],
  [false, segment(query("SELECT * FROM t", on(2)), LZ4)],
  [true, segment(setKeyspace("open", on(1)), LZ4)],
  [false, segment(query("SELECT * FROM t", on(3)), LZ4)],
  [false, segment(prepare("SELECT * FROM t", on(4)), LZ4)],
  [true, segment(joined(done(on(2)), preparedReply("id", on(4))), LZ4)],
  [false, segment(query("USE shut", on(5)), LZ4)],
  [true, segment(done(on(3)), LZ4)],
  [false, segment(execute("id", on(5)), LZ4)],
  [false, split(insert, 300, LZ4)],
  [true, large],
  [false, segment(query("SELECT * FROM shut.t", on(7)), LZ4)],
  [true, segment(done(on(5)), LZ4)],
];

/** What parsers say of the steps, segment by segment, and what they send. */
function run(moves: boolean): unknown[] {
  const said: unknown[] = [];
  const yes: Decision = { allowed: true, verdict: "forwarded" };
  const no: Decision = { allowed: false, verdict: "denied", reason: "no-rule" };
  const connection = connectionFor({
    logsResponses: true,
    matches: ({ tables, use }) =>
      use === "named" || tables.some((name) => name.startsWith("shut."))
        ? no
        : yes,
    inject: (reply, bytes) => said.push(["inject", reply, bytes]),
    log: (decision, fields, type, asked) =>
      said.push(["log", decision, fields, type, asked]),
  });
  let parser: Parser = cassandra.create(connection);
  for (const [reply, data] of STEPS) {
    for (let at = 0; at < data.length;) {
      if (moves) {
        const state = JSON.parse(JSON.stringify(parser.snapshot!()));
        parser = cassandra.restore!(connection, state, "before");
      }
      const verdict = parser.onData(reply, false, data.subarray(at), 0);
      said.push(verdict);
      if (verdict.op !== "pass" && verdict.op !== "drop") break;
      at += verdict.bytes;
    }
  }
  return said;
}

Deno.test("cassandra restores what was remembered, as JSON, between any two calls", () => {
  const stays = run(false);
  assertEquals(run(true), stays);
  assertEquals(stays.some((each) => Array.isArray(each)), true);
});

Deno.test("cassandra logs a reply with what the log gave for its request", () => {
  const said = run(true);
  const replies = said.filter((each) => Array.isArray(each))
    .filter(([what, , , type]) => what === "log" && type === "response");
  assertEquals(replies.length > 2, true);
  // The log here gives the number of the line.
  for (const [, , fields, , asked] of replies) {
    assertEquals((said[asked - 1] as unknown[])[2], fields);
  }
});

Deno.test("cassandra refuses the memory of a version that remembers other things", () => {
  const connection = {} as Connection<Request>;
  for (const state of [undefined, null, 1, {}, { phase: "open" }]) {
    throws(() => cassandra.restore!(connection, state, "before"), TypeError);
  }
});
