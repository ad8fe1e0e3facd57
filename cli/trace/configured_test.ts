/** `parley trace -c`: what a sidecar with this configuration would answer. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { parley, withFiles } from "../testing.ts";

const POLICY = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: p }
spec:
  endpointSelector: { matchLabels: { app: r2 } }
  ingress:
  - fromEndpoints: [ { matchLabels: { role: pilot } } ]
    toPorts: [ { ports: [ { port: droid, protocol: TCP } ] } ]
`;
const OTHER = POLICY.replace("role: pilot", "role: guest");
const NODES = `- endpointSelector: {}
  ingress: [ { fromNodes: [ { matchLabels: { role: edge } } ] } ]
`;

function config(more: string, policies = "p.yaml"): string {
  return `endpoint: { labels: { app: r2 }, ports: { droid: 4040 } }
listeners:
- { listen: "127.0.0.1:0", upstream: "127.0.0.1:4040" }
- { listen: "127.0.0.1:0", upstream: "127.0.0.1:4041", l7proto: r2d2 }
identities:
- { cidr: 10.0.0.1, labels: { role: pilot } }
- { cidr: 10.0.0.2, labels: { "reserved:host": "" } }
- { cidr: 10.0.0.3, labels: { "reserved:remote-node": "", role: edge } }
policies: [ ${policies} ]
${more}
`;
}

const FILES = {
  "p.yaml": POLICY,
  "other.yaml": OTHER,
  "nodes.yaml": NODES,
  "plain.yaml": config(""),
  "always.yaml": config("enforcement: always"),
  "never.yaml": config("enforcement: never"),
  "host.yaml": config("allowLocalhost: true"),
  "audit.yaml": config("mode: audit"),
  "edge.yaml": config("cluster: { nodes: true }", "nodes.yaml"),
  "open.yaml": config("", "").replace("policies: [  ]", ""),
  "pods.yaml": config("cluster: { podCidrs: [ 192.0.2.0/24 ] }"),
  "two.yaml": config("").replace(
    /^endpoint: .*/,
    "endpoints: [ { labels: { app: r2 }, addresses: [ 10.1.0.1 ] }, { labels: { app: c3 }, addresses: [ 10.1.0.2 ] } ]",
  ),
  "wrong.yaml": config("enforcement: sometimes"),
};

const ENTRY = "default/p#spec.ingress[0].toPorts[0]";
const PILOT = "--from 10.0.0.1 --port 4040";
const HOST = "--from 10.0.0.2 --port 4040";

const ANSWERS: readonly (readonly [
  name: string,
  line: string,
  verdict: "allowed" | "audit" | "denied",
  why: string,
])[] = [
  [
    "who is at an address, and what a port is called",
    `plain ${PILOT}`,
    "allowed",
    `${ENTRY} allows the connection`,
  ],
  [
    "an address that no identity lists",
    "plain --from 10.0.0.9 --port 4040",
    "denied",
    "default/p#spec closes ingress",
  ],
  [
    "a workload that no policy selects: open by default",
    "plain --to app=x --from 10.0.0.9 --port 1",
    "allowed",
    "no rule closes ingress",
  ],
  [
    "the same where enforcement is always",
    "always --to app=x --from 10.0.0.9 --port 1",
    "denied",
    "enforcement#spec closes ingress",
  ],
  [
    "egress where enforcement is always",
    "always --egress --to 10.0.0.9 --port 1",
    "denied",
    "enforcement#spec closes egress",
  ],
  [
    "what a policy allows where enforcement is always",
    `always ${PILOT}`,
    "allowed",
    `${ENTRY} allows the connection`,
  ],
  [
    "what a policy denies where enforcement is never",
    `never ${HOST}`,
    "allowed",
    "no rule closes ingress",
  ],
  ["the host by default", `plain ${HOST}`, "denied", "default/p#spec closes"],
  [
    "the host where it is always allowed",
    `host ${HOST}`,
    "allowed",
    "allow-localhost#spec.ingress[0] allows the connection",
  ],
  [
    "a denial in audit mode",
    `audit ${HOST}`,
    "audit",
    "default/p#spec closes ingress (no-rule); it passes, and is logged",
  ],
  [
    "nodes, where policies may select them",
    "edge --from 10.0.0.3 --port 1",
    "allowed",
    "nodes#[0].ingress[0] allows",
  ],
  [
    "a sidecar without policies",
    "open --from 10.0.0.9 --port 1",
    "allowed",
    "no rule closes ingress",
  ],
  [
    "another policy in place of the configuration's",
    `plain --policy %/other.yaml ${PILOT}`,
    "denied",
    "default/p#spec closes ingress",
  ],
  [
    "the parser of a listener where no policy names one",
    "open --from 10.0.0.9 --port 4041 --l7 cmd=HALT",
    "allowed",
    "no rule closes ingress",
  ],
  [
    "one of several workloads",
    "two --to app=c3 --from 10.0.0.9 --port 1",
    "allowed",
    "no rule closes ingress",
  ],
];

function call(folder: string, line: string) {
  const [name, ...rest] = line.replaceAll("%", folder).split(" ");
  return parley("trace", "-c", `${folder}/${name}.yaml`, ...rest);
}

for (const [name, line, verdict, why] of ANSWERS) {
  Deno.test(`trace -c answers ${verdict} for ${name}`, () =>
    withFiles(FILES, async (folder) => {
      const { code, out, err } = await call(folder, line);
      const [first, second] = out.split("\n");
      const want = [verdict, verdict === "denied" ? 1 : 0];
      assertEquals([first, code], want, err);
      assertEquals(second!.includes(why), true, second);
    }));
}

Deno.test("trace -c knows which addresses are the cluster's", () =>
  withFiles(FILES, async (folder) => {
    const { out } = await call(folder, "pods --from 192.0.2.1 --port 1 --json");
    assertEquals(JSON.parse(out).query.peer.labels, ["reserved:unmanaged"]);
  }));

const REFUSED: readonly (readonly [string, string, number, RegExp])[] = [
  ["a configuration that is wrong", `wrong ${PILOT}`, 1, /"sometimes"/],
  ["several workloads, and none named", `two ${PILOT}`, 2, /several endpoints/],
  ["no peer", "plain --port 1", 2, /--from is missing/],
  ["no configuration", `nowhere ${PILOT}`, 2, /cannot read .*nowhere/],
  [
    "a folder without policies in place of the configuration's",
    `plain --policy %/empty ${PILOT}`,
    2,
    /there is no policy file below/,
  ],
];

for (const [name, line, code, says] of REFUSED) {
  Deno.test(`trace -c refuses ${name}`, () =>
    withFiles(FILES, async (folder) => {
      await Deno.mkdir(`${folder}/empty`);
      const ended = await call(folder, line);
      assertEquals([ended.code, ended.out], [code, ""]);
      assertMatch(ended.err, says);
    }));
}

Deno.test("trace refuses to answer by no policy, and about nobody", async () => {
  const bare = await parley("trace", "--from", "a=b", "--port", "1");
  assertEquals([bare.code, bare.out], [2, ""]);
  assertMatch(bare.err, /give --policy FILE, or --config FILE/);
  await withFiles(FILES, async (folder) => {
    const file = `${folder}/p.yaml`;
    const nobody = await parley("trace", "--policy", file, "--port", "1");
    assertEquals([nobody.code, nobody.out], [2, ""]);
    assertMatch(nobody.err, /--to is missing/);
  });
});
