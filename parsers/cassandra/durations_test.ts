/** Every request that is logged is said to be answered, once: by the server, or in its place. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { connectionFor } from "./connection_harness_test.ts";
import cassandra from "./mod.ts";
import {
  batch,
  done,
  execute,
  frame,
  query,
  ready,
  startup,
} from "./testkit.ts";

Deno.test("every request is answered once: forwarded, denied, refused, each statement of a batch, and two on one stream", () => {
  let given = 0;
  const answered: number[] = [];
  const connection = connectionFor({
    matches: ({ tables }) => {
      const allowed = !tables.some((name) => name.startsWith("shut."));
      return { allowed, verdict: allowed ? "forwarded" : "denied" };
    },
    inject: () => {},
    log: () => ++given,
    answered: (asked) => answered.push(asked),
  });
  const parser = cassandra.create(connection);
  const say = (reply: boolean, data: Uint8Array) =>
    parser.onData(reply, false, data, 0);
  say(false, startup());
  say(true, ready());
  const statement = (table: string) => {
    return { text: `INSERT INTO ${table} (a) VALUES (1)` };
  };
  say(false, query("SELECT * FROM open.t", { stream: 2 }));
  say(false, query("SELECT * FROM shut.t", { stream: 3 }));
  say(false, batch([statement("open.t"), statement("open.u")], { stream: 4 }));
  say(false, batch([statement("open.t"), statement("shut.u")], { stream: 5 }));
  say(false, execute("nobody's", { stream: 6 }));
  say(false, frame(0x33, "", { stream: 7 }));
  say(false, query("SELECT * FROM open.t", { stream: 8 }));
  say(false, query("SELECT * FROM open.u", { stream: 8 }));
  for (const stream of [8, 4, 2, 8]) say(true, done({ stream }));
  assertEquals(given, 11);
  assertEquals(
    answered.toSorted((a, b) => a - b),
    Array.from({ length: given }, (_, i) => i + 1),
  );
});
