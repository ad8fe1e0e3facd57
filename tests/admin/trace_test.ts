/** `GET /v1/trace`: why, by the policy in force, as a running sidecar knows its peers. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
  rejects as assertRejects,
} from "node:assert/strict";
import type { z } from "zod";
import { trace } from "../../admin/app/trace.ts";
import type { Administered } from "../../proxy/administered.ts";
import { TooManyWait } from "../../proxy/supervisor/turns.ts";
import { poll } from "../e2e/wait.ts";
import { ignore, type Options, Parley } from "../processes/parley.ts";
import { LineServer } from "../processes/servers.ts";
import { assertProblem, overSocket, type Told } from "./client.ts";

const POLICY = (cmd: string) => `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: droids }
spec:
  endpointSelector: { matchLabels: { app: guarded } }
  ingress:
  - fromEndpoints: [{ matchLabels: { function: monitoring } }]
    toPorts:
    - ports: [{ port: "4040", protocol: TCP }]
      rules: { l7proto: r2d2, l7: [ { cmd: ${cmd} } ] }
  ingressDeny:
  - fromCIDR: [10.6.6.6/32]
`;

/** Policies for other workloads. */
const OTHERS = 300;

function others(): string {
  return Array.from({ length: OTHERS }, (_, i) => `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: other-${i} }
spec: { endpointSelector: { matchLabels: { app: other-${i} } }, ingress: [{}] }
`).join("---");
}

interface Row {
  readonly name: string;
  readonly query: Readonly<Record<string, string>>;
  readonly verdict: string;
  readonly why: RegExp;
}

const PEER = { from: "10.0.0.1", port: "4040" };

const ANSWERS: readonly Row[] = [
  {
    name: "a request that a rule covers, of a peer that an address leads to",
    query: { ...PEER, l7: '{"cmd":"HALT"}' },
    verdict: "allowed",
    why: /default\/droids#spec\.ingress\[0\]\.toPorts\[0\]\.l7\[0\] covers/,
  },
  {
    name: "a request that none covers",
    query: { ...PEER, l7: '{"cmd":["RESET"]}' },
    verdict: "denied",
    why: /no L7 rule of default\/droids covers the request/,
  },
  {
    name: "a connection",
    query: PEER,
    verdict: "allowed",
    why: /the L7 rules below judge/,
  },
  {
    name: "labels in place of an address",
    query: { ...PEER, from: "function=monitoring", to: "app=guarded" },
    verdict: "allowed",
    why: /the L7 rules below judge/,
  },
  {
    name: "a peer that is denied",
    query: { ...PEER, from: "10.6.6.6" },
    verdict: "denied",
    why: /ingressDeny\[0\] denies the connection/,
  },
  {
    name: "egress, which nothing closes",
    query: { direction: "egress", to: "192.0.2.1", port: "1" },
    verdict: "allowed",
    why: /no rule closes egress/,
  },
];

const REFUSALS: readonly (Omit<Row, "verdict" | "why"> & {
  readonly status: number;
  readonly says: RegExp;
})[] = [
  {
    name: "no port",
    query: { from: "10.0.0.1" },
    status: 400,
    says: /query\.port: /,
  },
  {
    name: "a port that is none",
    query: { ...PEER, port: "70000" },
    status: 422,
    says: /query\.port "70000" is not a port; write a number/,
  },
  {
    name: "no peer",
    query: { port: "4040" },
    status: 422,
    says: /query\.from is missing; write the labels of the peer/,
  },
  {
    name: "a prefix",
    query: { ...PEER, from: "10.0.0.0/8" },
    status: 422,
    says: /query\.from 10\.0\.0\.0\/8 is a prefix; write one address/,
  },
  {
    name: "fields that are no JSON",
    query: { ...PEER, l7: "cmd=READ" },
    status: 422,
    says: /query\.l7: it holds no fields in JSON; write \{/,
  },
  {
    name: "a field that is misspelt",
    query: { ...PEER, l7: '{"cmdd":"READ"}' },
    status: 422,
    says: /query\.l7: a request of r2d2 has no field "cmdd"; write "cmd"/,
  },
  {
    name: "another protocol than the policy's",
    query: { ...PEER, l7proto: "memcache" },
    status: 422,
    says: /query\.l7proto memcache is not what the policy reads port 4040 as/,
  },
  {
    name: "a protocol of no parser",
    query: { ...PEER, port: "1", l7proto: "redis" },
    status: 422,
    says: /query\.l7proto redis is no parser that serves here; name one of/,
  },
];

function options(upstream: string): Options {
  return {
    config: {
      listeners: [{ name: "a", upstream, port: 4040 }],
      policies: ["policies/"],
      identities: [
        { cidr: "10.0.0.1/32", labels: { function: "monitoring" } },
      ],
    },
    policies: { "droids.yaml": POLICY("HALT"), "others.yaml": others() },
  };
}

function ask(parley: Parley, query: Row["query"]): Promise<Told> {
  const path = `/v1/trace?${new URLSearchParams(query)}`;
  return overSocket(parley.adminSocket, path);
}

/** What the document says of the answer. */
const SCHEMA: z.ZodType = trace({} as Administered)[0]!.answers[200]!
  .content!["application/json"]!;

Deno.test({
  name: "GET /v1/trace",
  ignore,
  async fn(test) {
    await using server = new LineServer();
    await using parley = await Parley.start(options(server.address));
    for (const { name, query, verdict, why } of ANSWERS) {
      await test.step(`answers ${verdict} for ${name}`, async () => {
        const { status, text, json } = await ask(parley, query);
        assertEquals(status, 200, text);
        assertEquals(json.verdict, verdict);
        assertMatch(json.why, why);
        assert(SCHEMA.safeParse(json).success, text);
      });
    }
    for (const { name, query, status, says } of REFUSALS) {
      await test.step(`refuses ${name}`, async () => {
        const told = await ask(parley, query);
        assertEquals(told.status, status, told.text);
        assertProblem(told);
        assertMatch(told.json.detail, says);
      });
    }
    await test.step("counts rules for other workloads, and does not list them", async () => {
      const { json } = await ask(parley, PEER);
      assertEquals([json.rules.length, json.others], [1, OTHERS]);
    });
    await test.step("asks the policy that is in force by then", async () => {
      await parley.savePolicy("droids.yaml", POLICY("RESET"));
      await parley.until(/policy version 2 is in force/);
      const { json } = await ask(parley, { ...PEER, l7: '{"cmd":"RESET"}' });
      assertEquals(json.verdict, "allowed");
    });
    await test.step("has a bound for those that wait, and says when to come again", async () => {
      const query = { ...PEER, l7: '{"cmd":"HALT"}' };
      const told = await Promise.all(
        Array.from({ length: 60 }, () => ask(parley, query)),
      );
      for (const answer of told) {
        if (answer.status === 200) continue;
        // 503: others were quicker to say what they want, and had its place.
        assert([429, 503].includes(answer.status), answer.text);
        assertProblem(answer);
        assertEquals(answer.headers.get("retry-after"), "1");
      }
      assert(told.filter(({ status }) => status === 200).length >= 12);
    });
    await test.step("answers many at a time, and leaves no checker behind", async () => {
      const query = { ...PEER, l7: '{"cmd":"HALT"}' };
      const told = await Promise.all(
        Array.from({ length: 12 }, () => ask(parley, query)),
      );
      assertEquals(
        told.map(({ json }) => json.verdict),
        Array(12).fill("denied"),
      );
      // One of them may be the spare, which is for the next reload.
      assert((await parley.checkers()).length <= 2);
      await poll(
        async () => (await parley.checkers()).length <= 1 ? true : undefined,
        () => "end of the checker that answered",
      );
    });
  },
});

Deno.test("too many questions at a time are a 429", async () => {
  const full = () => Promise.reject(new TooManyWait("16 wait already"));
  const [operation] = trace({ trace: full } as unknown as Administered);
  await assertRejects(
    operation!.run(new Request("http://parley/v1/trace?port=1"), {}),
    { name: "RequestError", status: 429, headers: { "retry-after": "1" } },
  );
});
