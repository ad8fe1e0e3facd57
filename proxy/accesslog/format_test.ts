/** The form of access-log lines: scripts read them. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import type { Entry } from "./format.ts";
import { Timestamps } from "./timestamps.ts";
import { formatter } from "./formatter_harness_test.ts";

const timestamps = new Timestamps();

const TIME = Date.UTC(2026, 10, 24, 6) + 123.456;
const format = formatter({
  id: 17,
  direction: "ingress",
  source: { address: "127.0.0.2:40112", labels: ["k8s:function=fleet"] },
  destination: { address: "127.0.0.1:11211", labels: ["k8s:app=memcached"] },
  l7proto: "memcache",
  parser: "memcache@3f9c2a",
});
const unread = formatter({
  id: 1,
  direction: "egress",
  source: { address: "[::1]:4", labels: [] },
  destination: { address: "unix:/run/x", labels: ["reserved:world"] },
  l7proto: undefined,
  parser: undefined,
});

Deno.test("a request's line has the contract's members in the contract's order", () => {
  assertEquals(
    format(TIME, {
      type: "request",
      verdict: "forwarded",
      rule: "default/fleet#specs[0].ingress[1].toPorts[0].l7[0]",
      fields: { command: "get", keys: ["alliance/ship1"] },
    }),
    '{"time":"2026-11-24T06:00:00.123456Z","type":"request","verdict":"forwarded",' +
      '"direction":"ingress","connection":17,' +
      '"source":{"address":"127.0.0.2:40112","labels":["k8s:function=fleet"]},' +
      '"destination":{"address":"127.0.0.1:11211","labels":["k8s:app=memcached"]},' +
      '"l7proto":"memcache","parser":"memcache@3f9c2a",' +
      '"rule":"default/fleet#specs[0].ingress[1].toPorts[0].l7[0]",' +
      '"fields":{"command":"get","keys":["alliance/ship1"]}}\n',
  );
});

for (
  const { name, line, members } of [
    {
      name: "a denial has a reason instead of a rule",
      line: format(TIME, {
        type: "request",
        verdict: "denied",
        reason: "no-rule",
        fields: {},
      }),
      members:
        "time type verdict direction connection source destination l7proto parser reason fields",
    },
    {
      name: "an explicit denial has both",
      line: format(TIME, {
        type: "connection",
        verdict: "denied",
        rule: "default/x#spec.ingressDeny[0]",
        reason: "deny-rule",
        fields: {},
      }),
      members:
        "time type verdict direction connection source destination l7proto parser rule reason fields",
    },
    {
      name: "a connection that is not read has no protocol",
      line: unread(TIME, {
        type: "connection",
        verdict: "forwarded",
        rule: undefined,
        reason: undefined,
        fields: { end: "closed" },
      }),
      members:
        "time type verdict direction connection source destination fields",
    },
  ]
) {
  Deno.test(name, () => {
    assertEquals(Object.keys(JSON.parse(line)).join(" "), members);
  });
}

Deno.test("quotes, control characters and line ends in fields stay inside one line", () => {
  const fields = {
    quote: 'a"b\\c',
    lines: "a\nb\r\nc\u2028d",
    control: "\u0000\u001b[31m",
    half: "\ud800",
    keys: ['"', "\n"],
  };
  const line = format(TIME, { type: "request", verdict: "denied", fields });
  assertEquals(line.indexOf("\n"), line.length - 1);
  assertEquals(JSON.parse(line).fields, fields);
});

Deno.test("whatever the texts, a line is one line of JSON and loses nothing", () => {
  const text = fc.string({ unit: "binary", maxLength: 40 });
  fc.assert(fc.property(text, text, text, text, (a, b, rule, reason) => {
    const line = formatter({
      id: 1,
      direction: "ingress",
      source: { address: a, labels: [b] },
      destination: { address: b, labels: [] },
      l7proto: a,
      parser: b,
    })(TIME, {
      type: "response",
      verdict: "audit",
      rule,
      reason,
      fields: { a },
    });
    assertEquals(line.indexOf("\n"), line.length - 1);
    const got = JSON.parse(line);
    assertEquals(got.source, { address: a, labels: [b] });
    assertEquals([got.l7proto, got.parser], [a, b]);
    assertEquals([got.rule, got.reason, got.fields.a], [rule, reason, a]);
  }));
});

for (
  const { ms, text } of [
    { ms: 0, text: "1970-01-01T00:00:00.000000Z" },
    { ms: Date.UTC(2026, 10, 24, 6), text: "2026-11-24T06:00:00.000000Z" },
    // A fraction that doubles can hold, so that no rounding is in the way.
    {
      ms: Date.UTC(2026, 10, 24, 6, 0, 0, 123) + 0.5,
      text: "2026-11-24T06:00:00.123500Z",
    },
    { ms: 1.0078125, text: "1970-01-01T00:00:00.001007Z" },
    { ms: 999.9990234375, text: "1970-01-01T00:00:00.999999Z" },
  ]
) {
  Deno.test(`Timestamps writes ${text}`, () => {
    assertEquals(timestamps.format(ms), text);
  });
}

Deno.test("Timestamps keeps moments in their order, and microseconds below a million", () => {
  const moment = fc.double({ min: 1.7e12, max: 2e12, noNaN: true });
  fc.assert(fc.property(moment, moment, (a, b) => {
    const [early, late] = a < b ? [a, b] : [b, a];
    assert(timestamps.format(early) <= timestamps.format(late));
    assert(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(timestamps.format(a)),
    );
  }));
});

Deno.test("entries of one connection share nothing but its facts", () => {
  const entry: Entry = { type: "connection", verdict: "error", fields: {} };
  format(TIME, { ...entry, reason: "limit" });
  assert(!("reason" in JSON.parse(format(TIME, entry))));
});

Deno.test("fields that are not frozen are written as they are at each line", () => {
  const fields = { keys: ["a"] };
  const entry: Entry = { type: "request", verdict: "forwarded", fields };
  const written = () => JSON.parse(format(TIME, entry)).fields;
  assertEquals(written(), { keys: ["a"] });
  fields.keys.push("b");
  assertEquals(written(), { keys: ["a", "b"] });
});

Deno.test("frozen fields are written the same at each line, and no other's", () => {
  const [a, b] = ["a", "b"].map((command) => Object.freeze({ command }));
  const written = (fields: Entry["fields"]) =>
    JSON.parse(format(TIME, { type: "request", verdict: "denied", fields }))
      .fields;
  for (const fields of [a!, b!, a!, b!]) assertEquals(written(fields), fields);
});

Deno.test("lines of many rules in any order tell the rule of their own", () => {
  for (let i = 0; i < 500; i++) {
    const rule = i % 7 === 0 ? undefined : `rule-${(i * i) % 41}`;
    const verdict = i % 3 === 0 ? "audit" : "forwarded";
    const line = JSON.parse(
      format(TIME, { type: "request", verdict, rule, fields: { i } }),
    );
    assertEquals([line.rule, line.verdict, line.fields], [rule, verdict, {
      i,
    }]);
  }
});
