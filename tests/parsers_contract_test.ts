/**
 * The contract that every parser keeps, whatever its protocol. It runs on each
 * parser found in `parsers/` and `examples/parsers/`, so a new one is held to
 * it from its first day.
 *
 * Garbage is aimed: it is made of pieces of the parser's own vectors, whole,
 * cut, repeated past any limit and mixed with noise. Plain noise would be
 * refused at the first byte and prove little.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import type { Connection, Parser, ParserDefinition } from "parley/proxylib";
import { type Case, checkCase, replay, type Step } from "parley/testkit";
import { createJudge } from "../proxy/matcher.ts";
import { createStore } from "../proxy/session/shared.ts";
import {
  compareCuts,
  concat,
  type LogLine,
  readVectors,
  toBytes,
  type Vector,
} from "../proxylib/testkit/mod.ts";

/** Parsers that are excused from a clause of the contract, and why. */
const EXCUSED: Readonly<Record<string, string>> = {
  passer: "passes everything under any rule, by design",
};

const RUNS = { seed: 20_261_124, numRuns: 150 };
const ROOT = new URL("../", import.meta.url);

interface Found {
  readonly name: string;
  readonly module: URL;
  readonly vectors: URL;
}

/** `NAME.ts` with `NAME.vectors.jsonl`, or `NAME/mod.ts` with `NAME/vectors.jsonl`. */
function* findParsers(folder: URL): Generator<Found> {
  for (const entry of Deno.readDirSync(folder)) {
    if (entry.isDirectory) {
      const inside = new URL(`${entry.name}/`, folder);
      yield {
        name: entry.name,
        module: new URL("mod.ts", inside),
        vectors: new URL("vectors.jsonl", inside),
      };
    } else if (/(?<!_test)\.ts$/.test(entry.name)) {
      const name = entry.name.slice(0, -".ts".length);
      yield {
        name,
        module: new URL(entry.name, folder),
        vectors: new URL(`${name}.vectors.jsonl`, folder),
      };
    }
  }
}

const PARSERS = ["parsers/", "examples/parsers/"]
  .flatMap((folder) => [...findParsers(new URL(folder, ROOT))])
  .sort((a, b) => a.name < b.name ? -1 : 1);

/** A connection that takes everything and allows what it is told to. */
function stubConnection(allowed: boolean): Connection {
  const end = { address: "192.0.2.1:1", labels: [] };
  return {
    id: 1,
    direction: "ingress",
    source: end,
    destination: end,
    port: 1,
    frameBytes: 1 << 24,
    shared: createStore(0),
    matches: () => ({ allowed, verdict: allowed ? "forwarded" : "denied" }),
    inject: () => {},
    logsResponses: true,
    log: () => 0,
    answered: () => {},
  };
}

/** Conversations in the parser's own words, more or less. */
function conversations(vectors: readonly Vector[]): fc.Arbitrary<Step[]> {
  const noise = fc.uint8Array({ minLength: 1, maxLength: 60, size: "max" });
  const directions = [false, true].map((reply) => {
    const words = vectors.flatMap(({ steps }) =>
      steps.filter((step) => (step.reply ?? false) === reply)
        .map(({ data }) => toBytes(data)).filter(({ length }) => length > 0)
    );
    const word = words.length > 0 ? fc.constantFrom(...words) : noise;
    const slice = fc.tuple(word, fc.nat(80), fc.nat(80)).map(([word, a, b]) =>
      word.slice(Math.min(a, b), Math.max(a, b) + 1)
    );
    const repeated = fc.tuple(slice, fc.integer({ min: 2, max: 600 }))
      .map(([slice, times]) => concat(Array(times).fill(slice)));
    const piece = fc.oneof(
      { weight: 6, arbitrary: word },
      { weight: 5, arbitrary: slice },
      { weight: 2, arbitrary: noise },
      { weight: 1, arbitrary: repeated },
    );
    return fc.array(piece, { minLength: 1, maxLength: 4 })
      .map((pieces): Step => ({ reply, data: concat(pieces) }));
  });
  return fc.array(
    fc.oneof(
      { weight: 3, arbitrary: directions[0]! },
      { weight: 2, arbitrary: directions[1]! },
    ),
    { minLength: 1, maxLength: 6 },
  );
}

/** Each step in pieces, the sizes taken in turn. */
function cut(steps: readonly Step[], sizes: readonly number[]): Step[] {
  let turn = 0;
  return steps.flatMap((step) => {
    const data = toBytes(step.data);
    const pieces: Step[] = [];
    for (let at = 0; at < data.length;) {
      const size = sizes[turn++ % sizes.length]!;
      pieces.push({ ...step, data: data.subarray(at, at + size) });
      at += size;
    }
    return pieces;
  });
}

function describeContract(
  { name }: Found,
  definition: ParserDefinition,
  vectors: readonly Vector[],
): void {
  const excuse = EXCUSED[name];
  const strictly = (clause: string, fn: () => void) =>
    Deno.test({
      name: `contract ${name} ${clause}${
        excuse ? ` (excused: ${excuse})` : ""
      }`,
      ignore: excuse !== undefined,
      fn,
    });

  Deno.test(`contract ${name} describes itself in one line`, () => {
    assert(/^\S[^\n]{0,78}\S$/.test(definition.description));
  });

  strictly("refuses a rule key that it does not know, by name", () => {
    const refused = definition.rule.safeParse({ "no-such-key": "x" });
    assertEquals(refused.success, false);
    const messages = refused.error!.issues.map(({ message }) => message);
    assert(
      messages.some((text) => text.includes("no-such-key")),
      `${messages}`,
    );
  });

  strictly("refuses rule values that are not texts", () => {
    const keys = vectors.flatMap(({ rules }) => rules ?? []).flatMap(
      Object.keys,
    );
    for (const key of new Set(keys)) {
      assertEquals(definition.rule.safeParse({ [key]: 1 }).success, false, key);
    }
  });

  Deno.test(`contract ${name} answers at once to no bytes at all`, () => {
    for (const reply of [false, true]) {
      for (const end of [false, true]) {
        const parser: Parser = definition.create(stubConnection(true));
        const verdict = parser.onData(reply, end, new Uint8Array(0), 0);
        assert(["more", "nop"].includes(verdict.op), verdict.op);
        if (verdict.op === "more") assert(verdict.bytes >= 1);
      }
    }
  });

  Deno.test(`contract ${name} ships vectors under its own name`, () => {
    assert(vectors.length >= 3, `${vectors.length} vectors`);
    assert(vectors.every(({ l7proto }) => l7proto === name));
    assertEquals(new Set(vectors.map(({ name }) => name)).size, vectors.length);
  });

  for (const vector of vectors) {
    Deno.test(`contract ${name} vector: ${vector.name}`, () => {
      assertEquals(checkCase(definition, vector), []);
    });
  }

  const { fields, fromFields } = definition;
  if (fields && fromFields) {
    Deno.test(`contract ${name} reads a request back from its log fields, as far as rules look`, () => {
      checkReadBack(definition, fields, fromFields, vectors);
    });
  }

  describeProperties(name, definition, vectors, strictly);
}

/** What `parley trace` says of logged fields is what was said of the request. */
function checkReadBack(
  definition: ParserDefinition,
  fields: NonNullable<ParserDefinition["fields"]>,
  fromFields: NonNullable<ParserDefinition["fromFields"]>,
  vectors: readonly Vector[],
): void {
  let compared = 0;
  for (const { rules = [], steps } of vectors) {
    const set = rules && {
      proto: "test",
      ref: "test#l7",
      rules: rules.map((raw, i) => ({ ref: `test#l7[${i}]`, raw })),
    };
    const sets = set ? [set] : [];
    const judge = createJudge(
      definition,
      { verdict: "allowed", sets },
      "enforce",
    );
    for (const line of replay(definition, rules, steps).outcome.log) {
      if (line.type !== "request" || !isPolicys(line)) continue;
      const request = fromFields(asTexts(line.fields));
      const { verdict, rule } = judge(request);
      assertEquals({ verdict, rule }, {
        verdict: line.verdict,
        rule: line.rule,
      });
      assertEquals(fields(request), line.fields);
      compared++;
    }
  }
  assert(compared >= 2, `${compared} requests compared`);
}

/** Parsers deny some requests by themselves. */
function isPolicys({ verdict, reason }: LogLine): boolean {
  return verdict === "forwarded" ||
    reason === "no-rule" || reason === "unknown-request";
}

/** Fields as they are typed after `--l7`. */
function asTexts(fields: LogLine["fields"]): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(fields).map((
      [name, value],
    ) => [name, Array.isArray(value) ? [...value] : [String(value)]]),
  );
}

function describeProperties(
  name: string,
  definition: ParserDefinition,
  vectors: readonly Vector[],
  strictly: (clause: string, fn: () => void) => void,
): void {
  const talk = conversations(vectors);
  const rules = fc.constantFrom<NonNullable<Case["rules"]> | null>(
    [],
    null,
    ...vectors.map(({ rules }) => rules ?? null),
  );
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), {
    minLength: 1,
    maxLength: 5,
  });

  Deno.test(`contract ${name} decides garbage without a panic, the same in all cuts, and keeps its state before MORE`, () => {
    fc.assert(
      fc.property(talk, rules, sizes, (steps, rules, sizes) => {
        const whole = replay(definition, rules, steps);
        const pieces = replay(definition, rules, cut(steps, sizes));
        for (const { outcome, stateChanges } of [whole, pieces]) {
          assertEquals(stateChanges, []);
          assertEquals(
            outcome.log.filter(({ reason }) => reason === "panic"),
            [],
          );
        }
        assertEquals(compareCuts(whole.outcome, pieces.outcome), []);
      }),
      RUNS,
    );
  });

  Deno.test(`contract ${name} forwards nothing undecided when a stream ends`, () => {
    fc.assert(
      fc.property(talk, rules, fc.nat(400), (steps, rules, at) => {
        const last = steps.at(-1)!;
        const data = toBytes(last.data);
        const broken = steps.with(-1, {
          ...last,
          data: data.subarray(0, 1 + at % data.length),
        });
        const open = replay(definition, rules, broken).outcome;
        const over = replay(definition, rules, [
          ...broken,
          { reply: false, data: "", end: true },
          { reply: true, data: "", end: true },
        ]).outcome;
        assertEquals(over.forward, open.forward);
        assertEquals(over.reply, open.reply);
      }),
      RUNS,
    );
  });

  strictly("forwards no request when no rule matches", () => {
    fc.assert(
      fc.property(talk, (steps) => {
        const { outcome } = replay(definition, null, steps);
        assertEquals(outcome.forward.length, 0);
      }),
      RUNS,
    );
  });
}

for (const found of PARSERS) {
  try {
    const { default: definition } = await import(found.module.href);
    const text = Deno.readTextFileSync(found.vectors);
    describeContract(
      found,
      definition,
      readVectors(found.vectors.pathname, text),
    );
  } catch (cause) {
    Deno.test(`contract ${found.name} loads, and its vectors with it`, () => {
      throw cause;
    });
  }
}

Deno.test("contract finds parsers in both layouts and places", () => {
  const names = PARSERS.map(({ name }) => name);
  for (const name of ["r2d2", "c3po"]) assert(names.includes(name), name);
  const folder = new URL(Deno.makeTempDirSync() + "/", "file://");
  Deno.mkdirSync(new URL("deep", folder));
  for (const file of ["flat.ts", "flat_test.ts", "flat.vectors.jsonl"]) {
    Deno.writeTextFileSync(new URL(file, folder), "");
  }
  const found = [...findParsers(folder)].map((found) =>
    [found.module, found.vectors].map((url) =>
      url.href.slice(folder.href.length)
    )
  );
  Deno.removeSync(folder, { recursive: true });
  assertEquals(found.sort(), [
    ["deep/mod.ts", "deep/vectors.jsonl"],
    ["flat.ts", "flat.vectors.jsonl"],
  ]);
});
