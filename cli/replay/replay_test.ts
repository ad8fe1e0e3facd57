/** `parley replay` as it is called: what would change, what cannot be told, and mistakes. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { formatter } from "../../proxy/accesslog/formatter_harness_test.ts";
import { parley, withFiles } from "../testing.ts";

function policy(l7: string, more = ""): string {
  return `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: droid }
spec:
  endpointSelector: { matchLabels: { app: droid } }
  ingress:
  - fromEndpoints: [{ matchLabels: { role: pilot } }]
    toPorts:
    - ports: [{ port: "4040", protocol: TCP }]
      rules: { l7proto: r2d2, l7: [${l7}] }
${more}`;
}

const TIME = Date.UTC(2026, 10, 24, 6);
const NAMESPACE = "k8s:io.kubernetes.pod.namespace=default";
const FACTS = {
  id: 1,
  direction: "ingress",
  source: { address: "10.0.0.7:40112", labels: [NAMESPACE, "k8s:role=pilot"] },
  destination: {
    address: "127.0.0.1:11211",
    labels: ["k8s:app=droid", NAMESPACE],
  },
  port: 4040,
  l7proto: "r2d2",
  parser: "r2d2@abc",
} as const;
const pilot = formatter(FACTS);
const stranger = formatter({
  ...FACTS,
  source: { address: "[2001:db8::1]:4", labels: ["reserved:world"] },
});
const unread = formatter({
  ...FACTS,
  l7proto: undefined,
  parser: undefined,
});

/** Three requests, an end, and lines that tell of no decision of a policy. */
const LOG = [
  pilot(TIME, {
    type: "request",
    verdict: "forwarded",
    rule: "default/droid#spec.ingress[0].toPorts[0].l7[0]",
    fields: { cmd: "READ", file: "a" },
  }),
  pilot(TIME, {
    type: "request",
    verdict: "denied",
    reason: "no-rule",
    fields: { cmd: "HALT", file: "" },
  }),
  pilot(TIME, {
    type: "request",
    verdict: "error",
    reason: "malformed",
    fields: { cmd: "", file: "" },
  }),
  pilot(TIME, { type: "response", verdict: "forwarded", fields: {} }),
  pilot(TIME, {
    type: "connection",
    verdict: "forwarded",
    fields: { end: "closed" },
  }),
  stranger(TIME, {
    type: "connection",
    verdict: "denied",
    reason: "no-rule",
    fields: { end: "refused" },
  }),
  "not a line of a log\n",
].join("");

const ROWS: readonly {
  readonly name: string;
  readonly yaml: string;
  readonly log?: string;
  readonly code: number;
  readonly says: readonly RegExp[];
}[] = [
  {
    name: "nothing under the policy that made the log",
    yaml: policy("{ cmd: READ }"),
    code: 0,
    says: [/^7 lines, 4 decisions, 0 would change, 0 cannot be compared$/],
  },
  {
    name: "a request that would be denied, and one that would pass",
    yaml: policy("{ cmd: HALT }"),
    code: 1,
    says: [
      /access\.log:1: .*READ.*: allowed -> denied \(no-rule\)$/,
      /access\.log:2: .*HALT.*: denied -> allowed \(.*l7\[0\]\)$/,
      /^7 lines, 4 decisions, 2 would change/,
    ],
  },
  {
    name: "a connection that would be let in",
    yaml: policy("{ cmd: READ }", "  - fromEntities: [ world ]\n"),
    code: 1,
    says: [/access\.log:6: .*connection: denied -> allowed/, / 1 would change/],
  },
  {
    name: "what would only be audited",
    yaml: policy("{ cmd: WRITE }").replace(
      "name: droid",
      "name: droid, annotations: { parley.dev/mode: audit }",
    ),
    code: 1,
    says: [
      /access\.log:1: .*allowed -> audit \(no-rule default\/droid#.*\)$/,
      / 1 would change/,
    ],
  },
  {
    name: "that bytes would be read otherwise",
    yaml: policy("{ cmd: READ }").replace(/l7proto: .* }/, "l7proto: passer }"),
    code: 0,
    says: [
      /the policy wants the bytes read as passer/,
      / 2 cannot be compared/,
    ],
  },
  {
    name: "nothing of bytes that nobody read",
    yaml: policy("{ cmd: READ }"),
    log: unread(TIME, {
      type: "connection",
      verdict: "forwarded",
      fields: { end: "closed" },
    }),
    code: 0,
    says: [/^1 lines, 1 decisions, 0 would change/],
  },
];

for (const { name, yaml, log = LOG, code, says } of ROWS) {
  Deno.test(`parley replay says ${name}`, async () => {
    await withFiles({ "p.yaml": yaml, "access.log": log }, async (folder) => {
      const ended = await parley(
        "replay",
        `${folder}/access.log`,
        "--policy",
        `${folder}/p.yaml`,
      );
      const lines = ended.out.split("\n");
      assertEquals(ended.code, code, ended.out + ended.err);
      for (const pattern of says) {
        assertEquals(lines.some((line) => pattern.test(line)), true, ended.out);
      }
    });
  });
}

Deno.test("parley replay --json prints an object for each change, and one that counts", async () => {
  const files = { "p.yaml": policy("{ cmd: HALT }"), "access.log": LOG };
  await withFiles(files, async (folder) => {
    const { out } = await parley(
      "replay",
      `${folder}/access.log`,
      "--policy",
      `${folder}/p.yaml`,
      "--json",
    );
    const [first, second, summary] = out.split("\n")
      .map((line) => JSON.parse(line));
    assertEquals([first.line, first.before.verdict, first.after.verdict], [
      1,
      "allowed",
      "denied",
    ]);
    assertEquals(second.after, {
      verdict: "allowed",
      rule: "default/droid#spec.ingress[0].toPorts[0].l7[0]",
    });
    assertEquals(summary, { lines: 7, decisions: 4, changed: 2, unknown: 0 });
  });
});

Deno.test("parley replay refuses a policy that does not load, and a log that is not there", async () => {
  const yaml = policy("{ cmd: JUMP }");
  await withFiles({ "p.yaml": yaml, "access.log": LOG }, async (folder) => {
    const call = (log: string, policy: string) =>
      parley("replay", `${folder}/${log}`, "--policy", `${folder}/${policy}`);
    const refused = await call("access.log", "p.yaml");
    assertEquals(refused.code, 1);
    assertMatch(refused.err, /\[r2d2\.cmd\]/);
    await Deno.writeTextFile(`${folder}/good.yaml`, policy("{ cmd: READ }"));
    const missing = await call("no.log", "good.yaml");
    assertEquals(missing.code, 2);
    assertMatch(missing.err, /cannot read .*no\.log/);
  });
});

Deno.test("parley replay -c replays under the configuration's policies and settings", async () => {
  const config = (more: string) => `
listeners: [ { listen: "127.0.0.1:0", upstream: "127.0.0.1:1" } ]
policies: [ p.yaml ]
${more}
`;
  const files = {
    "access.log": LOG,
    "p.yaml": policy("{ cmd: READ }"),
    "plain.yaml": config(""),
    "never.yaml": config("enforcement: never"),
    "wrong.yaml": config("enforcement: soon"),
  };
  await withFiles(files, async (folder) => {
    const call = (name: string) =>
      parley("replay", `${folder}/access.log`, "-c", `${folder}/${name}.yaml`);
    const [plain, never, wrong] = [
      await call("plain"),
      await call("never"),
      await call("wrong"),
    ];
    assertEquals([plain.code, never.code, wrong.code], [0, 1, 1], plain.out);
    assertMatch(plain.out, / 0 would change/);
    assertMatch(never.out, /HALT.*: denied -> allowed/);
    assertMatch(wrong.err, /"soon"/);
  });
});
