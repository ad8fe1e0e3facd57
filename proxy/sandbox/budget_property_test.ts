/**
 * Random programs of all forms that checks go into: each does with checks what
 * it does without, and stands on the same lines.
 */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import fc from "fast-check";
import { call } from "../parser_call.ts";
import { limitCalls } from "./meter.ts";
import { stageModule } from "./stage.ts";

const RUNS = { seed: 20_261_124, numRuns: 400 };
/** More than any of these programs takes, however busy the machine is. */
const AMPLE_MS = 60_000;

/** A text with `%` in the place of each part. */
function form(text: string, ...parts: fc.Arbitrary<string>[]) {
  const [head, ...rest] = text.split("%");
  return fc.tuple(...parts).map((values) =>
    values.reduce((whole, value, i) => whole + value + rest[i], head!)
  );
}

/**
 * Programs count on `go()`, which says yes a limited number of times, and tell
 * what they do to `out`.
 */
const { program } = fc.letrec<
  { expression: string; statement: string; block: string; program: string }
>((tie) => {
  const e = tie("expression");
  const s = tie("statement");
  const b = tie("block");
  const gap = fc.constantFrom("", " ", "\n", " /* } */ ", "\n// {\n");
  return {
    expression: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom("1", "go()", "out.length", "this", '"%"', "`a`"),
      form("(() =>%)()", e),
      form("(() =>%({ a: % }).a)()", gap, e),
      form("(async () => (%, await %))()", e, e),
      form("((a = %, { b = % } = {}, [c = %] = []) => [a, b, c])()", e, e, e),
      form("(function () {%})()", b),
      form('(function () {%"use strict"\n%})()', gap, b),
      form("[...(function* (a = %) {% yield a; % })()]", e, b, b),
      form("[1, 2].map((a) =>%[a, %])", gap, e),
      form("({ get a() {% return %; }, [%]: % }).a", b, e, e, e),
      form(
        "new (class { a = %; static b = %; [%]() {} constructor() {%} })().a",
        e,
        e,
        e,
        b,
      ),
      form(
        "new (class extends (%, Object) { static {%} a = () => %; })().a.name",
        e,
        b,
        e,
      ),
      form("(% ? % : %)", e, e, e),
      form("`a${%}b`", e),
    ),
    statement: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      form("out.push(%);", fc.constantFrom("1", "2", "go()")),
      form("out.push(typeof %);", e),
      form("for (let i = 0; go(); i++)%%", gap, s),
      form("for (; go(); %);", e),
      form("for (const a of [%, 2])%%", e, gap, s),
      form("for (const a in { b: % }) {%}", e, b),
      form("while (go())%%", gap, s),
      form("do%% while (go())\n", gap.filter((text) => text !== ""), s),
      form("do {%if (go()) continue; break } while (true)\n", b),
      form("l: for (;;) {% if (go()) continue l; break l; }", b),
      form(
        "l: m: while (go()) { % for (;;) { if (go()) continue m; % break l; } }",
        b,
        b,
      ),
      form("if (%) %else %", e, s, s),
      form(
        "try {% throw new RangeError(); } catch (a) { out.push(a.name); %} finally {%}",
        b,
        b,
        b,
      ),
      form("switch (%) { case 1: % default: % }", e, b, b),
      form("{ function f(a) { if (a > 0) f(a - 1);% } f(3); }", b),
      form(
        "{ const fs = []; for (let i = 0; i < 3 && go(); i++) fs.push(() => i); out.push(fs.map((f) => f()).join()); }",
      ),
      form("{%}", b),
    ),
    block: fc.array(s, { maxLength: 3 }).map((all) => all.join("")),
    program: fc.tuple(
      fc.constantFrom("", '"use strict"\n', "#!/bin/x\n", "// a\n"),
      fc.array(s, { minLength: 1, maxLength: 4 }),
    ).map(([start, statements]) =>
      `${start}${FRAME}
{ ${statements.join("\n")} }
export default () => { ${statements.join("")} return out; };`
    ),
  };
});

const FRAME =
  "const out = []; let fuel = 40; function go() { return fuel-- > 0; }";

/** What a program does, also where it throws. */
async function outcome(code: string): Promise<unknown> {
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  try {
    const { default: run } = await import(url);
    return call(() => run());
  } catch (error) {
    return String(error);
  }
}

// Programs leave rejected promises behind where they throw within one.
addEventListener("unhandledrejection", (event) => event.preventDefault());

Deno.test("checks change no program", async () => {
  limitCalls(AMPLE_MS);
  await fc.assert(
    fc.asyncProperty(program, async (source) => {
      const staging = stageModule("mod.js", source);
      const written = await outcome(source);
      if ("problems" in staging) { // a label within its like
        assertMatch(String(written), /^SyntaxError: /, source);
        return;
      }
      const { code } = staging;
      assertEquals(code.split("\n").length, source.split("\n").length);
      assertEquals(await outcome(code), written);
    }),
    RUNS,
  );
});
