/**
 * The compiled policy against a reference that was written from the
 * specification alone.
 *
 * `PARLEY_CASES=100000 deno test policy/reference_test.ts` looks at more.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { documents, queries, requests } from "./arbitraries.ts";
import type { Access, Query } from "./mod.ts";
import { createPolicyStore } from "./mod.ts";
import { type Outcome, outcome, type Written } from "./reference.ts";
import { catalog } from "./testing.ts";

const CASES = Number(Deno.env.get("PARLEY_CASES") ?? 5000);
/** Questions to one policy. */
const EACH = 10;

type Request = Readonly<Record<string, string>>;

/** What the compiled policy makes of a request. */
function judged(access: Access, request: Request): Outcome {
  if (covers(access, request)) return "allowed";
  const { enforced } = access;
  return enforced !== undefined && covers(enforced, request)
    ? "audit"
    : "denied";
}

function covers(access: Access, request: Request): boolean {
  if (access.verdict === "denied") return false;
  return access.unrestricted !== undefined || access.sets.some(({ rules }) => {
    return rules.length === 0 || rules.some(({ raw }) => {
      return Object.entries(raw).every(([key, value]) =>
        request[key] === value
      );
    });
  });
}

/** The documents of the list that a store puts in force, and the store. */
function loaded(written: readonly Written[]) {
  const store = createPolicyStore(catalog, [], { nodes: true });
  const sources = written.map((document, index) => {
    return { file: `${index}.json`, text: JSON.stringify(document) };
  });
  const { documents } = store.update(sources);
  const refused = new Set(
    documents.filter(({ status }) => status !== "applied")
      .map(({ file }) => file),
  );
  return {
    current: store.current,
    inForce: written.filter((_, index) => !refused.has(`${index}.json`)),
  };
}

Deno.test(`the compiled policy and the reference agree on ${CASES} requests`, () => {
  const seen = new Map<string, number>();
  const count = (kind: string) => seen.set(kind, (seen.get(kind) ?? 0) + 1);
  const asked = fc.array(fc.tuple(queries, requests), {
    minLength: EACH,
    maxLength: EACH,
  });
  fc.assert(
    fc.property(documents, asked, (written, asked) => {
      const { current, inForce } = loaded(written as Written[]);
      if (inForce.length < written.length) count("refused");
      for (const [index, [asking, request]] of asked.entries()) {
        // Two workloads, so that what is kept of one question answers others.
        const { subject } = asked[index % 2]![0];
        const query = { ...asking, subject };
        const question = { ...query, protocol: query.protocol!, request };
        const want = outcome(inForce, question);
        const access = current.resolve(query as Query);
        assertEquals(judged(access, request), want);
        count(want);
        if (access.verdict === "allowed" && !access.unrestricted) {
          count(`${want} by L7 rules`);
        }
      }
    }),
    { numRuns: CASES / EACH, seed: Number(Deno.env.get("PARLEY_SEED") ?? 8) },
  );
  for (
    const kind of [
      "allowed",
      "denied",
      "audit",
      "refused",
      "allowed by L7 rules",
      "denied by L7 rules",
    ]
  ) {
    assert((seen.get(kind) ?? 0) >= 10, `${kind}: ${seen.get(kind)}`);
  }
});
