import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import * as words from "./words.js";

const SOURCE = {
  address: "10.0.0.7:4711",
  labels: ["k8s:app=web", "k8s:io.kubernetes.pod.namespace=default"],
};
const DESTINATION = {
  address: "127.0.0.1:11211",
  labels: ["k8s:app=cache", "k8s:io.kubernetes.pod.namespace=prod"],
};
const LINE: words.Line = {
  time: "2026-11-24T06:00:00.123456Z",
  type: "request",
  verdict: "denied",
  direction: "ingress",
  connection: 17,
  source: SOURCE,
  destination: DESTINATION,
  l7proto: "memcache",
  reason: "no-rule",
  fields: { command: "get", keys: ["a", "b"], protocol: "text" },
};

const VISIBLE = [
  ["plain ünïcode 漢字 🚀", "plain ünïcode 漢字 🚀"],
  ["<img onerror=alert(1)>", "<img onerror=alert(1)>"],
  ["\u202egnp.exe", "\\u{202e}gnp.exe"],
  ["a\u200b\u2066\ufeffb", "a\\u{200b}\\u{2066}\\u{feff}b"],
  ["a\0\r\n\x1b[31m\x7f\x9b", "a\\u{0}\\u{d}\\u{a}\\u{1b}[31m\\u{7f}\\u{9b}"],
  ["\ud800x\u2028", "\\u{d800}x\\u{2028}"],
  ["\u{e0041}\u3164", "\\u{e0041}\\u{3164}"],
] as const;

for (const [text, seen] of VISIBLE) {
  Deno.test(`visible() shows ${JSON.stringify(text)} as ${seen}`, () =>
    assertEquals(words.visible(text), seen));
}

Deno.test("visible() leaves nothing that hides, and is the same again", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const seen = words.visible(text);
      assert(!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(seen));
      assertEquals(words.visible(seen), seen);
    }),
    { seed: 20_261_124 },
  );
});

Deno.test("shortened() cuts what is long, between characters, and says how long it was", () => {
  assertEquals(words.shortened("🚀".repeat(5), 4), "🚀🚀🚀🚀… (10 long)");
  assertEquals(words.shortened("🚀".repeat(4), 4), "🚀🚀🚀🚀");
  const cut = words.shortened("x".repeat(10_000_000));
  assertMatch(cut, /^x{120}… \(10,000,000 long\)$/);
});

const SUBJECTS: readonly [
  name: string,
  line: Partial<words.Line>,
  action: string,
  objects: string[],
][] = [
  ["memcache", {}, "get", ["a", "b"]],
  [
    "an unknown protocol",
    { l7proto: "x", fields: { a: "1", b: ["2", "3"], c: "" } },
    "a=1",
    ["b=2", "b=3"],
  ],
  [
    "a protocol with the name of a property",
    {
      l7proto: "constructor",
      fields: { a: 1 },
    },
    "a=1",
    [],
  ],
  ["a request without fields", { fields: {} }, "request", []],
  ["a connection", { type: "connection", fields: {} }, "connection", [
    "port 11211",
  ]],
  [
    "a connection with a port of the policy",
    {
      type: "connection",
      port: 80,
      fields: {},
    },
    "connection",
    ["port 80"],
  ],
  [
    "the log itself",
    { type: "accesslog", fields: { dropped: 7 } },
    "7 lines were lost",
    [],
  ],
];

for (const [name, line, action, objects] of SUBJECTS) {
  Deno.test(`subjectOf() says what is done of ${name}`, () =>
    assertEquals(words.subjectOf({ ...LINE, ...line }), { action, objects }));
}

Deno.test("nameOf() says labels, namespaces that are not the default, and addresses of strangers", () => {
  assertEquals(words.nameOf(SOURCE), "app=web");
  assertEquals(words.nameOf(DESTINATION), "prod/app=cache");
  const stranger = { address: "[2001:db8::1]:80", labels: ["reserved:world"] };
  assertEquals(words.nameOf(stranger), "2001:db8::1 (unknown)");
  assertEquals(words.nameOf(undefined), "");
});

Deno.test("reasonOf() has words for reasons, and the rule that is meant", () => {
  const reason = (line: Partial<words.Line>) =>
    words.reasonOf({ ...LINE, ...line });
  assertEquals(reason({}), "no rule allows it");
  assertEquals(reason({ reason: "toString" }), "toString");
  assertEquals(
    reason({ reason: "deny-rule", rule: "a#spec" }),
    "a rule denies it: a#spec",
  );
  const { reason: _, ...allowed } = LINE;
  assertEquals(words.reasonOf({ ...allowed, rule: "a#spec" }), "a#spec");
  assertEquals(
    words.reasonOf({ ...allowed, fields: { end: "client" } }),
    "end: client",
  );
});

Deno.test("questionOf() asks about the peer's address, the workload's labels and the policy's port", () => {
  assertEquals(words.questionOf({ ...LINE, port: 80 }), {
    direction: "ingress",
    from: "10.0.0.7",
    to: "k8s:app=cache,k8s:io.kubernetes.pod.namespace=prod",
    port: "80",
    l7proto: "memcache",
    l7: JSON.stringify(LINE.fields),
  });
  assertEquals(
    words.questionOf({ ...LINE, type: "connection", direction: "egress" }),
    {
      direction: "egress",
      from: "k8s:app=web,k8s:io.kubernetes.pod.namespace=default",
      to: "127.0.0.1",
      port: "11211",
    },
  );
});

Deno.test("isDecided() leaves out what the policy was not asked, and what the log does not say", () => {
  assert(words.isDecided(LINE));
  assert(!words.isDecided({ ...LINE, reason: "limit" }));
  assert(!words.isDecided({ ...LINE, type: "response" }));
  assert(!words.isDecided({ ...LINE, fields: { keys: ["hmac:0011"] } }));
});

Deno.test("becauseOf() says whose rules do not cover a request, and what they do", () => {
  const entry = {
    ref: "default/p#spec.ingress[0]",
    verdict: "allow",
    applies: true,
    peer: { holds: true, text: "" },
    port: { holds: true, text: "" },
    l7: {
      l7proto: "memcache",
      rules: [{ ref: "", rule: { command: "get" } }, { ref: "", rule: {} }],
    },
  };
  const trace = {
    verdict: "denied",
    why: "a sentence",
    reason: "no-rule",
    connection: "allowed",
    others: 0,
    rules: [{
      ref: "",
      subject: { holds: true, text: "" },
      closes: true,
      audits: false,
      entries: [entry, { ...entry, applies: false, ref: "other#x" }],
    }],
  };
  assertEquals(
    words.becauseOf(trace),
    "no rule of default/p covers it; what may be: command get · anything",
  );
  assertEquals(
    words.becauseOf({ ...trace, connection: "denied" }),
    "a sentence",
  );
  assertEquals(
    words.becauseOf({ ...trace, verdict: "allowed" }),
    "not any more: a sentence",
  );
});

Deno.test("numbers are said with their units", () => {
  assertEquals([0, 999, 1500, 2e9].map(words.bytes), [
    "0 B",
    "999 B",
    "1.5 kB",
    "2 GB",
  ]);
  assertEquals([-5, 59_400, 61_000, 7.2e6, 9e7].map(words.span), [
    "0 s",
    "59 s",
    "1 min",
    "2 h",
    "1 d",
  ]);
});
