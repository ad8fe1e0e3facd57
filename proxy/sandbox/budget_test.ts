/**
 * Budget checks, by running staged code. The engine's side is `call()`: it says
 * when a call begins and ends.
 */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
  throws as assertThrows,
} from "node:assert/strict";
import { call } from "../parser_call.ts";
import { limitCalls } from "./meter.ts";
import { stageModule } from "./stage.ts";

const LATE = /it did not return within 2 ms \(limits\.parserTime\), at /;
/** Nothing finite takes so long, however busy the machine is. */
const AMPLE_MS = 60_000;

// Calls that are ended leave rejected promises behind; a worker hears of them, too.
addEventListener("unhandledrejection", (event) => event.preventDefault());

/** The default export of a module as it is staged, or as it was written. */
async function load(source: string, staged = true): Promise<() => unknown> {
  const staging = stageModule("mod.js", source);
  assert("code" in staging, JSON.stringify(staging));
  const code = staged ? staging.code : source;
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  return (await import(url)).default;
}

function body(statements: string): string {
  return `export default function () { ${statements} }`;
}

/** What never returns; each is the body of a function. */
const ENDLESS: Readonly<Record<string, string>> = {
  "for": "for (;;) {}",
  "for without a body": "for (;;);",
  "for with all in its head": "for (let a = 0; ; a++);",
  "for of":
    "for (const a of { *[Symbol.iterator]() { while (true) yield 1; } });",
  "for in": "for (;;) for (const a in { b: 1 }) a;",
  "while": "while (true) { }",
  "while without a block": "let a = 0; while (true) a++;",
  "do": "do {} while (true);",
  "do without a block": "let a = 0; do a++; while (true)",
  "do that continues": "do { continue; } while (true)",
  "a labelled loop": "a: for (;;) b: { continue a; }",
  "a loop in a loop": "a: for (;;) for (const b of [1, 2]) continue a;",
  "a loop behind if": "if (true) for (;;); else for (;;);",
  "a labelled statement in a loop": "for (;;) a: { break a; }",
  "a switch in a loop": "for (;;) switch (1) { case 1: continue; }",
  "declarations": "function a() { for (;;); } a();",
  "methods": "({ a() { for (;;); } }).a();",
  "getters": "({ get a() { for (;;); } }).a;",
  "setters": "({ set a(b) { for (;;); } }).a = 1;",
  "arrows": "(() => { for (;;); })();",
  "generators": "(function* () { for (;;); })().next();",
  "generators that are asked on":
    "const a = (function* () { for (;;) yield; })(); for (;;) a.next();",
  "what a generator leaves":
    "for (const a of (function* () { try { yield 1; } finally { for (;;); } })()) break;",
  "iterators":
    "[...{ [Symbol.iterator]: () => ({ next: () => ({ done: false }) }) }];",
  "spread into nothing":
    "Math.max(...{ *[Symbol.iterator]() { for (;;) yield* []; } });",
  "destructuring":
    "const [...a] = { [Symbol.iterator]: () => ({ next: () => ({ done: false }) }) };",
  "constructors": "new (class { constructor() { for (;;); } })();",
  "constructors that call super":
    "new (class extends Object { constructor() { super(); for (;;); } })();",
  "fields": "new (class { a = (() => { for (;;); })(); })();",
  "static blocks": "class A { static { for (;;); } }",
  "private methods":
    "new (class { #a() { for (;;); } b() { this.#a(); } })().b();",
  "strict functions": "(function () { 'use strict'\n for (;;); })();",
  "callbacks": "[1].forEach(() => { for (;;); });",
  "tags": "((a) => { for (;;); })`b${1}c`;",
  "templates": "`${{ toString() { for (;;); } }}`;",
  "conversions": "+{ valueOf() { for (;;); } };",
  "comparators":
    "const a = Array.from({ length: 9 }, (_, i) => i); for (;;) a.sort(() => 1);",
  "comparators that loop": "[1, 2].sort(() => { for (;;); });",
  "proxies": "new Proxy({}, { get() { for (;;); } }).a;",
  "toJSON": "JSON.stringify({ toJSON() { for (;;); } });",
  "revivers": "JSON.parse('[1]', () => { for (;;); });",
  "replacers": "'a'.replace(/a/, () => { for (;;); });",
  "async functions": "return (async () => { for (;;); })();",
  "calls for ever":
    "const a = () => b(), b = (c) => { try { a(); } catch { a(); } }; b(); b();",
  "fast growth in a body": "const a = (n) => n && a(n - 1) + a(n - 1); a(60);",
  "in finally": "const a = () => { try { a(); } finally { a(); } }; a();",
  "in a default":
    "const a = (n, b = n && a(n - 1), c = n && a(n - 1)) => 0; a(60);",
  "in a generator's default":
    "function* a(n, b = n && a(n - 1), c = n && a(n - 1)) {} a(60);",
  "in a key of a pattern":
    "function* a(n, { [n && a(n - 1)]: b, [n && a(n - 1)]: c }) {} const d = (n) => a(n, {}); function* e(n, { [n && (e(n - 1, {}), e(n - 1, {}), 0)]: b }) {} e(60, {});",
  "in an async default that fails":
    "const a = async (n, b = n && a(n - 1), c = n && a(n - 1), d = null.x) => 0; a(60);",
  "in a default that fails within a promise":
    "let n = 1e9; const a = (b, c, d = n-- > 0 && (new Promise(a), new Promise(a)), e = null.x) => 0; for (let i = 0; i < 60; i++) new Promise(a);",
  "in fields":
    "let n = 60; class A { a = n > 0 && (n--, new A(), new A(), n++); } new A();",
  "in keys of classes":
    "function* a(n, b = class { [n && a(n - 1)] = 1; [n && a(n - 1)]() {} }) {} a(60);",
  "in heritage":
    "function* a(n, b = class extends (n && (a(n - 1), a(n - 1)), Object) {}) {} a(60);",
  "caught": "for (;;) { try { for (;;); } catch {} }",
  "caught by many":
    "const a = () => { try { for (;;); } catch {} }; for (;;) a();",
  "replaced": "try { for (;;); } finally { for (;;); }",
  "answered by finally": "try { for (;;); } finally { return 1; }",
  "answered by catch": "try { for (;;); } catch { return 1; }",
  "broken off by finally":
    "a: for (;;) { try { for (;;); } finally { break a; } }",
  "swallowed by a promise": "new Promise(() => { for (;;); }); return 1;",
  "swallowed by an async function": "(async () => { for (;;); })(); return 1;",
  "thrown anew": "try { for (;;); } catch { throw new Error('my own'); }",
  "changed":
    "try { for (;;); } catch (a) { a.message = ''; a.stack = ''; throw a; }",
  "changed by its class":
    "try { for (;;); } catch ({ constructor: a }) { a.late = 1; delete a.late; return 1; }",
};

for (const [name, statements] of Object.entries(ENDLESS)) {
  Deno.test(`a call is ended that never returns: ${name}`, async () => {
    const run = await load(body(statements));
    limitCalls(2);
    assertThrows(() => call(run), { message: LATE });
    // And the next call is none the worse for it.
    const next = await load(
      body("let a = 0; for (const b of [1, 2]) a += b; return a;"),
    );
    assertEquals(call(next), 3);
  });
}

/** What returns; each is a module. The answer is that of the module as it was written. */
const FINITE: Readonly<Record<string, string>> = {
  "loops of all forms": body(`
    const a = []; let i = 0;
    for (i = 0; i < 3; i++) a.push(i);
    for (i = 0; i < 3; a.push(i++));
    for (const b of "xyz") a.push(b); for (const b in { k: 1 }) a.push(b);
    while (i < 6) i++
    while (i-- > 3);
    do i++; while (i < 9)
    do { if (i++ < 12) continue; break } while (true)
    outer: for (const b of [1, 2, 3]) inner: for (;;) { if (b === 2) continue outer; a.push(b); break inner; }
    if (i > 100) for (;;); else for (let j = 0; j < 2; j++) a.push(j)
    for (let j = 0; j < 100; j++) if (j % 9 === 8) a.push(j); else continue;
    return [a, i];`),
  "closures over loop variables": body(`
    const a = []; for (let i = 0; i < 40; i++) a.push(() => i);
    return a.map((b) => b());`),
  "names of functions": `
    const a = () => 1, b = function () {}, c = class { static d = () => 1; e = () => 1; f = class {}; };
    const k = "key";
    export default () => [a, b, c, c.d, new c().e, new c().f, ({ [k]: () => 1 }).key, ((x = () => 1) => x)(), ((x = class {}) => x)()].map((f) => f.name);`,
  "lengths of functions":
    `export default () => [(a, b) => 1, (a, b = f()) => 1, function (a) {}, class { constructor(a, b) {} }].map((f) => f.length);`,
  "arrows that answer objects":
    `export default () => [(() => ({ a: 1 }))(), (() => (1, 2))(), (() => [])(), ((a) => a ? 1 : 2)(0), (() => () => 3)()()];`,
  "arrows over lines":
    "export default () =>\n  [1, 2]\n    .map((a) =>\n      // twice\n      a * 2\n    )\n    .filter(Boolean)",
  "directives": `export default function () { "use strict"
    return this === undefined && (function () { 'a'; "b"; return arguments.length; })(1); }`,
  "a directive of the module": `"use strict"
    export default () => 1`,
  "classes": `
    class A { #p = 1; static s = 2; static { for (const a of [1, 2]) A.s += a; } static /* { */ {} static {}
      constructor(a) { this.a = a; } get p() { return this.#p; } set p(a) { this.#p = a; } *g() { yield this.a; yield* [1]; }
      ["com" + "puted"]() { return super.toString().length; } }
    class B extends (() => A)() { b = super.p; constructor(...a) { super(...a); this.p = 5; } }
    export default () => { const b = new B(7); return [b.a, b.b, b.p, A.s, [...b.g()], b.computed()]; };`,
  "defaults": `
    const f = (a = g(1), { b = g(2), ["c"]: c = a + b } = {}, [d = g(4)] = []) => [a, b, c, d];
    function g(a) { return a; }
    function* h(a = g(1), b = () => a) { yield [a, b()]; }
    export default () => [f(), f(5, { b: 6 }, [7]), [...h()], [...h(8)]];`,
  "generators": body(`
    function* a(n) { for (let i = 0; i < n; i++) { const b = yield i; if (b) return b; } }
    const b = a(50); return [[...a(40)], b.next(), b.next(), b.next("end"), b.next()];`),
  "functions that are called before they stand there": `
    const a = f(); function f() { let s = 0; for (const b of [1, 2, 3]) s += b; return s; }
    export default () => a;`,
  "loops of the module":
    `let s = 0; for (let i = 0; i < 100; i++) s += i; do s++; while (s < 5000)
    export default () => s;`,
  "throws and catches": body(`
    const a = []; try { for (const b of [1, 2]) if (b === 2) throw new RangeError("x"); else a.push(b); }
    catch ({ name, message }) { a.push(name, message); } finally { a.push("f"); } return a;`),
  "recursion that overflows": body(`
    const f = () => f() + 1; try { f(); } catch (e) { return e.constructor.name; }`),
  "names like those of the checks": `
    const $charge0 = 1, $turns1 = 2, l\\u0065ft = { "$load2": 3 }, \\u0024left3 = 4;
    export default () => { for (;;) return [$charge0, $turns1, left, $left3]; };`,
  "hashbangs": "#!/usr/bin/env deno\nexport default () => 1",
};

for (const [name, source] of Object.entries(FINITE)) {
  Deno.test(`checks change nothing: ${name}`, async () => {
    limitCalls(AMPLE_MS);
    const written = (await load(source, false))();
    assertEquals(call(await load(source)), written);
  });
}

Deno.test("no line of a module moves", () => {
  for (
    const source of [
      ...Object.values(FINITE),
      ...Object.values(ENDLESS).map(body),
    ]
  ) {
    const staging = stageModule("mod.js", source);
    assert("code" in staging);
    assertEquals(staging.code.split("\n").length, source.split("\n").length);
  }
});

Deno.test("the error says in which line the call was", async () => {
  const run = await load(
    "const a = 1;\n\nfunction spin() {\n  for (;;)\n    a;\n}\nexport default () => spin();\n",
  );
  limitCalls(2);
  assertThrows(() => call(run), (error: Error) => {
    assertMatch(error.message, /:5$/);
    assertMatch(
      error.stack!,
      /^Error: it did not return[^\n]*\n {4}at spin \([^\n]*:5:\d+\)\n/,
    );
    return true;
  });
});

Deno.test("what a parser left behind comes to a halt between calls", async () => {
  const run = await load(
    `let turns = 0, isStarted = false;
     async function later() { for (;;) for await (const a of [1]) turns++; }
     export default () => {
       if (!isStarted) later().catch(later);
       isStarted = true;
       return turns;
     };`,
  );
  limitCalls(AMPLE_MS);
  const counts: unknown[] = [];
  for (let sample = 0; sample < 3; sample++) {
    counts.push(call(run));
    for (let turn = 0; turn < 1000; turn++) await null;
  }
  assertEquals(counts[0], 0);
  assertEquals(counts[1], counts[2]);
});

Deno.test("a module that does not come to its end is not loaded", async () => {
  limitCalls(2);
  await load("for (;;);\nexport default () => 1;").then(
    () => assert(false, "it was loaded"),
    ({ message }) => assertMatch(message, /not loaded within 1000 ms/),
  );
});
