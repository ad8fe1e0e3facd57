/** A connection moves to another version of its parser between two calls, state and all, or stays where it is. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import {
  bytes,
  type Connection,
  defineParser,
  defineProtocol,
  latin1,
  line,
  more,
  nop,
  type Parser,
  type ParserDefinition,
  part,
  pass,
  type ProtocolSpec,
  z,
} from "parley/proxylib";
import { Bench } from "./session_bench_test.ts";

const rule = z.record(z.string(), z.string());

interface State {
  /** Requests read. */
  count: number;
}

/** Lines that are answered by lines; `no …` is denied with `word` and how many requests were read. */
function protocol(
  word: string,
  overrides: Partial<ProtocolSpec<string, unknown, State>> = {},
): ParserDefinition {
  return defineProtocol<string, unknown, State>({
    description: "test",
    rule,
    matches: () => true,
    state: () => ({ count: 0 }),
    frame: (data, seen) => line(data, seen, 100),
    request(head, state) {
      state.count++;
      return `${latin1(head, 0, head.length - 1)} ${state.count}`;
    },
    fields: (request) => ({ request }),
    unknown: () => false,
    refuse: (request) =>
      request.startsWith("no") ? { answer: deny(word, request) } : undefined,
    deny: (request) => deny(word, request),
    reply: (data, seen) => {
      const end = line(data, seen, 100);
      return end.op === "pass" ? pass(end.bytes) : part(data.length);
    },
    ...overrides,
  });
}

function deny(word: string, request: string): Uint8Array {
  return bytes(`${word} ${request.split(" ").at(-1)}\n`);
}

/** A parser of its own verdicts, with what a case says. */
function own(parts: Partial<ParserDefinition> & { reader?: Partial<Parser> }) {
  const { reader, ...rest } = parts;
  return defineParser({
    description: "test",
    rule,
    matches: () => true,
    create: () => ({
      onData: (_reply, _end, data) =>
        data.length === 0 ? nop() : pass(data.length),
      ...reader,
    }),
    ...rest,
  });
}

/** A connection that a version of a parser reads. */
function begin(definition: ParserDefinition): Bench {
  const it = new Bench({ l7proto: "test", definitions: { test: definition } });
  it.session.admit();
  return it;
}

/** Which version wrote the log's lines. */
function versions(it: Bench): unknown[] {
  return it.lines.map(({ parser }) => parser);
}

Deno.test("the next request is read by the new version, which knows what the old one knew", () => {
  const it = begin(protocol("OLD"));
  it.feed(">a\n", ">no\n");
  it.serve("test", "def456", protocol("NEW"));
  it.feed("<r\n", ">no\n", ">b\n");
  assertEquals(it.out, [
    ">a\n",
    "<r\n",
    "<OLD 2\n", // it was worded when it was decided
    "<NEW 3\n",
    ">b\n",
  ]);
  assertEquals(versions(it), [
    "test@abc123",
    "test@abc123",
    "test@def456",
    "test@def456",
  ]);
});

Deno.test("a connection that has said nothing is read by the new version from its first byte on", () => {
  const it = begin(protocol("OLD"));
  it.serve("test", "def456", own({})); // nothing to hand over, so nothing is needed for that
  it.feed(">no\n");
  assertEquals(it.out, [">no\n"]);
});

Deno.test("a part of a request is shown again, from its start", () => {
  const it = begin(protocol("OLD"));
  it.feed(">a\nn", ">o");
  it.serve("test", "def456", protocol("NEW"));
  it.feed(">\n");
  assertEquals(it.out, [">a\n"]);
  it.feed("<r\n");
  assertEquals(it.out, [">a\n", "<r\n", "<NEW 2\n"]);
});

Deno.test("a request that the new version finds whole is decided at once", () => {
  const patient = protocol("OLD", { frame: () => more(1) });
  const it = begin(patient);
  it.feed(">no\n");
  assertEquals(it.out, []);
  it.serve("test", "def456", protocol("NEW"));
  assertEquals(it.out, ["<NEW 1\n"]);
});

Deno.test("bytes that were decided before they came are passed, unseen by either version", () => {
  const it = begin(protocol("OLD", { body: () => 6 }));
  it.feed(">a\nno");
  it.serve("test", "def456", protocol("NEW"));
  it.feed(">\nno\nno\n");
  assertEquals(it.out, [">a\nno", ">\nno\n"]);
  it.feed("<r\n");
  assertEquals(it.out.slice(2), ["<r\n", "<NEW 2\n"]);
});

Deno.test("the transport is told, as the new version may pause where the old one did not", () => {
  const it = begin(protocol("OLD"));
  it.feed(">a\n");
  it.serve("test", "def456", protocol("NEW"));
  assertEquals(it.changes, 1);
});

Deno.test("the same version again changes nothing", () => {
  const it = begin(protocol("OLD"));
  it.feed(">a\n");
  it.session.parserChanged();
  assertEquals([it.changes, it.unrestored], [0, 0]);
});

const remembers = protocol("OLD", {
  state: () => ({ count: 0, other: "" }) as State,
});

const STAYING: {
  name: string;
  from?: ParserDefinition;
  to: ParserDefinition;
  told: boolean;
}[] = [
  {
    name: "the old version cannot say what it remembers",
    from: own({
      reader: {
        onData: (_reply, _end, data) =>
          data.length === 0 ? nop() : pass(data.length),
      },
    }),
    to: protocol("NEW"),
    told: false,
  },
  { name: "the new version takes nothing over", to: own({}), told: false },
  {
    name: "its restore throws",
    to: own({
      restore() {
        throw new Error("not mine");
      },
    }),
    told: true,
  },
  {
    name: "its restore throws something with no text",
    to: own({
      restore() {
        throw {
          get message() {
            throw 1;
          },
          toString: 1,
        };
      },
    }),
    told: true,
  },
  {
    name: "its restore acts on a connection that is not its own yet",
    to: own({
      restore(connection) {
        connection.inject(true, bytes("boo\n"));
        return { onData: () => nop() };
      },
    }),
    told: true,
  },
  {
    name:
      "its state has another form, and nobody says how to make it of the old one",
    to: protocol("NEW", { state: () => ({ count: "" }) as never }),
    told: true,
  },
  {
    name: "the old version remembers more than the new one has a place for",
    from: remembers,
    to: protocol("NEW"),
    told: true,
  },
  {
    name: "its own restore throws",
    to: protocol("NEW", {
      restore() {
        throw new Error("never");
      },
    }),
    told: true,
  },
];

for (const { name, from = protocol("OLD"), to, told } of STAYING) {
  Deno.test(`a connection finishes on the version it has when ${name}`, () => {
    const it = begin(from);
    it.feed(">a\n", "<r\n");
    it.serve("test", "def456", to);
    it.feed(">b\n");
    assertEquals(it.out, [">a\n", "<r\n", ">b\n"]);
    assertEquals(new Set(versions(it).slice(1)).has("test@def456"), false);
    assertEquals(it.unrestored, told ? 1 : 0);
  });
}

Deno.test("a state whose form has changed is made of the old one by the author's own restore", () => {
  const it = begin(remembers);
  it.feed(">a\n");
  const next = protocol("NEW", {
    restore({ state, requests }, from) {
      assertEquals([state, requests, from], [
        { count: 1, other: "" },
        ["a 1"],
        "abc123",
      ]);
      return { state: { count: 100 }, requests: ["a 1"] };
    },
  });
  it.serve("test", "def456", next);
  it.feed("<r\n", ">no\n");
  assertEquals(it.out, [">a\n", "<r\n", "<NEW 101\n"]);
});

const LAST_WORDS: { name: string; snapshot: () => unknown; text: RegExp }[] = [
  {
    name: "throws",
    snapshot() {
      throw new Error("no memory of it");
    },
    text: /^Panic: .*no memory of it/,
  },
  {
    name: "answers with what is no data",
    snapshot: () => ({ act: () => {} }),
    text: /^Panic: .*could not be cloned/,
  },
  {
    name: "answers with a promise",
    snapshot: () => Promise.resolve(1),
    text: /^Panic: .*could not be cloned/,
  },
];

for (const { name, snapshot, text } of LAST_WORDS) {
  Deno.test(`a snapshot that ${name} costs its connection`, () => {
    const it = begin(own({ reader: { snapshot } }));
    it.feed(">a\n");
    it.serve("test", "def456", protocol("NEW"));
    assertEquals(it.out, [">a\n", "close refused"]);
    assertMatch(String(it.fields["status"]), text);
  });
}

Deno.test("the old version can do nothing to a connection that it no longer reads", () => {
  let old: Connection | undefined;
  const it = begin(defineParser({
    ...protocol("OLD"),
    create(connection) {
      old = connection;
      return protocol("OLD").create(connection);
    },
  }));
  it.feed(">a\n");
  it.serve("test", "def456", protocol("NEW"));
  const acts: (() => unknown)[] = [
    () => old!.inject(true, bytes("boo\n")),
    () => old!.matches("x"),
    () => old!.log({ allowed: true, verdict: "forwarded" }, {}),
  ];
  for (const act of acts) {
    let thrown: unknown;
    try {
      act();
    } catch (error) {
      thrown = error;
    }
    assertMatch(String(thrown), /another version of the parser is in charge/);
  }
  assertEquals(it.out, [">a\n"]);
});

Deno.test("nothing happens to a connection that is on its way to another process; if it stays, what was missed counts", () => {
  const it = begin(protocol("OLD", { frame: () => more(1) }));
  it.feed(">no\n");
  const moved = it.session.suspend();
  assertEquals(moved?.stream?.request.held, bytes("no\n"));
  it.serve("test", "def456", protocol("NEW"));
  it.session.policyChanged();
  assertEquals([it.out, it.lines], [[], []]);
  it.session.stay();
  assertEquals(it.out, ["<NEW 1\n"]);
});
