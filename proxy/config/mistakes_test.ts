/** Each mistake that a configuration can have, and where it is reported. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { parseConfig } from "./mod.ts";

const CONTROLLER =
  "controller: {url: https://a.io, tokenFile: t, caFile: c, stateFile: s}";
const LISTENER = "listen: 127.0.0.1:11311, upstream: 127.0.0.1:11211";

interface Row {
  readonly code: string;
  readonly name: string;
  /** With ‸ where the problem is reported. */
  readonly text: string;
  readonly path: string;
  readonly severity?: "warning";
}

const listeners = (members: string) => `listeners: [{${members}}]`;

const ROWS: readonly Row[] = [
  { code: "yaml.syntax", name: "broken YAML", text: "mode: [‸", path: "" },
  {
    code: "yaml.key-twice",
    name: "a key set twice",
    text: "mode: audit\n‸mode: enforce",
    path: "mode",
  },
  {
    code: "config.empty",
    name: "an empty file",
    severity: "warning",
    text: "‸# nothing",
    path: "",
  },
  {
    code: "config.two-documents",
    name: "two documents",
    text: "mode: audit\n---\n‸mode: enforce",
    path: "",
  },
  {
    code: "schema.type",
    name: "a list for the whole",
    text: "‸- mode: audit",
    path: "",
  },
  {
    code: "schema.unknown-key",
    name: "an unknown key",
    text: "‸colour: red",
    path: "colour",
  },
  {
    code: "schema.unknown-key",
    name: "a misspelt key",
    text: "limits: {‸frameByte: 1}",
    path: "limits.frameByte",
  },
  {
    code: "schema.unknown-key",
    name: "a key in the wrong case",
    text: "‸Mode: audit",
    path: "Mode",
  },
  {
    code: "schema.value",
    name: "an unknown mode",
    text: "mode: ‸strict",
    path: "mode",
  },
  {
    code: "schema.value",
    name: "a misspelt direction",
    text: listeners(`${LISTENER}, direction: ‸ingres`),
    path: "listeners[0].direction",
  },
  {
    code: "schema.value",
    name: "an empty name",
    text: listeners(`${LISTENER}, name: ‸""`),
    path: "listeners[0].name",
  },
  {
    code: "schema.missing",
    name: "no upstream",
    text: "listeners: [‸{listen: 127.0.0.1:1}]",
    path: "listeners[0].upstream",
  },
  {
    code: "schema.type",
    name: "a listener without members",
    text: "listeners: [‸null]",
    path: "listeners[0]",
  },
  {
    code: "schema.type",
    name: "a number for a parser's setting",
    text: "parsers: {config: {r2d2: {key: ‸5}}}",
    path: "parsers.config.r2d2.key",
  },
  {
    code: "schema.type",
    name: "text for the log's sink",
    text: "accessLog: {sink: ‸syslog}",
    path: "accessLog.sink",
  },
  {
    code: "schema.unknown-key",
    name: "a misspelt sink",
    text: "accessLog: {sink: {‸flie: x}}",
    path: "accessLog.sink.flie",
  },
  {
    code: "schema.range",
    name: "a port of 0",
    text: listeners(`${LISTENER}, port: ‸0`),
    path: "listeners[0].port",
  },
  {
    code: "schema.range",
    name: "a port of 70000",
    text: listeners(`${LISTENER}, port: ‸70000`),
    path: "listeners[0].port",
  },
  {
    code: "config.address",
    name: "an address without a port",
    text: listeners("listen: ‸localhost, upstream: a:1"),
    path: "listeners[0].listen",
  },
  {
    code: "config.address",
    name: "IPv6 without brackets",
    text: listeners('listen: ‸"::1:80", upstream: a:1'),
    path: "listeners[0].listen",
  },
  {
    code: "config.address",
    name: "a Unix socket without a path",
    text: listeners('listen: a:1, upstream: ‸"unix:", port: 1'),
    path: "listeners[0].upstream",
  },
  {
    code: "config.port",
    name: "an upstream at port 0",
    text: listeners("listen: a:0, upstream: ‸b:0"),
    path: "listeners[0].upstream",
  },
  {
    code: "config.port",
    name: "a listener past 65535",
    text: listeners("listen: ‸a:65536, upstream: b:1"),
    path: "listeners[0].listen",
  },
  {
    code: "config.no-port",
    name: "a Unix upstream without a port",
    text: listeners('listen: a:1, upstream: ‸"unix:s"'),
    path: "listeners[0].upstream",
  },
  {
    code: "config.name-twice",
    name: "two listeners of one name",
    text: `listeners: [{${LISTENER}, name: a}, {${LISTENER}, name: ‸a}]`,
    path: "listeners[1].name",
  },
  {
    code: "config.name-twice",
    name: "a name that another has by default",
    text: `listeners: [{${LISTENER}, name: listener-2}, ‸{${LISTENER}}]`,
    path: "listeners[1].name",
  },
  {
    code: "config.namespace",
    name: "a bad namespace",
    text: "endpoint: {namespace: ‸A}",
    path: "endpoint.namespace",
  },
  {
    code: "config.label",
    name: "a bad label key",
    text: 'endpoint: {labels: {"a=b": ‸c}}',
    path: 'endpoint.labels["a=b"]',
  },
  {
    code: "config.label",
    name: "a bad label value",
    text: "endpoint: {labels: {a: ‸b c}}",
    path: "endpoint.labels.a",
  },
  {
    code: "config.cidr",
    name: "a bad prefix",
    text: "identities: [{cidr: ‸10.0.0.0/33}]",
    path: "identities[0].cidr",
  },
  {
    code: "config.dns-name",
    name: "a resolver by name",
    text: "dns: {resolvers: [‸dns.example:53]}",
    path: "dns.resolvers[0]",
  },
  {
    code: "config.port",
    name: "a resolver without a port",
    text: 'dns: {resolvers: [‸"10.0.0.1:0"]}',
    path: "dns.resolvers[0]",
  },
  {
    code: "config.portable",
    name: "DNS with the portable transport",
    text: "data: {transport: portable}\n‸dns: {resolvers: [10.0.0.1]}",
    path: "dns",
  },
  {
    code: "config.portable",
    name: "a controller with the portable transport",
    text: `data: {transport: portable}\n‸${CONTROLLER}`,
    path: "controller",
  },
  {
    code: "config.controller-endpoints",
    name: "a controller of several workloads",
    text:
      `endpoints: [{labels: {a: b}, addresses: [10.0.0.1]}]\n‸${CONTROLLER}`,
    path: "controller",
  },
  ...["http://a.io", "a.io:443", "https://a.io/path", "https://u:p@a.io"]
    .map((url) => ({
      code: "config.controller-url",
      name: `a controller at ${url}`,
      text: CONTROLLER.replace("https://a.io", `‸${url}`),
      path: "controller.url",
    })),
  {
    code: "config.cidr",
    name: "a bad prefix of workloads",
    text: "cluster: {podCidrs: [‸10.0.0.0/34]}",
    path: "cluster.podCidrs[0]",
  },
  {
    code: "config.ip",
    name: "a service's address that is none",
    text: "cluster: {services: [{name: a, addresses: [‸cache.example]}]}",
    path: "cluster.services[0].addresses[0]",
  },
  {
    code: "config.identity-twice",
    name: "two identities of one prefix",
    text: "identities: [{cidr: 10.0.0.1}, {cidr: ‸10.0.0.1}]",
    path: "identities[1].cidr",
  },
  {
    code: "config.duration",
    name: "a duration without a unit",
    text: 'limits: {drain: ‸"30"}',
    path: "limits.drain",
  },
  {
    code: "config.duration",
    name: "a duration of nothing",
    text: "limits: {idleTimeout: ‸0s}",
    path: "limits.idleTimeout",
  },
  {
    code: "config.duration",
    name: "a duration past what timers take",
    text: "limits: {idleTimeout: ‸600h}",
    path: "limits.idleTimeout",
  },
  {
    code: "config.two-sinks",
    name: "two sinks",
    text: "accessLog: {sink: stdout, ‸file: x}",
    path: "accessLog.file",
  },
  {
    code: "config.two-sinks",
    name: "two sinks in short",
    text: "accessLog: {file: x, ‸unix: s}",
    path: "accessLog.unix",
  },
  {
    code: "config.two-sinks",
    name: "a sink of two kinds",
    text: "accessLog: {sink: {file: x, ‸unix: s}}",
    path: "accessLog.sink.unix",
  },
  {
    code: "config.two-sinks",
    name: "a sink at length and one in short",
    text: "accessLog: {sink: {unix: s}, ‸file: x}",
    path: "accessLog.file",
  },
  {
    code: "config.path",
    name: "a Unix sink without a path",
    text: 'accessLog: {unix: ‸""}',
    path: "accessLog.unix",
  },
  {
    code: "config.sink",
    name: "a sink that names nothing",
    text: "accessLog: {sink: ‸{}}",
    path: "accessLog.sink",
  },
  {
    code: "config.no-labels",
    name: "policies for an endpoint without labels",
    severity: "warning",
    text: "‸policies: [x]",
    path: "policies",
  },

  // Redirection, and the workloads of a node
  {
    code: "config.two-endpoints",
    name: "endpoint beside endpoints",
    text: "endpoint: {name: a}\n‸endpoints: [{name: b, addresses: [10.0.0.5]}]",
    path: "endpoints",
  },
  {
    code: "config.address-twice",
    name: "an address of two endpoints",
    text:
      "endpoints: [{name: a, addresses: [10.0.0.5]}, {name: b, addresses: [‸10.0.0.5]}]",
    path: "endpoints[1].addresses[0]",
  },
  {
    code: "config.ip",
    name: "an endpoint's address that is none",
    text: "endpoints: [{name: a, addresses: [‸db.example]}]",
    path: "endpoints[0].addresses[0]",
  },
  {
    code: "config.not-transparent",
    name: "original-dst without redirection",
    text: listeners("listen: a:1, upstream: ‸original-dst"),
    path: "listeners[0].upstream",
  },
  {
    code: "config.portable",
    name: "redirection on the portable transport",
    text: `data: {transport: portable}\n${
      listeners(`${LISTENER}, transparent: ‸true`)
    }`,
    path: "listeners[0].transparent",
  },

  {
    code: "config.admin-token",
    name: "the admin API for everybody",
    text: "admin: {listen: ‸0.0.0.0:9901}",
    path: "admin.listen",
  },
  {
    code: "config.admin-token",
    name: "the admin API at a name",
    text: "admin: {listen: ‸parley.example:9901}",
    path: "admin.listen",
  },
  {
    code: "config.admin-token",
    name: "the admin API for all of IPv6",
    text: 'admin: {listen: ‸"[::]:9901"}',
    path: "admin.listen",
  },
  {
    code: "config.hostname",
    name: "a host with a port",
    text: 'admin: {hosts: [‸"parley.example:9901"]}',
    path: "admin.hosts[0]",
  },
  {
    code: "schema.unknown-key",
    name: "a misspelt admin socket",
    text: "admin: {‸unxi: x}",
    path: "admin.unxi",
  },
];

for (const { code, name, text, path, severity = "error" } of ROWS) {
  Deno.test(`parseConfig() reports ${code} for ${name}`, () => {
    const before = text.slice(0, text.indexOf("‸"));
    const { config, problems } = parseConfig(
      "parley.yaml",
      text.replace("‸", ""),
    );
    const found = problems.map(({ code, severity, line, column, path }) => ({
      code,
      severity,
      line,
      column,
      path,
    }));
    const line = before.split("\n").length;
    const column = before.length - before.lastIndexOf("\n");
    assertEquals(
      found,
      [{ code, severity, line, column, path }],
      JSON.stringify(problems),
    );
    assertEquals(config !== undefined, severity === "warning");
  });
}

Deno.test("no two mistakes share a sentence", () => {
  const sentences = ROWS.map(({ text }) => {
    const [problem] =
      parseConfig("parley.yaml", text.replace("‸", "")).problems;
    return `${problem!.message}; ${problem!.mend}`;
  });
  assertEquals(sentences, [...new Set(sentences)]);
});

Deno.test("parseConfig() reports every mistake at once", () => {
  const { config, problems } = parseConfig(
    "p.yaml",
    `
mod: audit
listeners:
  - { listen: nowhere, upstream: "unix:s", direction: up }
limits: { drain: soon, connections: 0 }
`,
  );
  assertEquals(config, undefined);
  assertEquals(problems.map(({ line, code }) => `${line} ${code}`), [
    "2 schema.unknown-key",
    "4 config.address",
    "4 config.no-port",
    "4 schema.value",
    "5 config.duration",
    "5 schema.range",
  ]);
});
