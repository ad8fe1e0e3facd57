import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import type { Connection, Decision } from "./connection.ts";
import { line } from "./framing.ts";
import type { Parser } from "./parser.ts";
import { defineProtocol, type ProtocolSpec, type Refusal } from "./protocol.ts";
import { bytes, latin1 } from "./text.ts";
import { drop, error, errorInTurn, more, nop, part, pass } from "./verdict.ts";
import { z } from "./mod.ts";

/**
 * Lines; what starts with "x" is denied. "+n" after a word is a body of n bytes.
 * The reply to a barrier starts with "-".
 */
interface Request {
  readonly text: string;
}
type Spec = ProtocolSpec<Request, unknown, { requests: number }>;

const REFUSALS: Readonly<Record<string, Refusal>> = {
  bad: { answer: bytes("refused\n") },
  mute: {},
  hang: { answer: bytes("bye\n"), close: "malformed" },
};
const ALLOWED: Decision = { allowed: true, verdict: "forwarded", rule: "r" };
const DENIED: Decision = {
  allowed: false,
  verdict: "denied",
  reason: "no-rule",
};

const SPEC: Spec = {
  description: "lines",
  rule: z.unknown(),
  matches: () => true,
  state: () => ({ requests: 0 }),
  frame: (data, seen) => line(data, seen, 64),
  request(head, state) {
    state.requests++;
    return { text: latin1(head, 0, head.length - 1) };
  },
  body: ({ text }) => Number(text.split("+")[1] ?? 0),
  fields: ({ text }) => ({ text }),
  deny: ({ text }) => bytes(`no ${text}\n`),
  refuse: ({ text }) => REFUSALS[text],
  answered: ({ text }) =>
    text === "never" || text === "perhaps" ? text : "always",
  barrier: () => ({ bytes: bytes("barrier\n"), request: { text: "barrier" } }),
  blurs: ({ text }) => text.startsWith("blur"),
  reply(data, seen, request) {
    const isIts = request?.text !== "barrier" || data[0] === 0x2d;
    return isIts ? line(data, seen, 64) : undefined;
  },
};

/** A parser that is called by hand, and a record of what it asked for. */
class Bench {
  readonly events: string[] = [];
  readonly parser: Parser;

  constructor(
    spec: Spec = SPEC,
    decide: (text: string) => Decision = (text) =>
      text.startsWith("x") ? DENIED : ALLOWED,
  ) {
    const end = { address: "192.0.2.1:1", labels: [] };
    const connection: Connection<Request> = {
      id: 1,
      direction: "ingress",
      source: end,
      destination: end,
      port: 1,
      frameBytes: 1 << 24,
      shared: { get: () => undefined, set: () => {} },
      matches: ({ text }) => decide(text),
      inject: (reply, data) => {
        this.events.push(`${reply ? "reply" : "forward"} ${latin1(data)}`);
      },
      logsResponses: true,
      log: ({ verdict, reason }, { text }, type = "request") => {
        this.events.push(
          `log ${type} ${verdict}${reason ? ` ${reason}` : ""} ${text}`,
        );
        return 0;
      },
      answered: () => {},
    };
    this.parser = defineProtocol(spec).create(connection);
  }

  request(text: string) {
    return this.parser.onData(false, false, bytes(text), 0);
  }

  reply(text: string) {
    return this.parser.onData(true, false, bytes(text), 0);
  }

  /** What was injected, the logs left out. */
  get injected(): string[] {
    return this.events.filter((event) => !event.startsWith("log"));
  }
}

Deno.test("defineProtocol passes what is allowed and logs it with its rule's decision", () => {
  const bench = new Bench();
  assertEquals(bench.request("get\nnext"), pass(4));
  assertEquals(bench.events, ["log request forwarded get"]);
});

Deno.test("defineProtocol drops what is denied and answers at once when no reply is due", () => {
  const bench = new Bench();
  assertEquals(bench.request("xa\n"), drop(3));
  assertEquals(bench.events, [
    "log request denied no-rule xa",
    "reply no xa\n",
  ]);
});

Deno.test("defineProtocol lets a body share its head's fate, unseen", () => {
  const bench = new Bench();
  assertEquals(bench.request("put+1000\nabc"), pass(1009));
  assertEquals(bench.request("xput+1000\nabc"), drop(1010));
});

Deno.test("defineProtocol answers NOP to nothing in either direction", () => {
  const bench = new Bench();
  assertEquals([bench.request(""), bench.reply("")], [nop(), nop()]);
});

Deno.test("defineProtocol hands on MORE and errors of frame, with nothing logged or changed", () => {
  const bench = new Bench();
  const before = bench.parser.snapshot?.();
  assertEquals(bench.request("ge"), more(1));
  assertEquals(bench.request("x".repeat(64)), error("frame-length"));
  assertEquals(bench.parser.snapshot?.(), before);
  assertEquals(bench.events, []);
});

Deno.test("defineProtocol waits for a head that frame found but that is not here yet", () => {
  const bench = new Bench({ ...SPEC, frame: () => pass(10) });
  assertEquals(bench.request("get\n"), more(6));
  assertEquals(bench.events, []);
});

Deno.test("defineProtocol keeps denials in their turn among pipelined replies", () => {
  const bench = new Bench();
  for (const text of ["a\n", "xb\n", "xc\n", "d\n", "xe\n"]) {
    bench.request(text);
  }
  assertEquals(bench.injected, []);

  assertEquals(bench.reply("A\nD\n"), pass(2));
  assertEquals(bench.injected, []); // not before A has left
  assertEquals(bench.reply("D\n"), pass(2));
  assertEquals(bench.injected, ["reply no xb\n", "reply no xc\n"]);
  assertEquals(bench.reply(""), nop());
  assertEquals(bench.injected.slice(2), ["reply no xe\n"]);
  bench.request("xf\n");
  assertEquals(bench.injected.slice(3), ["reply no xf\n"]);
});

Deno.test("defineProtocol logs a reply with the request that it answers", () => {
  const bench = new Bench();
  bench.request("a\n");
  bench.request("b\n");
  bench.reply("A\n");
  bench.reply("B\n");
  assertEquals(bench.events.slice(2), [
    "log response forwarded a",
    "log response forwarded b",
  ]);
});

Deno.test("defineProtocol keeps a denial out of a reply that comes in parts", () => {
  const bench = new Bench({
    ...SPEC,
    reply: (data) =>
      data.indexOf(10) < 0 ? part(data.length) : pass(data.indexOf(10) + 1),
  });
  bench.request("a\n");
  assertEquals(bench.reply("half"), part(4));
  bench.request("xb\n");
  assertEquals(bench.reply(""), nop());
  assertEquals(bench.injected, []);
  assertEquals(bench.reply("rest\n"), pass(5));
  bench.reply("");
  assertEquals(bench.injected, ["reply no xb\n"]);
});

Deno.test("defineProtocol keeps a reply that nobody asked for apart from those due", () => {
  const asked: (string | undefined)[] = [];
  const bench = new Bench({
    ...SPEC,
    reply(data, _seen, request) {
      asked.push(request?.text);
      return data.indexOf(10) < 0 ? part(data.length) : pass(data.length);
    },
  });
  bench.reply("hel");
  bench.request("xa\n");
  bench.request("b\n");
  bench.reply("lo\n");
  assertEquals(bench.injected, []);
  bench.reply("B\n");
  assertEquals(asked, [undefined, undefined, "b"]);
  assertEquals(bench.injected, ["reply no xa\n"]);
});

Deno.test("defineProtocol passes replies unread and denies at once without a reply function", () => {
  const { reply: _, ...spec } = SPEC;
  const bench = new Bench(spec);
  bench.request("a\n");
  bench.request("xb\n");
  assertEquals(bench.injected, ["reply no xb\n"]);
  assertEquals(bench.reply("anything"), pass(8));
});

Deno.test("defineProtocol gives a refusal in its turn, whatever the policy says", () => {
  const bench = new Bench();
  bench.request("a\n");
  assertEquals(bench.request("bad\n"), drop(4));
  assertEquals(bench.events.at(-1), "log request error malformed bad");
  bench.reply("A\n");
  bench.reply("");
  assertEquals(bench.injected, ["reply refused\n"]);
});

Deno.test("defineProtocol takes a refusal without answer, and no denial, as silence", () => {
  const bench = new Bench({ ...SPEC, deny: () => undefined });
  assertEquals(bench.request("mute\n"), drop(5));
  assertEquals(bench.request("xa\n"), drop(3));
  assertEquals(bench.injected, []);
});

Deno.test("defineProtocol expects no reply to a request that is not answered", () => {
  const bench = new Bench();
  bench.request("never\n");
  bench.request("xa\n");
  assertEquals(bench.injected, ["reply no xa\n"]);
});

Deno.test("defineProtocol sends a barrier behind quiet requests and swallows its reply, so that a denial comes in its turn", () => {
  const bench = new Bench();
  bench.request("perhaps\n");
  bench.request("perhaps\n");
  bench.request("xa\n");
  assertEquals(bench.injected, ["forward barrier\n"]);
  assertEquals(bench.reply("answer of a quiet one\n"), pass(22));
  assertEquals(bench.reply("-\n"), drop(2));
  bench.reply("");
  assertEquals(bench.injected, ["forward barrier\n", "reply no xa\n"]);
});

Deno.test("defineProtocol sends no barrier where a later reply shows that quiet requests are done", () => {
  const bench = new Bench();
  bench.request("perhaps\n");
  bench.request("a\n");
  bench.request("xb\n");
  bench.reply("A\n");
  bench.reply("");
  assertEquals(bench.injected, ["reply no xb\n"]);
});

Deno.test("defineProtocol puts a barrier before a request whose reply could be a quiet one's", () => {
  const bench = new Bench();
  bench.request("perhaps\n");
  bench.request("blurred\n");
  assertEquals(bench.injected, ["forward barrier\n"]);
  assertEquals(
    [bench.reply("-\n"), bench.reply("B\n")],
    [drop(2), pass(2)],
  );
});

Deno.test("defineProtocol keeps one entry for quiet requests in a row", () => {
  const bench = new Bench();
  for (let i = 0; i < 20_000; i++) {
    assertEquals(bench.request("perhaps\n"), pass(8));
  }
});

Deno.test("defineProtocol closes where the server would, once everything before is answered", () => {
  for (const last of ["hang\n", "y".repeat(64)]) {
    const bench = new Bench();
    bench.request("a\n");
    const code = last === "hang\n" ? "malformed" : "frame-length";
    assertEquals(bench.request(last), errorInTurn(code));
    assertEquals(bench.reply("A\n"), pass(2));
    assertEquals(bench.reply(""), error(code));
    assertEquals(bench.injected, last === "hang\n" ? ["reply bye\n"] : []);
  }
});

Deno.test("defineProtocol closes at once when nothing is due", () => {
  const bench = new Bench();
  assertEquals(bench.request("hang\n"), error("malformed"));
  assertEquals(bench.injected, ["reply bye\n"]);
});

Deno.test("defineProtocol reads nothing behind a request at which the server hangs up", () => {
  const bench = new Bench({ ...SPEC, hangsUp: ({ text }) => text === "bye" });
  bench.request("bye\n");
  assertEquals(bench.request("xa\nb\n"), drop(5));
  assertEquals(bench.events, ["log request forwarded bye"]);
});

Deno.test("defineProtocol forwards in audit mode and logs the verdict", () => {
  const audit: Decision = {
    allowed: true,
    verdict: "audit",
    reason: "no-rule",
  };
  const bench = new Bench(SPEC, () => audit);
  assertEquals(bench.request("xa\n"), pass(3));
  assertEquals(bench.events, ["log request audit no-rule xa"]);
});

const UNKNOWN: [name: string, decision: Decision, want: string][] = [
  ["denied for want of a rule", DENIED, "denied unknown-request"],
  ["allowed", ALLOWED, "forwarded"],
  [
    "audited",
    { ...DENIED, allowed: true, verdict: "audit" },
    "audit unknown-request",
  ],
  [
    "denied by a rule",
    { ...DENIED, rule: "r", reason: "deny-rule" },
    "denied deny-rule",
  ],
];

for (const [name, decision, want] of UNKNOWN) {
  Deno.test(`defineProtocol logs an unknown request that is ${name} as ${want}`, () => {
    const bench = new Bench({ ...SPEC, unknown: () => true }, () => decision);
    bench.request("a\n");
    assertEquals(bench.events[0], `log request ${want} a`);
  });
}

for (const text of ["a\n", "xa\n"]) {
  Deno.test(`defineProtocol pauses with 16384 ${text === "a\n" ? "requests" : "denials"} outstanding and goes on after a reply`, () => {
    const bench = new Bench();
    bench.request("first\n");
    for (let i = 1; i < 16384; i++) bench.request(text);
    assertEquals(bench.request("late\n"), nop());
    assertEquals(bench.events.some((event) => event.endsWith("late")), false);

    bench.reply("first\n");
    bench.reply("");
    assertEquals(bench.request("late\n"), pass(5));
    assertEquals(bench.injected.length, text === "a\n" ? 0 : 16383);
  });
}

Deno.test("defineProtocol pauses with 2 MiB of requests outstanding and goes on after a reply", () => {
  const text = `${"y".repeat(1023)}\n`;
  const bench = new Bench({
    ...SPEC,
    frame: (data, seen) => line(data, seen, 2048),
  });
  for (let i = 0; i < 2048; i++) assertEquals(bench.request(text), pass(1024));
  assertEquals(bench.request(text), nop());
  bench.reply("Y\n");
  assertEquals(bench.request(text), pass(1024));
});

Deno.test("defineProtocol keeps the order however many wait", () => {
  const bench = new Bench();
  for (let i = 0; i < 5000; i++) bench.request(`a${i}\n`);
  bench.request("xz\n");
  for (let i = 0; i < 5000; i++) bench.reply("A\n");
  assertEquals(bench.injected, []);
  bench.reply("");
  assertEquals(bench.injected, ["reply no xz\n"]);
  const responses = bench.events.filter((event) =>
    event.startsWith("log resp")
  );
  assert(responses.every((event, i) => event.endsWith(` a${i}`)));
});

Deno.test("defineProtocol gives each connection its own state, and shows it as plain data", () => {
  const [one, other] = [new Bench(), new Bench()];
  one.request("a\n");
  one.request("xb\n");
  assertEquals(one.parser.snapshot?.(), {
    state: { requests: 2 },
    outstanding: [
      { kind: "reply", request: { text: "a" }, size: 2, asked: 0 },
      { kind: "denial", bytes: bytes("no xb\n"), asked: 0 },
    ],
    over: false,
  });
  assertEquals(other.parser.snapshot?.(), {
    state: { requests: 0 },
    outstanding: [],
    over: false,
  });
});

Deno.test("defineProtocol hands on lint only where there is one", () => {
  assertEquals("lint" in defineProtocol(SPEC), false);
  assertEquals(defineProtocol({ ...SPEC, lint: () => [] }).lint?.({}), []);
});

Deno.test("defineProtocol hands on fields, and fromFields only where there is one", () => {
  const definition = defineProtocol(SPEC);
  assertEquals("fromFields" in definition, false);
  const request = SPEC.request(bytes("get a\n"), { requests: 0 });
  assertEquals(definition.fields?.(request), SPEC.fields(request));
  const { fromFields } = defineProtocol({ ...SPEC, fromFields: () => request });
  assertEquals(fromFields?.({}), request);
});
