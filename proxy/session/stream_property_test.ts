/** Streams held against a simple model. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { bytes, drop, more, nop, pass } from "parley/proxylib";
import { Bench } from "./stream_harness_test.ts";

/** One frame of the scripted protocol: what its parser does with it. */
interface Frame {
  readonly op: "pass" | "drop" | "inject";
  readonly length: number;
  /** Bytes that the parser wants to see before it decides. */
  readonly head: number;
}

const frame: fc.Arbitrary<Frame> = fc.record({
  op: fc.constantFrom("pass", "drop", "inject"),
  length: fc.integer({ min: 1, max: 30 }),
  head: fc.integer({ min: 1, max: 30 }),
});

Deno.test("Stream puts out what came in, less what was dropped, plus what was injected", () => {
  const frames = fc.array(frame, { minLength: 1, maxLength: 20 });
  const sizes = fc.array(fc.integer({ min: 1, max: 25 }), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(frames, sizes, fc.nat(40), (frames, sizes, missing) => {
      const letters = frames.map(({ length }, i) =>
        String.fromCharCode(97 + i).repeat(length)
      );
      const input = letters.join("").slice(0, -missing || undefined);
      const { forward, reply } = model(frames, letters, input.length);

      let at = 0;
      const bench = new Bench(({ reply, text }, stream) => {
        const next = frames[at];
        if (reply || text === "" || !next) return nop();
        const head = Math.min(next.head, next.length);
        if (text.length < head) return more(head - text.length);
        at++;
        if (next.op === "pass") return pass(next.length);
        if (next.op === "inject") {
          stream.inject(true, bytes(`<${at}>`));
          stream.inject(false, bytes(`[${at}]`));
        }
        return drop(next.length);
      });
      for (let from = 0, turn = 0; from < input.length; turn++) {
        const size = sizes[turn % sizes.length]!;
        bench.feed(`>${input.slice(from, from + size)}`);
        from += size;
      }
      bench.feed(">$");
      const out = (mark: string) =>
        bench.events.filter((event) => event[0] === mark)
          .map((event) => event.slice(1)).join("");
      assertEquals(out(">").replace(/(partial \d+)?\$$/, ""), forward);
      assertEquals(out("<"), reply);
    }),
    { seed: 3, numRuns: 500 },
  );
});

/** What should leave, worked out from the whole input at once. */
function model(
  frames: readonly Frame[],
  letters: readonly string[],
  available: number,
): { forward: string; reply: string } {
  let [forward, reply, left] = ["", "", available];
  for (const [i, { op, length, head }] of frames.entries()) {
    if (left < Math.min(head, length)) break; // never decided
    if (op === "pass") forward += letters[i]!.slice(0, left);
    if (op === "inject") {
      forward += `[${i + 1}]`;
      reply += `<${i + 1}>`;
    }
    left -= length;
    if (left <= 0) break;
  }
  return { forward, reply };
}

Deno.test("Stream never holds more than its bound between reads", () => {
  const LIMIT = 64;
  const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 40 });
  const answer = fc.tuple(
    fc.constantFrom(more, more, pass, drop),
    fc.integer({ min: 1, max: 70 }),
  ).map(([make, count]) => make(count));
  const answers = fc.array(fc.oneof(answer, fc.constant(nop())), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(sizes, answers, (sizes, answers) => {
      const queue = [...answers];
      let [fed, settled, carry] = [0, 0, 0];
      const bench = new Bench(({ text }) => {
        // Whatever the parser decided before and was here is settled by now.
        settled += carry;
        carry = 0;
        if (text.length === 0) return nop();
        const verdict = queue.shift() ?? nop();
        if (verdict.op === "pass" || verdict.op === "drop") {
          carry = verdict.bytes;
        }
        return verdict;
      }, LIMIT);
      for (const size of sizes) {
        fed += size;
        bench.feed(">" + "x".repeat(size));
        const held = fed - settled - carry;
        if (!bench.stream.failed) assert(held <= LIMIT, `${held} bytes held`);
      }
    }),
    { seed: 5, numRuns: 300 },
  );
});
