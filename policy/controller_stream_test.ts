/** A controller's lines: they count whole or not at all, whatever they are. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  throws as assertThrows,
} from "node:assert/strict";
import fc from "fast-check";
import { ControllerStream, OlderStateError } from "./controller_stream.ts";

const ENDPOINT =
  '{"event":"endpoint","name":"a","namespace":"default","labels":{"app":"a"}}';
const SYNCED = '{"event":"synced"}';
const RESET = '{"event":"reset"}';

const identity = (cidr: string) => JSON.stringify({ event: "identity", cidr });
const policy = (id: string, text = "{}") =>
  JSON.stringify({ event: "policy", id, text });

const synced = (newest: string, complete: string) =>
  JSON.stringify({
    event: "synced",
    versions: { pods: [newest, complete] },
  });

/** Takes lines; what counts after the last. */
function take(stream: ControllerStream, ...lines: string[]) {
  let told;
  for (const line of lines) told = stream.take(line) ?? told;
  return told;
}

Deno.test("nothing counts before its synced", () => {
  const stream = new ControllerStream(10_000);
  assertEquals(
    take(stream, RESET, ENDPOINT, policy("b"), policy("a"), ""),
    undefined,
  );
  const told = stream.take(SYNCED);
  assertEquals(told?.policies.map(({ file }) => file), [
    "controller: a",
    "controller: b",
  ]);
  assertEquals([...stream.lines], [ENDPOINT, policy("b"), policy("a")]);
});

Deno.test("later lines add to what counts, replace it and take it back", () => {
  const stream = new ControllerStream(10_000);
  take(stream, RESET, ENDPOINT, policy("a"), identity("10.0.0.1"), SYNCED);
  const told = take(
    stream,
    identity("10.0.0.2"),
    policy("a", "new"),
    '{"event":"identity-gone","cidr":"10.0.0.1"}',
    '{"event":"pod-cidrs","cidrs":["10.0.0.0/8"]}',
    SYNCED,
  );
  assertEquals(told?.knowledge.identities.map(({ cidr }) => cidr), [
    "10.0.0.2",
  ]);
  assertEquals(told?.knowledge.podCidrs, ["10.0.0.0/8"]);
  assertEquals(told?.policies, [{ file: "controller: a", text: "new" }]);
});

Deno.test("a reset takes back all", () => {
  const stream = new ControllerStream(10_000);
  take(stream, RESET, ENDPOINT, policy("a"), identity("10.0.0.1"), SYNCED);
  const told = take(stream, RESET, ENDPOINT, SYNCED);
  assertEquals([told?.policies, told?.knowledge.identities], [[], []]);
});

Deno.test("more than may be held is refused, and what counted counts", () => {
  const stream = new ControllerStream(500);
  take(stream, RESET, ENDPOINT, policy("a"), SYNCED);
  const lines = [...stream.lines];
  assertThrows(() => take(stream, policy("b", "x".repeat(600))), RangeError);
  stream.drop();
  assertEquals([...stream.lines], lines);
  // As much as may be held can be replaced by as much.
  take(stream, RESET, ENDPOINT, policy("b", "x".repeat(250)), SYNCED);
  const told = take(
    stream,
    RESET,
    ENDPOINT,
    policy("c", "x".repeat(250)),
    SYNCED,
  );
  assertEquals(told?.policies.map(({ file }) => file), ["controller: c"]);
});

Deno.test("a namespace's label may be as long as any", () => {
  const key = `io.cilium.k8s.namespace.labels.${"x".repeat(63)}`;
  const line = JSON.stringify({
    event: "identity",
    cidr: "10.0.0.1",
    labels: { [key]: "y" },
  });
  const told = take(
    new ControllerStream(10_000),
    RESET,
    ENDPOINT,
    line,
    SYNCED,
  );
  assertEquals(told?.knowledge.identities[0]?.labels, { [key]: "y" });
});

Deno.test("what may be older than what counts is refused, and can be taken all the same", () => {
  const stream = new ControllerStream(10_000);
  take(stream, RESET, ENDPOINT, identity("10.0.0.1"), synced("99", "120"));
  const lines = [...stream.lines];
  // All up to 98 is in it, and what counts has a change of 99.
  assertThrows(
    () => take(stream, RESET, ENDPOINT, synced("98", "98")),
    new OlderStateError(["pods"]),
  );
  stream.drop();
  assertEquals([...stream.lines], lines);
  // A change of 99 may be in it, though none of 120 is known.
  take(stream, identity("10.0.0.2"), synced("99", "99"));
  assertEquals([...stream.lines].length, 3);
  assertThrows(() => take(stream, RESET, ENDPOINT, synced("7", "8")));
  assertEquals(stream.takeOlder().knowledge.identities, []);
  take(stream, identity("10.0.0.3"), synced("7", "8"));
  assertEquals([...stream.lines].length, 2);
});

Deno.test("that nothing has changed may be said by who knows less, and takes nothing back", () => {
  const stream = new ControllerStream(10_000);
  take(stream, RESET, ENDPOINT, synced("99", "120"));
  assert(take(stream, synced("98", "98")));
  assertThrows(
    () => take(stream, identity("10.0.0.2"), synced("98", "98")),
    OlderStateError,
  );
});

Deno.test("states without versions count, and none is held against them", () => {
  const stream = new ControllerStream(10_000);
  take(stream, RESET, ENDPOINT, synced("99", "120"));
  assert(take(stream, SYNCED));
  assertThrows(() => take(stream, RESET, ENDPOINT, synced("98", "98")));
  stream.drop();
  take(stream, RESET, ENDPOINT, SYNCED);
  assert(take(stream, RESET, ENDPOINT, synced("98", "98")));
});

Deno.test("what a stream says again is held against what comes then, as before", () => {
  const before = new ControllerStream(10_000);
  take(before, RESET, ENDPOINT, synced("99", "120"));
  const stream = new ControllerStream(10_000);
  take(stream, ...before.lines, before.syncedLine);
  assertEquals(stream.syncedLine, synced("99", "120"));
  assertThrows(
    () => take(stream, RESET, ENDPOINT, synced("98", "98")),
    OlderStateError,
  );
});

/** Good lines, and what an attacker or a slip makes of them. */
const GOOD = [
  ...[RESET, ENDPOINT, SYNCED, policy("a"), identity("10.0.0.1"), ""],
  ...[synced("1", "1"), synced("2", "3")],
];
const anyLine = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...GOOD) },
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.json({ maxDepth: 2 }),
  fc.tuple(fc.constantFrom(...GOOD), fc.nat(60), fc.string({ maxLength: 4 }))
    .map(([line, at, put]) => line.slice(0, at) + put + line.slice(at + 1)),
);

Deno.test("whatever lines come, they count whole or an error says which is none", () => {
  let refused = 0;
  fc.assert(
    fc.property(fc.array(anyLine, { maxLength: 20 }), (lines) => {
      const stream = new ControllerStream(1_000);
      take(stream, RESET, ENDPOINT, identity("10.9.9.9"), SYNCED);
      for (const line of lines) {
        const before = [...stream.lines];
        try {
          if (stream.take(line)) continue;
        } catch (error) {
          assert(
            [TypeError, RangeError, OlderStateError].some((kind) =>
              error instanceof kind
            ),
          );
          refused++;
          stream.drop();
        }
        assertEquals([...stream.lines], before);
      }
    }),
    { numRuns: 500 },
  );
  assert(refused > 100, `${refused}`);
});
