/** `parley trace` as it is called: exit codes, first lines, rules and mistakes. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { parley, withFiles } from "../testing.ts";

const POLICY = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: droids }
specs:
- endpointSelector: { matchLabels: { app: r2 } }
  ingress:
  - fromEndpoints: [{ matchLabels: { function: monitoring } }]
    toPorts:
    - ports: [{ port: "4040", protocol: TCP }]
      rules:
        l7proto: r2d2
        l7:
        - { cmd: READ, file: "^/public/" }
        - { cmd: HALT }
  - fromCIDRSet: [{ cidr: 10.0.0.0/8, except: [10.96.0.0/12] }]
    toPorts: [{ ports: [{ port: "4040", protocol: TCP }] }]
  ingressDeny:
  - fromCIDR: [10.6.6.6]
- endpointSelector: { matchLabels: { app: closed } }
  egress:
  - toCIDR: [192.0.2.1]
`;

const WRONG = POLICY.replace("l7proto: r2d2", "l7proto: r2d3");
const WARNED = POLICY.replace("fromCIDR: [10.6.6.6]", "fromCIDR: []");
const PASSER = `
- endpointSelector: {}
  ingress:
  - toPorts:
    - ports: [{ port: "80", protocol: TCP }]
      rules: { l7proto: passer, l7: [{}] }
`;
const C3PO = PASSER.replace("passer", "c3po").replace("{}]", "{contains: R2}]");

const AUDITED = POLICY.replace(
  "name: droids",
  "name: droids, annotations: { parley.dev/mode: audit }",
);

const EGRESS = `- endpointSelector: { matchLabels: { app: client } }
  egress:
  - toFQDNs: [ { matchPattern: "*.cilium.io" } ]
    toPorts: [ { ports: [ { port: "443", protocol: TCP } ] } ]
  - toServices: [ { k8sServiceSelector: { selector: { matchLabels: { tier: db } } } } ]
    toPorts: [ { ports: [ { port: sql, protocol: TCP } ] } ]
  - toEntities: [ cluster ]
    toPorts: [ { ports: [ { port: "53", protocol: UDP } ] } ]
`;

const FILES = {
  "policy.yaml": POLICY,
  "audited.yaml": AUDITED,
  "egress.yaml": EGRESS,
  "nodes.yaml":
    "- endpointSelector: {}\n  ingress: [ { fromNodes: [ { matchLabels: { role: edge } } ] } ]\n",
  "wrong.yaml": WRONG,
  "warned.yaml": WARNED,
  "passer.yaml": PASSER,
  "c3po.yaml": C3PO,
  "notes.txt": "",
};

/** The command line after `trace`, the folder's name put in place of `%`. */
function call(folder: string, line: string) {
  return parley("trace", ...line.replaceAll("%", folder).split(" "));
}

const P = "--policy %/policy.yaml";
const MONITORING = `${P} --to app=r2 --from function=monitoring --port 4040`;
const ENTRY = "default/droids#specs[0].ingress[0].toPorts[0]";

const NODE = "--policy %/nodes.yaml --to app=r2 --port 80";
const OUT = "--policy %/egress.yaml --egress --from app=client";
const AUDIT =
  "--policy %/audited.yaml --to app=r2 --from function=monitoring --port 4040";

const ANSWERS: readonly {
  name: string;
  line: string;
  want: "allowed" | "audit" | "denied";
  why: string;
}[] = [
  {
    name: "a request that a rule covers",
    line: `${MONITORING} --l7 cmd=READ --l7 file=/public/a`,
    want: "allowed",
    why: `${ENTRY}.l7[0] covers the request`,
  },
  {
    name: "an address that a name leads to",
    line: `${OUT} --to 192.0.2.9 --port 443 --name www.Cilium.io`,
    want: "allowed",
    why: "egress#[0].egress[0].toPorts[0] allows the connection",
  },
  {
    name: "an address that no name leads to",
    line: `${OUT} --to 192.0.2.9 --port 443`,
    want: "denied",
    why:
      "no rule allows the connection, and egress#[0] closes egress (no-rule)",
  },
  {
    name: "a service's port by its name",
    line:
      `${OUT} --to app=db --port 5432 --service prod/db:tier=db --port-name sql`,
    want: "allowed",
    why: "egress#[0].egress[1].toPorts[0] allows the connection",
  },
  {
    name: "a port of another service",
    line: `${OUT} --to app=db --port 5432 --service prod/db --port-name sql`,
    want: "denied",
    why: "no rule allows the connection",
  },
  {
    name: "a node",
    line: `${NODE} --nodes --from reserved:remote-node=,role=edge`,
    want: "allowed",
    why: "nodes#[0].ingress[0] allows the connection",
  },
  {
    name: "a node of another role",
    line: `${NODE} --nodes --from reserved:remote-node=,role=core`,
    want: "denied",
    why: "no rule allows the connection",
  },
  {
    name: "a port of UDP",
    line: `${OUT} --to app=dns --port 53 --protocol udp`,
    want: "allowed",
    why: "egress#[0].egress[2].toPorts[0] allows the connection",
  },
  {
    name: "a request that a policy in audit mode leaves out",
    line: `${AUDIT} --l7 cmd=READ --l7 file=/a/public`,
    want: "audit",
    why:
      "no L7 rule of default/droids covers the request (no-rule); it passes, and is logged: what denies it is in audit mode",
  },
  {
    name: "a connection that a policy in audit mode denies",
    line: AUDIT.replace("function=monitoring", "10.6.6.6"),
    want: "audit",
    why:
      "denies the connection (deny-rule); it passes, and is logged: what denies it is in audit mode",
  },
  {
    name: "a request that none covers",
    line: `${MONITORING} --l7 cmd=READ --l7 file=/a/public`,
    want: "denied",
    why: "no L7 rule of default/droids covers the request (no-rule)",
  },
  {
    name: "an unknown request, as the parser would judge it",
    line: `${MONITORING} --l7 cmd=HALTS`,
    want: "denied",
    why: "no L7 rule of default/droids covers the request",
  },
  {
    name: "--l7proto as the policy has it",
    line: `${MONITORING} --l7proto r2d2 --l7 cmd=HALT`,
    want: "allowed",
    why: `${ENTRY}.l7[1] covers the request`,
  },
  {
    name: "a connection on which requests will be judged",
    line: MONITORING,
    want: "allowed",
    why: "the L7 rules below judge each request",
  },
  {
    name: "a plain allow by prefix, whatever the request",
    line: `${P} --to app=r2 --from 10.1.1.1 --port 4040 --l7 cmd=WRITE`,
    want: "allowed",
    why:
      "default/droids#specs[0].ingress[1].toPorts[0] allows the connection, whatever is asked",
  },
  {
    name: "an exception of a prefix",
    line: `${P} --to app=r2 --from 10.97.0.1 --port 4040`,
    want: "denied",
    why: "no rule allows the connection",
  },
  {
    name: "a deny entry before an allow",
    line: `${P} --to app=r2 --from 10.6.6.6 --port 4040 --l7 cmd=HALT`,
    want: "denied",
    why: "default/droids#specs[0].ingressDeny[0] denies the connection",
  },
  {
    name: "another port, by default deny",
    line: `${P} --to app=r2 --from function=monitoring --port 4041`,
    want: "denied",
    why: "default/droids#specs[0] closes ingress (no-rule)",
  },
  {
    name: "a workload of another namespace",
    line:
      `${P} --to app=r2,io.kubernetes.pod.namespace=x --from function=monitoring --port 4040`,
    want: "allowed",
    why: "no rule closes ingress",
  },
  {
    name: "a peer of another namespace",
    line:
      `${P} --to app=r2 --from k8s:io.kubernetes.pod.namespace=x,function=monitoring --port 4040`,
    want: "denied",
    why: "no rule allows the connection",
  },
  {
    name: "a reserved identity, which prefixes do not fit",
    line: `${P} --to app=r2 --from reserved:host --port 4040`,
    want: "denied",
    why: "no rule allows the connection",
  },
  {
    name: "egress to an address that is listed",
    line: `${P} --egress --from app=closed --to 192.0.2.1 --port 1`,
    want: "allowed",
    why: "default/droids#specs[1].egress[0] allows the connection",
  },
  {
    name: "egress to one that is not",
    line: `${P} --egress --from app=closed --to 192.0.2.2 --port 1`,
    want: "denied",
    why: "default/droids#specs[1] closes egress",
  },
  {
    name: "the direction: ingress of a workload that only egress rules select",
    line: `${P} --from 192.0.2.2 --to app=closed --port 1`,
    want: "allowed",
    why: "no rule closes ingress",
  },
  {
    name: "requests on a port that no rule names a parser for",
    line: `${P} --from app=r2 --to app=x --egress --port 1 --l7proto r2d2 ` +
      "--l7 cmd=X",
    want: "allowed",
    why: "no rule closes egress",
  },
  {
    name: "a parser of a further folder",
    line: "--policy %/c3po.yaml --folder examples/parsers --to app=x " +
      "--from app=y --port 80 --l7 line=to-R2",
    want: "allowed",
    why: "c3po#[0].ingress[0].toPorts[0].l7[0] covers the request",
  },
  {
    name: "a policy with a warning",
    line:
      "--policy %/warned.yaml --to app=r2 --from function=monitoring --port 4040",
    want: "allowed",
    why: "the L7 rules below judge",
  },
];

for (const { name, line, want, why } of ANSWERS) {
  Deno.test(`trace answers ${want} for ${name}`, () =>
    withFiles(FILES, async (folder) => {
      const { code, out, err } = await call(folder, line);
      const [first, second] = out.split("\n");
      assertEquals([first, code], [want, want === "denied" ? 1 : 0], err);
      assert(second!.includes(why), second);
      const json = await call(folder, `${line} --json`);
      const said = JSON.parse(json.out);
      assertEquals([said.verdict, json.code], [want, code]);
      assertEquals(said.why, second!.trim());
    }));
}

const USAGE: readonly { name: string; line: string; says: RegExp }[] = [
  {
    name: "another parser than the policy's",
    line: `${MONITORING} --l7proto memcache`,
    says: /policy reads port 4040 as: that is r2d2/,
  },
  {
    name: "fields where no parser is named",
    line: `${P} --to app=r2 --from app=x --port 1 --l7 cmd=READ`,
    says: /--l7: no rule names a parser for port 1.*l7proto/,
  },
  {
    name: "a parser that is not there",
    line: `${P} --to app=r2 --from app=x --port 1 --l7proto r2d`,
    says: /no parser is named "r2d"; write "r2d2"/,
  },
  {
    name: "a parser that cannot read fields back",
    line:
      "--policy %/passer.yaml --to app=r2 --from app=x --port 80 --l7 cmd=x",
    says: /parser passer cannot make a request of log fields/,
  },
  {
    name: "a misspelt field",
    line: `${MONITORING} --l7 flie=x`,
    says: /has no field "flie"; write "file"/,
  },
  {
    name: "a field of another protocol",
    line: `${MONITORING} --l7 keyspace=x`,
    says: /has no field "keyspace"; write cmd or file/,
  },
  {
    name: "a field with the name of a property",
    line: `${MONITORING} --l7 __proto__=x`,
    says: /has no field "__proto__"/,
  },
  {
    name: "two values for a field that has one",
    line: `${MONITORING} --l7 cmd=READ --l7 cmd=HALT`,
    says: /cmd of r2d2 has one value, and 2 are given/,
  },
  {
    name: "a field without a value",
    line: `${MONITORING} --l7 cmd`,
    says: /"cmd" has no FIELD=VALUE/,
  },
  {
    name: "a port that is none",
    line: `${P} --to app=r2 --from app=x --port 70000`,
    says: /--port "70000" is not a port/,
  },
  {
    name: "a protocol that has no ports",
    line: `${OUT} --to app=x --port 1 --protocol icmp`,
    says: /--protocol "icmp" has no ports; write TCP, UDP or SCTP/,
  },
  {
    name: "a name that is none",
    line: `${OUT} --to 192.0.2.1 --port 1 --name a!b`,
    says: /--name "a!b" is not a name of a domain/,
  },
  {
    name: "a service that is none",
    line: `${OUT} --to 192.0.2.1 --port 1 --service a/b/c`,
    says: /--service "a\/b\/c" is not a service/,
  },
  {
    name: "an address for the guarded workload",
    line: `${P} --to 10.0.0.1 --from app=x --port 1`,
    says: /--to is the guarded workload.*labels/,
  },
  {
    name: "an address for the guarded workload at egress",
    line: `${P} --to app=x --from ::1 --port 1 --egress`,
    says: /--from is the guarded workload at egress/,
  },
  {
    name: "a prefix",
    line: `${P} --to app=r2 --from 10.0.0.0/8 --port 1`,
    says: /10\.0\.0\.0\/8 is a prefix/,
  },
  {
    name: "an address with a port",
    line: `${P} --to app=r2 --from 10.0.0.1:80 --port 1`,
    says: /neither a label nor an address/,
  },
  {
    name: "a bad value of a label",
    line: `${P} --to app=r2 --from app=-x --port 1`,
    says: /"-x" cannot be the value/,
  },
  {
    name: "a label twice",
    line: `${P} --to app=r2 --from app=x,k8s:app=y --port 1`,
    says: /label app is given twice/,
  },
  {
    name: "no labels",
    line: `${P} --to app=r2 --from  --port 1`,
    says: /"" is neither a label nor an address/,
  },
];

for (const { name, line, says } of USAGE) {
  Deno.test(`trace refuses ${name} as wrong use`, () =>
    withFiles(FILES, async (folder) => {
      const { code, out, err } = await call(folder, line);
      assertEquals([code, out], [2, ""], err);
      assertMatch(err, says);
    }));
}

Deno.test("trace refuses a command line without a port", async () => {
  const { code } = await parley("trace", "--policy", "x", "--to", "a=b");
  assertEquals(code, 2);
});

Deno.test("trace refuses a folder without policies: what passes then says nothing", () =>
  withFiles({ "notes.txt": "" }, async (folder) => {
    const line = "--policy % --to app=r2 --from app=x --port 1";
    const { code, out, err } = await call(folder, line);
    assertEquals([code, out], [2, ""]);
    assertMatch(err, /there is no policy file below/);
  }));

Deno.test("trace never allows by a policy that does not load, and prints its problems", () =>
  withFiles(FILES, async (folder) => {
    for (const files of ["%/wrong.yaml", "%/policy.yaml %/wrong.yaml", "%"]) {
      const line = `--policy ${files} --to app=x --from app=y --port 1`;
      const { code, out, err } = await call(folder, line);
      assertEquals([code, out], [1, ""]);
      assertMatch(err, /wrong\.yaml:11:\d+: no parser is called "r2d3"/);
    }
  }));

Deno.test("trace reports a policy file that is not there", async () => {
  const line = "--policy /nowhere/x.yaml --to app=x --from app=y --port 1";
  const { code, out, err } = await parley("trace", ...line.split(" "));
  assertEquals([code, out], [1, ""]);
  assertMatch(err, /\/nowhere\/x\.yaml/);
});

Deno.test("trace lists the rules it considered, aligned, with their lines", () =>
  withFiles(FILES, async (folder) => {
    const line = `${MONITORING} --l7 cmd=READ --l7 file=/a`;
    const { out } = await call(folder, line);
    const rows = out.replaceAll(folder, "").split("\n")
      .filter((row) => /^(yes|no|-) /.test(row));
    const marks = rows.map((row) => row.split(/ +/).slice(0, 3).join(" "));
    assertEquals(marks, [
      "yes default/droids#specs[0] /policy.yaml:5",
      "no default/droids#specs[0].ingressDeny[0] /policy.yaml:18",
      `yes ${ENTRY} /policy.yaml:9`,
      `no ${ENTRY}.l7[0] /policy.yaml:13`,
      `no ${ENTRY}.l7[1] /policy.yaml:14`,
      "no default/droids#specs[0].ingress[1].toPorts[0] /policy.yaml:16",
      "no default/droids#specs[1] /policy.yaml:19",
    ]);
    const columns = rows.map((row) => row.indexOf("/policy.yaml"));
    assertEquals(new Set(columns).size, 1);
    assertMatch(rows[3]!, /because of file$/);
    assertMatch(rows[6]!, /needs app=closed$/);
    // deno-lint-ignore no-control-regex -- colours are for terminals
    assertEquals(/\x1b/.test(out), false);
  }));

Deno.test("trace --json has the refs of the access log, and what each L7 rule said", () =>
  withFiles(FILES, async (folder) => {
    const line = `${MONITORING} --l7 cmd=HALT --json`;
    const { out } = await call(folder, line);
    const { rule, request, rules, query } = JSON.parse(out);
    assertEquals(rule, `${ENTRY}.l7[1]`);
    assertEquals(request, {
      l7proto: "r2d2",
      fields: { cmd: "HALT", file: "" },
      decision: { allowed: true, verdict: "forwarded", rule },
    });
    assertEquals(query.direction, "ingress");
    const { l7 } = rules[0].entries[1];
    assertEquals(l7.rules, [
      {
        ref: `${ENTRY}.l7[0]`,
        place: { file: `${folder}/policy.yaml`, line: 13 },
        rule: { cmd: "READ", file: "^/public/" },
        covers: false,
      },
      {
        ref: `${ENTRY}.l7[1]`,
        place: { file: `${folder}/policy.yaml`, line: 14 },
        rule: { cmd: "HALT" },
        covers: true,
      },
    ]);
  }));
