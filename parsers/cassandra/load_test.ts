/** Clients that ask for much at once: what is kept is bounded, and nobody is forgotten. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import type { Connection, Decision } from "parley/proxylib";
import { replay, type Step } from "parley/testkit";
import { connectionFor } from "./connection_harness_test.ts";
import cassandra from "./mod.ts";
import type { Request } from "./request.ts";
import {
  denied,
  done,
  frame,
  int,
  prepare,
  preparedReply,
  query,
  ready,
  reply,
  segment,
  startup,
} from "./testkit.ts";

const STREAMS = 32_768;
const RULES = [{ query_action: "select", query_table: "^a\\." }];

/** A connection that counts what it is sent. */
function recorder(): { connection: Connection<Request>; sent: () => number } {
  let sent = 0;
  const forwarded: Decision = { allowed: true, verdict: "forwarded" };
  const no: Decision = { allowed: false, verdict: "denied", reason: "no-rule" };
  return {
    sent: () => sent,
    connection: connectionFor({
      matches: (request) => request.tables[0] === "b.t" ? no : forwarded,
      inject: (_reply, bytes) => sent += bytes.length,
    }),
  };
}

Deno.test("32,768 streams in flight are answered, each on its own", () => {
  const { connection, sent } = recorder();
  const parser = cassandra.create(connection);
  let forwarded = 0;
  for (let stream = 0; stream < STREAMS; stream++) {
    const table = stream % 3 ? "a.t" : "b.t";
    const data = query(`SELECT * FROM ${table}`, { stream });
    const { op, bytes } = parser.onData(false, false, data, 0);
    assertEquals([op, bytes], [stream % 3 ? "pass" : "drop", data.length]);
    forwarded += op === "pass" ? 1 : 0;
  }
  const denials = STREAMS - forwarded;
  assertEquals(sent(), denials * denied("select on b.t").length);
  const outstanding = () =>
    (parser.snapshot!() as { streams: unknown[] }).streams.length;
  assertEquals(outstanding(), forwarded);
  for (let stream = 0; stream < STREAMS; stream++) {
    parser.onData(true, false, done({ stream }), 0);
  }
  assertEquals(outstanding(), 0);
});

Deno.test("texts being prepared are bounded: past that the client is not read until some are answered", () => {
  const parser = cassandra.create(recorder().connection);
  const text = `SELECT * FROM a.t WHERE k = '${"x".repeat(500_000)}'`;
  const ask = (stream: number) => {
    const data = prepare(text, { stream });
    return parser.onData(false, false, data, 0).op;
  };
  const ops = Array.from({ length: 12 }, (_, i) => ask(i));
  assertEquals(ops.slice(0, 8), Array(8).fill("pass"));
  assertEquals(ops.at(-1), "nop");
  for (let stream = 0; stream < 8; stream++) {
    const data = preparedReply(`${stream}`, { stream });
    assertEquals(parser.onData(true, false, data, 0).op, "pass");
  }
  assertEquals(ask(12), "pass");
});

Deno.test("denials that wait for a reply under way are bounded", () => {
  const { connection } = recorder();
  const parser = cassandra.create(connection);
  const large = reply(0x08, int(2), { length: 200_000_000 });
  assertEquals(parser.onData(true, false, large, 0).op, "pass");
  const ops = new Set<string>();
  let asked = 0;
  const data = query("SELECT * FROM b.t");
  for (; asked < 100_000 && !ops.has("nop"); asked++) {
    ops.add(parser.onData(false, false, data, 0).op);
  }
  assert(asked < 10_000, `${asked} requests were denied`);
  parser.onData(true, false, new Uint8Array(0), 0); // it has passed
  assertEquals(parser.onData(false, false, data, 0).op, "drop");
});

Deno.test("a frame that claims 256 MB is not held once it is decided", () => {
  const head = query("SELECT * FROM a.t", { length: 256 * 2 ** 20 });
  const value = new Uint8Array(100_000);
  const steps: Step[] = [{ data: head }, { data: value }];
  const { outcome } = replay(cassandra, RULES, steps);
  assertEquals(outcome.steps.map(({ out }) => out.length), [
    head.length,
    value.length,
  ]);
});

Deno.test("a frame that claims 256 MB and decides nothing is not held past the limit", () => {
  const head = frame(0x07, int(250 * 2 ** 20), { length: 256 * 2 ** 20 });
  const { outcome } = replay(cassandra, RULES, [{ data: head }]);
  assertEquals(outcome.log.at(-1)?.reason, "limit");
});

Deno.test("a split frame that decides nothing is not held past the limit", () => {
  const head = frame(0x07, int(250 * 2 ** 20), {
    version: 5,
    length: 256 * 2 ** 20,
  });
  const part = segment(new Uint8Array(100_000).fill(0x20), {
    contained: false,
  });
  const { outcome } = replay(cassandra, RULES, [
    { data: startup({}, { version: 5 }) },
    { reply: true, data: ready({ version: 5 }) },
    { data: segment(head, { contained: false }) },
    ...Array.from({ length: 200 }, () => ({ data: part })),
  ]);
  assertEquals(outcome.forward, startup({}, { version: 5 }));
  assertEquals(outcome.log.at(-1)?.reason, "limit");
});
