/** Versions of parsers as operators are shown them. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { VersionCount } from "../versions.ts";
import { ParserHistory } from "./history.ts";
import type { ParserChange, ParserStatus } from "./registry.ts";

const HASH = {
  a: "aaaaaa".padEnd(64, "0"),
  b: "bbbbbb".padEnd(64, "0"),
  c: "cccccc".padEnd(64, "0"),
};

type Hash = keyof typeof HASH;

/** What changed, and what is so then. */
type Step = readonly ["loaded" | "refused" | "unreadable" | "removed", Hash?];

function status(
  serving: string | undefined,
  refused: string | undefined,
): ParserStatus {
  return {
    name: "words",
    file: "/p/words.ts",
    builtIn: false,
    ...(serving === undefined ? {} : { version: serving }),
    ...(refused === undefined ? {} : { refused }),
  };
}

/** Follows the steps; the state after them as `VERSION STATE CONNECTIONS PANICS SINCE`. */
function after(
  steps: readonly Step[],
  counts: readonly (readonly [Hash, number, number])[],
): string[] {
  const history = new ParserHistory();
  let serving: string | undefined;
  let now: ParserStatus[] = [];
  for (const [index, [kind, hash]] of steps.entries()) {
    if (kind === "loaded") serving = HASH[hash!].slice(0, 6);
    const error = kind === "refused" || kind === "unreadable"
      ? "it is wrong"
      : undefined;
    const change: ParserChange = {
      name: "words",
      kind: kind === "unreadable" ? "refused" : kind,
      ...(kind === "removed" ? {} : { hash: hash ? HASH[hash] : "" }),
      ...(error === undefined ? {} : { error }),
    };
    now = kind === "removed" ? [] : [status(serving, error)];
    history.follow([change], now, `T${index}`);
  }
  const counted = counts.map(([hash, connections, panics]): VersionCount => {
    const version = HASH[hash].slice(0, 6);
    return { name: "words", version, connections, panics };
  });
  return history.states(now, counted).flatMap(({ versions }) =>
    versions.map(({ version, state, connections, panics, since, refused }) =>
      [version, state, connections, panics, since, refused].join(" ").trim()
    )
  );
}

const CASES: readonly {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly counts: readonly (readonly [Hash, number, number])[];
  readonly want: readonly string[];
}[] = [
  {
    name: "the one that serves is shown, also without connections",
    steps: [["loaded", "a"]],
    counts: [],
    want: ["aaaaaa serving 0 0 T0"],
  },
  {
    name: "a former one is shown while it has connections, or had panics",
    steps: [["loaded", "a"], ["loaded", "b"], ["loaded", "c"]],
    counts: [["a", 2, 0], ["b", 0, 3], ["c", 1, 0]],
    want: [
      "cccccc serving 1 0 T2",
      "bbbbbb former 0 3 T1",
      "aaaaaa former 2 0 T0",
    ],
  },
  {
    name: "a former one without either is not",
    steps: [["loaded", "a"], ["loaded", "b"]],
    counts: [],
    want: ["bbbbbb serving 0 0 T1"],
  },
  {
    name: "the newest that was refused says why, beside the one that serves",
    steps: [["loaded", "a"], ["refused", "b"]],
    counts: [["a", 1, 0]],
    want: ["bbbbbb refused 0 0 T1 it is wrong", "aaaaaa serving 1 0 T0"],
  },
  {
    name: "one that was refused is not shown when a newer one serves",
    steps: [["refused", "a"], ["loaded", "b"]],
    counts: [],
    want: ["bbbbbb serving 0 0 T1"],
  },
  {
    name: "one that comes back is the newest again",
    steps: [["loaded", "a"], ["loaded", "b"], ["loaded", "a"]],
    counts: [["b", 1, 0]],
    want: ["aaaaaa serving 0 0 T2", "bbbbbb former 1 0 T1"],
  },
  {
    name: "one that cannot be read has no version",
    steps: [["unreadable"]],
    counts: [],
    want: ["- refused 0 0 T0 it is wrong"],
  },
  {
    name: "a parser that is gone is shown while it has connections",
    steps: [["loaded", "a"], ["removed"]],
    counts: [["a", 1, 0]],
    want: ["aaaaaa former 1 0 T0"],
  },
  {
    name: "a parser that is gone is not shown without connections",
    steps: [["loaded", "a"], ["removed"]],
    counts: [["a", 0, 2]],
    want: [],
  },
];

for (const { name, steps, counts, want } of CASES) {
  Deno.test(`ParserHistory: ${name}`, () =>
    assertEquals(after(steps, counts), want));
}
