/** Lines as they are written are lines as the schema says, and no member goes unsaid. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import Ajv from "ajv";
import fc from "fast-check";
import type { Entry } from "./format.ts";
import { formatter } from "./formatter_harness_test.ts";
import { accessLogJsonSchema, accessLogSchema } from "./schema.ts";
import { LogWriter } from "./writer.ts";

const validate = new Ajv.default().compile(accessLogJsonSchema());

/** What the schema makes of a line; members that it does not know would be gone. */
function check(line: string): void {
  assert(line.endsWith("}\n"), line);
  const value = JSON.parse(line);
  assert(validate(value), `${line} ${JSON.stringify(validate.errors)}`);
  assertEquals(accessLogSchema.parse(value), value);
}

const text = fc.string({ unit: "binary", maxLength: 12 });
const endpoint = fc.record({ address: text, labels: fc.array(text) });
const facts = fc.record({
  id: fc.nat(),
  direction: fc.constantFrom("ingress", "egress"),
  source: endpoint,
  destination: endpoint,
  port: fc.option(fc.nat(65535), { nil: undefined }),
  l7proto: fc.option(text, { nil: undefined }),
  parser: fc.option(text, { nil: undefined }),
});
const fields = fc.dictionary(
  text.filter((name) => name !== "__proto__"),
  fc.oneof(text, fc.nat(), fc.boolean(), fc.array(text)),
);
const entries: fc.Arbitrary<Entry> = fc.record({
  type: fc.constantFrom("request", "response", "connection"),
  verdict: fc.constantFrom("forwarded", "denied", "error", "audit"),
  rule: fc.option(text, { nil: undefined }),
  reason: fc.option(text, { nil: undefined }),
  fields,
});

Deno.test("accessLogSchema takes every line of formatter(), and knows all its members", () => {
  const moments = fc.double({ min: 0, max: 4e12, noNaN: true });
  fc.assert(
    fc.property(facts, entries, moments, (facts, entry, ms) => {
      check(formatter(facts)(ms, entry));
    }),
    { numRuns: 300, seed: 20261124 },
  );
});

Deno.test("accessLogSchema takes the line that reports dropped ones", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let written = "";
  const sink = {
    async write(bytes: Uint8Array) {
      await promise;
      written += new TextDecoder().decode(bytes);
    },
    reopen() {},
    close() {},
  };
  const writer = new LogWriter(sink, () => {});
  const line = `${"x".repeat(1 << 20)}\n`;
  for (let i = 0; i < 12; i++) writer.write(line);
  resolve();
  await writer.close();
  check(written.slice(written.indexOf("{")));
});

const WRONG: { name: string; change: Record<string, unknown> }[] = [
  { name: "an unknown type", change: { type: "reply" } },
  { name: "an unknown verdict", change: { verdict: "dropped" } },
  { name: "no fields", change: { fields: undefined } },
  { name: "a field that is a mapping", change: { fields: { a: {} } } },
  { name: "another time zone", change: { time: "2026-01-01T00:00:00+01:00" } },
  { name: "a source without labels", change: { source: { address: "x" } } },
];

for (const { name, change } of WRONG) {
  Deno.test(`accessLogJsonSchema() refuses ${name}`, () => {
    const end = { address: "192.0.2.1:1", labels: [] };
    const format = formatter({
      id: 1,
      direction: "ingress",
      source: end,
      destination: end,
      l7proto: undefined,
      parser: undefined,
    });
    const line = format(Date.UTC(2026, 10, 24, 6), {
      type: "request",
      verdict: "forwarded",
      fields: {},
    });
    check(line);
    const changed = JSON.stringify({ ...JSON.parse(line), ...change });
    assertEquals(validate(JSON.parse(changed)), false);
  });
}
