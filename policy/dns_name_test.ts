import { strictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import {
  exactly,
  fitsName,
  matching,
  nameFault,
  normalizeName,
  patternFault,
} from "./dns_name.ts";

const PATTERNS: readonly [pattern: string, name: string, fits: boolean][] = [
  ["*", "cilium.io.", true],
  ["***", "a.b.c.", true],
  ["*.cilium.io", "www.cilium.io.", true],
  ["*.cilium.io", "a.www.cilium.io.", false],
  ["*.cilium.io", "cilium.io.", false],
  ["*cilium.io", "cilium.io.", true],
  ["*cilium.io", "evilcilium.io.", true],
  ["*cilium.io", "www.cilium.io.", false],
  ["**.cilium.io", "a.b.cilium.io.", true],
  ["**.cilium.io", "a.cilium.io.", true],
  ["**.cilium.io", "cilium.io.", false],
  ["***.cilium.io", "a.cilium.io.", true],
  ["***.cilium.io", "a.b.cilium.io.", false],
  ["special*service.api.cilium.io", "specialservice.api.cilium.io.", true],
  ["special*service.api.cilium.io", "special-1-service.api.cilium.io.", true],
  ["special*service.api.cilium.io", "special.service.api.cilium.io.", false],
  ["a*b*a.io", "aba.io.", true],
  ["a*b*a.io", "aa.io.", false],
  ["a*a.io", "a.io.", false],
  ["*.*.io", "a.b.io.", true],
  ["Cilium.IO", "cilium.io.", true],
  ["cilium.io.", "cilium.io.", true],
  ["cilium.io", "ciliumxio.", false],
];

for (const [pattern, name, fits] of PATTERNS) {
  Deno.test(`the pattern ${pattern} ${fits ? "fits" : "does not fit"} ${name}`, () => {
    assertEquals(fitsName(matching(pattern), name), fits);
  });
}

Deno.test("a name fits itself only, whatever its case and final dot", () => {
  assertEquals(fitsName(exactly("Cilium.io"), "cilium.io."), true);
  assertEquals(fitsName(exactly("cilium.io."), "cilium.io."), true);
  assertEquals(fitsName(exactly("cilium.io"), "www.cilium.io."), false);
});

const FAULTS: readonly [text: string, name: unknown, pattern: unknown][] = [
  ["cilium.io", undefined, undefined],
  ["_dns.CILIUM.io.", undefined, undefined],
  ["", "empty", "empty"],
  [".", "empty", "empty"],
  ["a..io", "characters", "characters"],
  ["a b", "characters", "characters"],
  ["*.io", "characters", undefined],
  ["a.".repeat(127) + "a", undefined, undefined],
  ["a.".repeat(128) + "a", "length", "length"],
];

for (const [text, name, pattern] of FAULTS) {
  Deno.test(`${JSON.stringify(text).slice(0, 30)} as a name: ${name}, as a pattern: ${pattern}`, () => {
    assertEquals(nameFault(text), name);
    assertEquals(patternFault(text), pattern);
    assertEquals(normalizeName(text) === undefined, name !== undefined);
  });
}

/** The expression that section 4 gives for a pattern. */
function expressionOf(pattern: string): RegExp {
  if (/^\*+$/.test(pattern)) return /^/;
  const whole = /^\*\*\.(.+)$/.exec(pattern);
  const body = (whole?.[1] ?? pattern).replaceAll(".", "\\.")
    .replaceAll(/\*+/g, "[-a-z0-9_]*");
  return new RegExp(`^${whole ? "([-a-z0-9_]+\\.)+" : ""}${body}\\.$`);
}

Deno.test("a pattern fits what its regular expression does", () => {
  const label = fc.string({
    unit: fc.constantFrom("a", "b"),
    minLength: 1,
    maxLength: 4,
  });
  const glob = fc.string({
    unit: fc.constantFrom("a", "b", "*"),
    minLength: 1,
    maxLength: 4,
  });
  const dotted = (part: fc.Arbitrary<string>) =>
    fc.array(part, { minLength: 1, maxLength: 4 }).map((all) => all.join("."));
  fc.assert(
    fc.property(dotted(glob), dotted(label), (pattern, name) => {
      const want = expressionOf(pattern).test(`${name}.`);
      assertEquals(fitsName(matching(pattern), `${name}.`), want);
    }),
    { numRuns: 5000, seed: 8 },
  );
});

Deno.test("letters of other scripts are none of a name, whatever their lower case", () => {
  for (const text of ["\u212Aube.io", "\u0130.io", "\uFF41.io"]) {
    assertEquals(nameFault(text), "characters");
    assertEquals(patternFault(`*${text}`), "characters");
    assertEquals(normalizeName(text), undefined);
  }
});
