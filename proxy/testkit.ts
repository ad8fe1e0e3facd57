/**
 * The test kit for parser authors (`parley/testkit`): bytes in, what leaves,
 * what is logged and whether the connection closes out. It runs on the engine
 * that serves real connections.
 *
 * ```ts
 * import { testParser } from "parley/testkit";
 * import r2d2 from "./r2d2.ts";
 *
 * testParser("r2d2", r2d2, [{
 *   name: "denies what no rule allows",
 *   rules: [{ cmd: "READ" }],
 *   steps: [{ data: "HALT\r\n" }],
 *   total: { forward: "", reply: "ERROR\r\n", closed: false },
 * }]);
 * ```
 *
 * Every case is run again cut at every byte, byte by byte, and with several
 * frames in a read; a parser that decides differently then, or changes its
 * state before MORE, fails.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import type {
  Connection,
  Decision,
  Fields,
  Parser,
  ParserDefinition,
} from "parley/proxylib";
import {
  type Case,
  compare,
  compareCuts,
  concat,
  type LogLine,
  type Outcome,
  type Step,
  type StepOutcome,
  toBytes,
  variants,
} from "../proxylib/testkit/mod.ts";
import { createJudge, type Judge } from "./matcher.ts";
import { createStore } from "./session/shared.ts";
import { type Failure, type Sink, Stream } from "./session/stream.ts";

export type { Case, Outcome, Step } from "../proxylib/testkit/mod.ts";

const FRAME_BYTES = 16 * 1024 * 1024;

/** Registers one test per case. */
export function testParser(
  name: string,
  definition: ParserDefinition,
  cases: readonly Case[],
): void {
  for (const expected of cases) {
    Deno.test(`${name} ${expected.name}`, () => {
      const differences = checkCase(definition, expected);
      if (differences.length > 0) throw new Error(differences.join("\n"));
    });
  }
}

/** Runs a case as written and in all its cuts; differences, none if it holds. */
export function checkCase(
  definition: ParserDefinition,
  expected: Case,
): string[] {
  const { rules = [], steps } = expected;
  const written = replay(definition, rules, steps);
  const differences = compare(expected, written.outcome);
  differences.push(...written.stateChanges);
  if (differences.length > 0) return differences;
  for (const variant of variants(steps)) {
    const { outcome, stateChanges } = replay(definition, rules, variant.steps);
    const found = [...compareCuts(written.outcome, outcome), ...stateChanges];
    if (found.length > 0) return [`${variant.name}: ${found.join("\n")}`];
  }
  return [];
}

/** Feeds steps to a fresh connection. */
export function replay(
  definition: ParserDefinition,
  rules: Case["rules"],
  steps: readonly Step[],
): { outcome: Outcome; stateChanges: string[] } {
  const recorder = new Recorder();
  const parser = new StateWatch(
    definition.create(recorder.connection(judge(definition, rules ?? null))),
    () => recorder.injections,
  );
  const stream = recorder.stream = new Stream(parser, recorder, FRAME_BYTES);
  const outcomes = steps.map((step): StepOutcome => {
    const reply = step.reply ?? false;
    const before = recorder.mark();
    stream.feed(reply, toBytes(step.data), step.end ?? false);
    return recorder.since(before, reply);
  });
  return { outcome: recorder.outcome(outcomes), stateChanges: parser.changes };
}

function judge(definition: ParserDefinition, rules: Case["rules"]): Judge {
  const set = rules && {
    proto: "test",
    ref: "test#l7",
    rules: rules.map((raw, i) => {
      // A rule that does not load would only look like one that never matches.
      if (Object.keys(raw).length > 0) definition.rule.parse(raw);
      return { ref: `test#l7[${i}]`, raw };
    }),
  };
  const sets = set ? [set] : [];
  return createJudge(definition, { verdict: "allowed", sets }, "enforce");
}

/** Records what the engine does. */
class Recorder implements Sink {
  stream!: Stream;
  injections = 0;
  #written: [Uint8Array[], Uint8Array[]] = [[], []];
  #log: LogLine[] = [];
  #closed = false;

  connection(judge: Judge): Connection {
    return {
      id: 1,
      direction: "ingress",
      source: { address: "192.0.2.1:40000", labels: ["k8s:app=client"] },
      destination: { address: "192.0.2.2:4040", labels: ["k8s:app=server"] },
      port: 4040,
      frameBytes: FRAME_BYTES,
      shared: createStore(FRAME_BYTES),
      matches: judge,
      inject: (reply, bytes) => {
        this.injections++;
        this.stream.inject(reply, bytes);
      },
      logsResponses: false,
      log: (decision, fields, type) => this.#note(decision, fields, type),
      answered: () => {},
    };
  }

  #note(decision: Decision, fields: Fields, type = "request"): number {
    if (type !== "request") return 0;
    const { allowed: _, ...rest } = decision;
    this.#log.push({ type, ...rest, fields: structuredClone(fields) });
    return 0;
  }

  write(reply: boolean, bytes: Uint8Array): void {
    this.#written[reply ? 1 : 0].push(bytes.slice());
  }

  end(): void {}

  partial(reply: boolean, bytes: number): void {
    this.#log.push({
      type: "connection",
      verdict: "error",
      reason: "partial-frame",
      fields: { reply, bytes },
    });
  }

  repliesDone(): void {}

  fail({ reason, detail }: Failure): void {
    this.#closed = true;
    this.#log.push({
      type: "connection",
      verdict: "error",
      reason,
      fields: { status: detail },
    });
  }

  mark(): [number, number, number] {
    const [forward, reply] = this.#written;
    return [forward.length, reply.length, this.#log.length];
  }

  since([forward, reply, log]: [number, number, number], isReply: boolean) {
    const forwarded = concat(this.#written[0].slice(forward));
    const replied = concat(this.#written[1].slice(reply));
    return {
      out: isReply ? replied : forwarded,
      back: isReply ? forwarded : replied,
      closed: this.#closed,
      log: this.#log.slice(log),
    };
  }

  outcome(steps: readonly StepOutcome[]): Outcome {
    return {
      steps,
      forward: concat(this.#written[0]),
      reply: concat(this.#written[1]),
      closed: this.#closed,
      log: this.#log,
    };
  }
}

/** Compares the parser's state before and after each MORE. */
class StateWatch implements Parser {
  readonly changes: string[] = [];
  /** The state since the last MORE, for as long as nobody has asked the parser anything. */
  #unasked: { readonly state: unknown } | undefined;

  constructor(
    readonly parser: Parser,
    readonly injections: () => number,
  ) {}

  onData(reply: boolean, end: boolean, data: Uint8Array, seen: number) {
    // Byte by byte, copies of a state that has grown are most of the work.
    const before = this.#unasked
      ? this.#unasked.state
      : this.parser.snapshot?.();
    this.#unasked = undefined;
    const injections = this.injections();
    const verdict = this.parser.onData(reply, end, data, seen);
    if (verdict?.op === "more" && this.parser.snapshot) {
      // A queued denial that was sent has rightly left the state; what counts
      // then is that a second showing changes nothing more.
      const sent = this.injections() > injections;
      const unchanged = sent ? this.parser.snapshot() : before;
      if (sent) this.parser.onData(reply, end, data, seen);
      const after = this.parser.snapshot();
      this.#unasked = { state: after };
      try {
        deepStrictEqual(after, unchanged);
      } catch {
        this.changes.push(
          `the parser changed its state before MORE (shown ${data.length} bytes, reply ${reply}); ` +
            `decide first: the same bytes are shown again, perhaps to its successor`,
        );
      }
    }
    return verdict;
  }
}
