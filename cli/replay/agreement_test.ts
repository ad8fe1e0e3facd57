/**
 * What a running sidecar decided, `trace` and `replay` decide too, request by
 * request and rule by rule.
 *
 * `PARLEY_REQUESTS=10000 deno test -A cli/replay/agreement_test.ts` asks more.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { createPolicyStore } from "../../policy/mod.ts";
import { Field } from "../../proxy/sidecar_field_test.ts";
import { catalogOf, withParsers } from "../loaded_parsers.ts";
import { answer } from "../trace/trace.ts";
import { replayed } from "./judge.ts";
import { Records } from "./record.ts";

const REQUESTS = Number(Deno.env.get("PARLEY_REQUESTS") ?? 500);
const EACH = 50;

const file = fc.constantFrom("^/public/", "x$", "^a", "/b/", "^(x|y)$");
const rule = fc.oneof(
  { weight: 1, arbitrary: fc.constant({}) },
  { weight: 4, arbitrary: fc.constantFrom({ cmd: "HALT" }, { cmd: "RESET" }) },
  {
    weight: 20,
    arbitrary: fc.record({
      cmd: fc.constantFrom("READ", "WRITE", ""),
      file,
    }, { requiredKeys: [] }),
  },
);
/** Of few rules each is asked; many are looked up. */
const rules = fc.oneof(
  fc.array(rule, { minLength: 1, maxLength: 3 }),
  fc.array(rule, { minLength: 10, maxLength: 30 }),
);
const peers = fc.constantFrom(
  { fromEntities: ["all"] },
  { fromEntities: ["world"] },
  { fromCIDR: ["127.0.0.0/8"] },
  { fromEndpoints: [{ matchLabels: { app: "other" } }] },
);
const entries = fc.array(
  fc.record({ peers, l7: rules }).map(({ peers, l7 }) => ({
    ...peers,
    toPorts: [{
      ports: [{ port: "4040", protocol: "TCP" }],
      rules: { l7proto: "r2d2", l7 },
    }],
  })),
  { minLength: 1, maxLength: 3 },
);
const request = fc.oneof(
  fc.constantFrom("HALT", "RESET", "JUMP", "READ", "READ a b"),
  fc.record({
    cmd: fc.constantFrom("READ", "WRITE"),
    file: fc.constantFrom("/public/a", "x", "ax", "/a/b/c", "y", "/private"),
  }).map(({ cmd, file }) => `${cmd} ${file}`),
);

function policy(ingress: unknown, mode = "enforce"): string {
  return JSON.stringify({
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { name: "droid", annotations: { "parley.dev/mode": mode } },
    spec: {
      endpointSelector: { matchLabels: { app: "droid" } },
      // Somebody may always connect, so that there is a connection to ask on.
      ingress: [...ingress as unknown[], {
        fromEntities: ["all"],
        toPorts: [{
          ports: [{ port: "4040", protocol: "TCP" }],
          rules: { l7proto: "r2d2", l7: [{ cmd: "HALT" }] },
        }],
      }],
    },
  });
}

/** The access log of a sidecar that was asked these. */
async function logOf(text: string, requests: readonly string[]) {
  await using field = await Field.make();
  await field.write("policies/p.json", text);
  await field.start();
  using client = await field.connect();
  const server = await field.upstream.take();
  await client.send(requests.map((line) => `${line}\r\n`).join(""));
  await client.shut();
  await server.shut();
  await field.drain();
  const log = await Deno.readTextFile(`${field.folder}/access.log`);
  return log.split("\n").slice(0, -1);
}

const samples = fc.sample(
  fc.record({
    entries,
    mode: fc.constantFrom("enforce", "enforce", "audit"),
    requests: fc.array(request, { minLength: EACH, maxLength: EACH }),
  }),
  { numRuns: Math.ceil(REQUESTS / EACH), seed: 8 },
);

Deno.test(`a sidecar, trace and replay agree on ${REQUESTS} requests`, async () => {
  const seen = new Map<string, number>();
  await withParsers({ folders: [] }, async (parsers) => {
    for (const { entries, mode, requests } of samples) {
      const sources = [{ file: "p.json", text: policy(entries, mode) }];
      const store = createPolicyStore(catalogOf(parsers.status));
      store.update(sources);
      const reader = new Records();
      const lines = await logOf(sources[0]!.text, requests);
      const records = lines.map((line) => reader.read(line)!);
      const answers = await replayed(records, store.current, parsers);
      for (const [index, line] of lines.entries()) {
        const record = records[index]!;
        const logged = JSON.parse(line);
        const told = answers[index]!;
        assert(told.verdict !== "unknown", line);
        if (record.type === "connection") continue;
        const { query, fields } = record;
        const { request } = await answer(
          {
            sources,
            query,
            options: { nodes: false },
            mode: "enforce",
            given: fields,
          },
          parsers,
        );
        const { verdict, rule } = request!.decision!;
        assertEquals({ verdict, rule }, {
          verdict: logged.verdict,
          rule: logged.rule,
        }, line);
        assertEquals(told.rule, logged.rule);
        assertEquals(told.verdict === "allowed", record.wasAllowed);
        seen.set(logged.verdict, (seen.get(logged.verdict) ?? 0) + 1);
      }
      const judged = records.filter(({ type }) => type === "request");
      assertEquals(judged.length, requests.length);
    }
  });
  for (const verdict of ["forwarded", "denied", "audit"]) {
    assert((seen.get(verdict) ?? 0) > 20, `${verdict}: ${seen.get(verdict)}`);
  }
});
