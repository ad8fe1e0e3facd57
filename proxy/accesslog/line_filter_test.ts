import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import {
  type ConnectionFacts,
  type Entry,
  LineFormatter,
  lineText,
} from "./format.ts";
import { LastLines } from "./last_lines.ts";
import { facetsOf, fits, LineSelection } from "./line_filter.ts";

/** A line in its parts, as a formatter gives it. */
function parts(facts: Partial<ConnectionFacts>, entry: Partial<Entry>) {
  const end = {
    address: '","l7proto":"false',
    labels: ['a","l7proto":"false'],
  };
  const formatter = new LineFormatter({
    id: 1,
    direction: "ingress",
    source: end,
    destination: end,
    l7proto: undefined,
    parser: undefined,
    ...facts,
  });
  let line: Parameters<typeof lineText> | undefined;
  formatter.write((...given) => line = given, 0, {
    type: "request",
    verdict: "forwarded",
    fields: {},
    ...entry,
  });
  return line!;
}

Deno.test("facetsOf() reads what a line says of itself, whatever stands in its texts", () => {
  const value = fc.string({ unit: "binary-ascii" });
  fc.assert(fc.property(
    fc.constantFrom("request", "response", "connection"),
    fc.constantFrom("forwarded", "denied", "error", "audit"),
    fc.constantFrom("ingress", "egress"),
    fc.option(fc.constantFrom("memcache", "r2d2"), { nil: undefined }),
    value,
    (type, verdict, direction, l7proto, text) => {
      const line = parts({ direction, l7proto }, {
        type,
        verdict,
        rule: text,
        fields: { text: `${text}","l7proto":"x"` },
      } as Partial<Entry>);
      const facets = facetsOf(lineText(...line));
      const want = { type, verdict, direction };
      assertEquals(facets, l7proto ? { ...want, l7proto } : want);
    },
  ));
});

Deno.test("facetsOf() finds nothing in what is no line", () => {
  for (const text of ["", "{}", '{"time":"', "x", '{"type":"request"}']) {
    assertEquals(facetsOf(text), undefined);
  }
});

Deno.test("a filter wants lines that have all that it names", () => {
  const line = { type: "request", verdict: "denied", direction: "ingress" };
  assertEquals(fits({}, line), true);
  assertEquals(fits({ verdict: "denied", type: "request" }, line), true);
  assertEquals(fits({ verdict: "denied", type: "response" }, line), false);
  assertEquals(fits({ l7proto: "memcache" }, line), false);
});

Deno.test("LineSelection chooses by what lines have in common", () => {
  const selection = new LineSelection({ verdict: "denied", l7proto: "r2d2" });
  const wants = (l7proto: string, verdict: "denied" | "forwarded") =>
    selection.wants(parts({ l7proto }, { verdict })[1]);
  assertEquals(wants("r2d2", "denied"), true);
  assertEquals(wants("r2d2", "forwarded"), false);
  assertEquals(wants("memcache", "denied"), false);
});

Deno.test("LastLines keeps a hundred lines that were forwarded and a hundred others, in their order", () => {
  const last = new LastLines();
  assertEquals(last.lines(), []);
  for (let i = 0; i < 1000; i++) {
    const verdict = i % 300 === 0 ? "denied" : "forwarded";
    const [, middle, , word] = parts({}, { verdict });
    last.take(i, middle, JSON.stringify({ i }), word!);
  }
  const kept = last.lines().map(({ line }) => JSON.parse(line).fields.i);
  assertEquals(kept.slice(0, 3), [0, 300, 600]);
  assertEquals(kept.length, 104);
  assertEquals(kept.slice(3), kept.slice(3).sort((a, b) => a - b));
  assertEquals(kept.at(-1), 999);
});

Deno.test("LastLines keeps no line with long fields", () => {
  const last = new LastLines();
  const [time, middle] = parts({}, {});
  last.take(time, middle, JSON.stringify({ long: "x".repeat(5000) }), "denied");
  assertEquals(last.lines(), []);
});
