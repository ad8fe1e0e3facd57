/**
 * What a CQL request costs: parse, policy and log line, without sockets.
 *
 * Each iteration feeds DEPTH requests, each on a stream of its own, in one read
 * and their replies in another. In version 5 they stand in one segment. Divide
 * by the number in the name for the cost of a request.
 */
import cassandra from "../parsers/cassandra/mod.ts";
import {
  batch,
  done,
  execute,
  type FrameOptions,
  joined,
  prepare,
  preparedReply,
  query,
  ready,
  segment,
  startup,
} from "../parsers/cassandra/testkit.ts";
import { connect } from "./session.ts";

const RULES = [
  { query_action: "select", query_table: "^system\\." },
  { query_action: "insert", query_table: "^attendance\\.daily_records$" },
];
const ID = "0123456789abcdef";
/** 60 characters. */
const TEXT = "INSERT INTO attendance.daily_records (d, n) VALUES (1, 'ab')";
const VALUES = ["2026-11-24", "a name of some length"];

interface Workload {
  readonly name: string;
  request(options: FrameOptions): Uint8Array;
  /** Requests an iteration, so that the figures of both depths can be compared as they are. */
  readonly times: number;
}

const WORKLOADS: readonly Workload[] = [
  { name: "QUERY", request: (on) => query(TEXT, on), times: 64 },
  {
    name: "EXECUTE",
    request: (on) => execute(ID, { ...on, values: VALUES }),
    times: 64,
  },
  {
    name: "BATCH of 10",
    request: (on) => batch(Array(10).fill({ id: ID, values: VALUES }), on),
    times: 64,
  },
];

for (const version of [4, 5]) {
  for (const { name, request, times } of WORKLOADS) {
    for (const depth of [1, 64]) {
      const session = connect({ definition: cassandra, rules: RULES });
      const on = (stream: number) => ({ version, stream });
      session.feed(false, startup({}, on(0)), false);
      session.feed(true, ready(on(0)), false);
      const framed = (bytes: Uint8Array) =>
        version < 5 ? bytes : segment(bytes);
      session.feed(false, framed(prepare(TEXT, on(0))), false);
      session.feed(true, framed(preparedReply(ID, on(0))), false);

      const streams = Array.from({ length: depth }, (_, i) => on(i));
      const requests = framed(joined(...streams.map(request)));
      const replies = framed(joined(...streams.map(done)));
      Deno.bench({
        name: `v${version} ${name}, depth ${depth}: ${times} requests`,
        group: `v${version} ${name}`,
        baseline: depth === 1,
        fn() {
          for (let i = 0; i < times; i += depth) {
            session.feed(false, requests, false);
            session.feed(true, replies, false);
          }
        },
      });
    }
  }
}
