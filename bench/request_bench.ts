/**
 * What a request costs: parse, policy and log line, without sockets.
 *
 * Each iteration feeds DEPTH pipelined requests in one read and their replies in
 * another, through the engine, under a policy of two rules, with a log line
 * formatted for each. Divide by the depth for the cost of a request.
 */
import memcache from "../parsers/memcache/mod.ts";
import r2d2 from "../parsers/r2d2.ts";
import { connect } from "./session.ts";
import { repeated, workloads } from "./workloads.ts";

/** Requests an iteration, so that the figures of both depths can be compared as they are. */
const PER_ITERATION = 64;

for (const workload of workloads({ memcache, r2d2 })) {
  for (const depth of [1, 64]) {
    const session = connect(workload);
    const requests = repeated(workload.request, depth);
    const replies = repeated(workload.reply, depth);
    Deno.bench({
      name: `${workload.name}, depth ${depth}: ${PER_ITERATION} requests`,
      group: workload.name,
      baseline: depth === 1,
      fn() {
        for (let i = 0; i < PER_ITERATION; i += depth) {
          session.feed(false, requests, false);
          session.feed(true, replies, false);
        }
      },
    });
  }
}
