/** The kit must find what it is for: each row is a parser with one defect. */
import {
  deepStrictEqual as assertEquals,
  match,
  throws,
} from "node:assert/strict";
import {
  bytes,
  type Connection,
  defineParser,
  defineProtocol,
  drop,
  latin1,
  line,
  more,
  nop,
  type Parser,
  pass,
  z,
} from "parley/proxylib";
import { type Case, checkCase, replay } from "./testkit.ts";

type Create = (connection: Connection) => Parser;

function parser(create: Create) {
  return defineParser({
    description: "under test",
    rule: z.strictObject({ word: z.string() }),
    matches: () => true,
    create,
  });
}

const sound = parser(() => ({
  onData: (_reply, _end, data, seen) =>
    data.length === 0 ? nop() : line(data, seen, 100),
}));

const CASE: Case = {
  name: "lines",
  steps: [{ data: "one\ntwo\n" }, { reply: true, data: "three\n" }],
  total: { forward: "one\ntwo\n", reply: "three\n", closed: false },
};

Deno.test("checkCase finds nothing wrong with a sound parser", () => {
  assertEquals(checkCase(sound, CASE), []);
});

let counter = 0;
const DEFECTS: [name: string, defect: Create, found: RegExp][] = [
  [
    "decides by the read, not by the frame",
    () => ({
      onData: (_reply, _end, data) =>
        data.length === 0
          ? nop()
          : data.length < 4
          ? drop(data.length)
          : pass(data.length),
    }),
    /^byte by byte: in all, forward: differs at byte 0/,
  ],
  [
    "forgets that MORE shows the same bytes again",
    () => {
      const state = { bytes: 0 };
      return {
        onData(_reply, _end, data, seen) {
          state.bytes += data.length;
          return data.length === 0 ? nop() : line(data, seen, 100);
        },
        snapshot: () => ({ ...state }),
      };
    },
    /changed its state before MORE/,
  ],
  [
    "injects, and changes its state, at each MORE",
    (connection) => {
      const state = { greeted: 0 };
      return {
        onData(reply, _end, data, seen) {
          if (data.length === 0) return nop();
          const verdict = line(data, seen, 100);
          if (verdict.op === "more") {
            state.greeted++;
            connection.inject(!reply, bytes("wait\n"));
          }
          return verdict;
        },
        snapshot: () => ({ ...state }),
      };
    },
    /changed its state before MORE/,
  ],
  [
    "does not do the same twice",
    () => ({
      onData: (_reply, _end, data) =>
        data.length === 0 ? nop() : counter++ < 2 // the conversation as written, and no cut of it
          ? pass(data.length)
          : drop(data.length),
    }),
    /in all, forward/,
  ],
];

for (const [name, defect, found] of DEFECTS) {
  Deno.test(`checkCase finds a parser that ${name}`, () => {
    match(checkCase(parser(defect), CASE).join("\n"), found);
  });
}

Deno.test("checkCase does not mistake a denial that is sent in its turn for a change of state", () => {
  const protocol = defineProtocol({
    description: "lines",
    rule: z.strictObject({ start: z.string() }),
    matches: ({ start }, text: string) => text.startsWith(start),
    frame: (data, seen) => line(data, seen, 100),
    request: (head) => latin1(head),
    fields: () => ({}),
    deny: () => bytes("no\n"),
    reply: (data, seen) => line(data, seen, 100), // holds the reply behind the denial
  });
  const found = checkCase(protocol, {
    name: "pipelined",
    rules: [{ start: "a" }],
    steps: [{ data: "a\nb\na\n" }, { reply: true, data: "one\ntwo\n" }],
    total: { reply: "one\nno\ntwo\n" },
  });
  assertEquals(found, []);
});

Deno.test("checkCase refuses rules that would not load", () => {
  throws(
    () => checkCase(sound, { ...CASE, rules: [{ verb: "x" }] }),
    /verb/,
  );
});

const WRONG: [member: string, expected: Partial<Case>, found: RegExp][] = [
  ["out", { expect: [{ out: "one\n" }] }, /^step 0, out: differs at byte 4/],
  ["back", { expect: [{ back: "x" }] }, /^step 0, back: differs at byte 0/],
  ["closed", { expect: [{ closed: true }] }, /^step 0: expected closed true/],
  [
    "log",
    { expect: [{ log: [{ verdict: "denied" }] }] },
    /^step 0, log: no such line/,
  ],
  ["total", { total: { reply: "" } }, /^in all, reply: differs at byte 0/],
  ["absent", { absent: { forward: ["two"] } }, /^forward: must never leave/],
  ["a step", { expect: [{}, {}, {}] }, /^step 2: expected, but there is none/],
];

for (const [member, expected, found] of WRONG) {
  Deno.test(`checkCase compares ${member}`, () => {
    const { name, steps } = CASE;
    match(checkCase(sound, { name, steps, ...expected }).join("\n"), found);
  });
}

Deno.test("replay tells a panic and an unfinished frame in the log", () => {
  const panics = parser(() => ({
    onData() {
      throw new Error("gone");
    },
  }));
  const { log, closed } = replay(panics, [], [{ data: "x" }]).outcome;
  assertEquals([closed, log[0]?.reason], [true, "panic"]);

  const cut = replay(sound, [], [{ data: "ab", end: true }]).outcome;
  assertEquals([cut.closed, cut.log], [false, [{
    type: "connection",
    verdict: "error",
    reason: "partial-frame",
    fields: { reply: false, bytes: 2 },
  }]]);
});

Deno.test("replay copies what leaves, for its bytes are valid during the call only", () => {
  const shared = bytes("once\n");
  const { outcome } = replay(sound, [], [{ data: shared }]);
  shared.fill(0);
  assertEquals(latin1(outcome.forward), "once\n");
});

Deno.test("replay waits as a transport would for a parser that wants more", () => {
  const waits = parser(() => ({
    onData: (_reply, _end, data) =>
      data.length < 3 ? more(3 - data.length) : pass(3),
  }));
  const { outcome } = replay(waits, [], [{ data: "ab" }, { data: "cd" }]);
  assertEquals(outcome.steps.map(({ out }) => latin1(out)), ["", "abc"]);
});
