/**
 * A row per mistake: its code, and the place it is reported at, which ‸ marks
 * in the text. The rows stand in `mistakes/`.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { CILIUM } from "./mistakes/cilium.ts";
import { CONSTRUCTS } from "./mistakes/constructs.ts";
import { DOCUMENTS } from "./mistakes/documents.ts";
import { PEERS } from "./mistakes/peers.ts";
import { PORTS } from "./mistakes/ports.ts";
import { ingress, l7, object } from "./mistakes/row.ts";
import { load } from "./testing.ts";

const ROWS = [...DOCUMENTS, ...PEERS, ...PORTS, ...CONSTRUCTS, ...CILIUM];

/** The text without its mark, and where the mark was. */
function unmark(marked: string) {
  const before = marked.slice(0, marked.indexOf("‸"));
  const lastLine = before.slice(before.lastIndexOf("\n") + 1);
  return {
    text: marked.replace("‸", ""),
    line: before.split("\n").length,
    column: lastLine.length + 1,
  };
}

for (const { code, name, text: marked, path, severity = "error" } of ROWS) {
  Deno.test(`the loader reports ${code} for ${name}`, () => {
    const { text, line, column } = unmark(marked);
    const { problems, documents } = load(text);
    const found = problems.filter((problem) => problem.code === code)
      .map(({ severity, line, column, path }) => ({
        severity,
        line,
        column,
        path,
      }));
    assertEquals(
      found,
      [{ severity, line, column, path }],
      JSON.stringify(problems, null, 1),
    );
    const isApplied = documents.every(({ status }) => status === "applied");
    assertEquals(
      isApplied && problems.every((p) => p.severity !== "error"),
      severity !== "error",
    );
  });
}

Deno.test("no two mistakes share a sentence", () => {
  const sentences = new Map<string, string>();
  for (const { code, name, text } of ROWS) {
    const problem = load(unmark(text).text).problems.find((p) =>
      p.code === code
    )!;
    const { message, mend } = problem;
    const known = sentences.get(`${message}; ${mend}`);
    assertEquals(known, undefined, `${name} and ${known}: ${message}; ${mend}`);
    sentences.set(`${message}; ${mend}`, name);
  }
});

/** Mistakes that are not in a value, or whose value is too long to repeat. */
const OF_NO_VALUE: ReadonlySet<string> = new Set([
  "doc.kind",
  "doc.empty",
  "doc.node-in-cnp",
  "schema.missing",
  "rule.no-subject",
  "rule.no-direction",
  "partly.nodes",
  "fqdn.length",
  "fqdn.deny",
]);

Deno.test("every mistake says what was found, and how to mend it", () => {
  for (const { code, name, text: marked } of ROWS) {
    const { message, mend } = load(unmark(marked).text).problems
      .find((problem) => problem.code === code)!;
    assert(mend.length > 0, name);
    // What stands at the mark: the value, or the key that should not be there.
    const [, found] = /‸"?([\w.*\/-]+)/.exec(marked) ?? [];
    if (found === undefined || OF_NO_VALUE.has(code)) continue;
    if (code.startsWith("yaml.")) continue;
    assert(`${message} ${mend}`.includes(found), `${name}: ${message}`);
  }
});

/** The codes of the specification that the loader itself has (section 10); parsers have their own. */
const CODES = [
  "doc.name doc.empty doc.node-in-cnp",
  "rule.no-subject rule.two-subjects rule.no-direction",
  "sel.key sel.value sel.op sel.values host.l7",
  "peer.combined peer.entity peer.nodes-disabled",
  "cidr.empty cidr.parse cidr.mask",
  "cidrset.parse cidrset.choice cidrset.except",
  "fqdn.both fqdn.name fqdn.pattern fqdn.length",
  "port.missing port.parse port.count port.proto port.range",
  "icmp.with-ports icmp.count icmp.family",
  "l7.two-types l7.no-proto l7.empty-key l7.not-tcp l7.port-zero l7.direction",
  "dns.no-ports dns.range sni.l7 sni.empty tls.missing",
  "listener.ingress listener.l7 listener.kind",
  "merge.l7-type l7.unknown-proto",
].join(" ").split(" ");

/** Those that cannot come up, as the manual says. */
const IMPOSSIBLE = [
  "peer.services-ports l7.disabled icmp.disabled",
  "merge.tls merge.auth merge.listener merge.sni",
].join(" ").split(" ");

Deno.test("every code of the specification has a row, or cannot come up, as the manual says", async () => {
  const rows = new Set(ROWS.map(({ code }) => code));
  assertEquals(CODES.filter((code) => !rows.has(code)), []);
  const manual = await Deno.readTextFile(
    new URL("../docs/policies.md", import.meta.url),
  );
  const unsaid = IMPOSSIBLE.filter((code) => !manual.includes(`\`${code}\``));
  assertEquals(unsaid, []);
});

Deno.test("the loader reports every mistake of a file at once", () => {
  const text = `${
    object(`
  endpointSelectr: {}
  ingress:
  - fromCIDR: [10.0.0]
    toPorts:
    - ports: [{port: 80}, {port: "x y", protocol: tcp}]
      rules: {l7proto: redis}
`)
  }
---
kind: Pod
---
${
    object("  endpointSelector: {}\n  egress: [{toEntities: [moon]}]").replace(
      "name: x",
      "name: y",
    )
  }`;
  const errors = load(text).problems
    .filter(({ severity }) => severity === "error");
  assertEquals(errors.map(({ code, line }) => `${line} ${code}`), [
    "6 schema.unknown-key",
    "6 rule.no-subject",
    "8 cidr.parse",
    "10 schema.type",
    "10 port.parse",
    "10 port.proto",
    "11 l7.unknown-proto",
    "14 doc.kind",
    "21 peer.entity",
  ]);
});

Deno.test("a rule for nodes is found in specs too", () => {
  const rules =
    "[{endpointSelector: {}, ingress: [{}]}, {nodeSelector: {}, ingress: [{}]}]";
  const { problems } = load(
    object("").replace("spec:\n", `specs: ${rules}`),
  );
  assertEquals(problems.map(({ code, path }) => [code, path]), [
    ["doc.node-in-cnp", "specs[1].nodeSelector"],
  ]);
});

Deno.test("a problem names its file and document", () => {
  const [problem] =
    load(ingress("{fromEntities: [moon]}"), "a/b.yaml").problems;
  assertEquals(problem?.file, "a/b.yaml");
  assertEquals(problem?.document, "default/x");
});

Deno.test("a value of the wrong type is reported once, and not judged as if it were absent", () => {
  const { problems } = load(
    l7("{l7proto: memcache, l7: [{comand: get, command: 5}]}"),
  );
  assertEquals(problems.map(({ code }) => code), ["schema.type"]);
});
