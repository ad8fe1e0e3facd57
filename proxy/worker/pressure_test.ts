/** Who is found to grow, and closed; with memory, clock and collection told to it. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { Pressure } from "./pressure.ts";

const MB = 1024 * 1024;
const LIMIT = 320 * MB; // 10 MB are grown fast

/** A worker's memory: what each version keeps, and garbage that the next collection frees. */
class Bench {
  readonly said: string[] = [];
  readonly shed: number[] = [];
  #account: ((version: number) => void) | undefined;
  #kept = 50 * MB;
  #garbage = 0;
  #now = 1000;
  #due: { readonly at: number; readonly act: () => void }[] = [];
  readonly pressure = new Pressure({
    memory: () => this.#kept + this.#garbage,
    collectGarbage: () => this.#garbage = 0,
    account: (before) => this.#account = before,
    shed: (version) => this.shed.push(version),
    textOf: (version) => `p@${version}`,
    warn: (message) => this.said.push(message),
    after: (delay, act) => this.#due.push({ at: this.#now + delay, act }),
    now: () => this.#now,
  });

  get isAccounting(): boolean {
    return this.#account !== undefined;
  }

  /** A version is given bytes: it keeps something, or leaves garbage. */
  feed(version: number, kept: number, garbage = 0): void {
    this.#account?.(version);
    this.#kept += kept;
    this.#garbage += garbage;
  }

  /** Lets so many milliseconds pass. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      this.#due.sort((a, b) => a.at - b.at);
      if (!this.#due[0] || this.#due[0].at > end) break;
      const { at, act } = this.#due.shift()!;
      this.#now = at;
      act();
    }
    this.#now = end;
  }
}

Deno.test("one that grows fast is closed at the next look, whoever else is fed", () => {
  const bench = new Bench();
  bench.pressure.relieve(LIMIT);
  for (let i = 0; i < 12; i++) {
    bench.feed(1, 0);
    bench.feed(2, MB);
    bench.feed(3, 1000);
  }
  bench.pass(200);
  assertEquals(bench.shed, [2]);
  assertEquals(bench.said, [
    "memory is short: the connections of parser p@2 have grown by 12.0 MB within 0.2 s; 1 of them are closed",
  ]);
  assertEquals(bench.isAccounting, false);
});

Deno.test("one that grows slowly is closed when the look is over", () => {
  const bench = new Bench();
  bench.pressure.relieve(LIMIT);
  for (let i = 0; i < 9; i++) {
    bench.feed(2, MB / 2);
    bench.feed(1, MB / 10);
    bench.pass(1000);
  }
  assertEquals(bench.shed, []);
  bench.pass(2000);
  assertEquals(bench.shed, [2]);
});

Deno.test("garbage is no growth, however much of it there is", () => {
  const bench = new Bench();
  bench.pressure.relieve(LIMIT);
  for (let i = 0; i < 9; i++) {
    bench.feed(1, 0, 30 * MB);
    bench.feed(2, 1000);
    bench.pass(1000);
  }
  assertEquals(bench.shed, []);
  bench.pass(2000);
  assertEquals(bench.shed, []);
  assertEquals(bench.said, [
    "memory is short, and no parser's connections are seen to grow",
  ]);
  assertEquals(bench.isAccounting, false);
});

Deno.test("told again while it looks, it looks on", () => {
  const bench = new Bench();
  bench.pressure.relieve(LIMIT);
  bench.pass(8000);
  bench.pressure.relieve(LIMIT);
  bench.pass(8000);
  assertEquals([bench.isAccounting, bench.said], [true, []]);
  bench.pass(3000);
  assertEquals([bench.isAccounting, bench.said.length], [false, 1]);
});
