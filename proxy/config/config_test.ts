import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { formatProblem } from "../../policy/mod.ts";
import { configSchema, defaultConfig, parseConfig } from "./mod.ts";

const CONTROLLER =
  "controller: {url: https://a.io, tokenFile: t, caFile: c, stateFile: s}";
const LISTENER = "listen: 127.0.0.1:11311, upstream: 127.0.0.1:11211";

Deno.test("parseConfig() reads every key", () => {
  const { config, problems } = parseConfig(
    "/etc/parley/parley.yaml",
    `
endpoint: { name: memcached-0, namespace: fleet, labels: { app: memcached }, ports: { cache: 11211 } }
listeners:
  - name: memcached
    direction: egress
    listen: 127.0.0.1:11311
    upstream: 127.0.0.1:11211
    port: 11212
    l7proto: memcache
identities:
  - { cidr: 127.0.0.2/32, labels: { function: fleet-maintenance }, namespace: default, ports: { web: 80 } }
cluster:
  name: one
  podCidrs: [ 10.0.0.0/8 ]
  nodes: true
  services: [ { name: db, selector: { app: db } }, { name: out, namespace: fleet, labels: { a: b }, addresses: [ 192.0.2.1 ] } ]
  stream: cluster.jsonl
policies: [ policies/, /abs/x.yaml ]
parsers: { folders: [ parsers/ ], config: { r2d2: { key: value } } }
mode: audit
log: { level: warning }
admin: { unix: run/admin.sock, listen: "0.0.0.0:9901", tokenFile: token, tls: { cert: tls.crt, key: tls.key }, hosts: [ Parley.example ], policies: kept/ }
accessLog:
  sink: { file: log/access.jsonl }
  responses: true
  hash: [keys, query_table]
  hashSecretFile: log/secret
portChecks: { listen: "[::]:15021", ports: [ 11211 ] }
data: { workers: 1, transport: portable }
limits: { frameBytes: 1024, connections: 5, workerBytes: 134217728, parserTime: 5ms, connectTimeout: 20ms, idleTimeout: 1m, drain: 0s, stall: 2s }
`,
  );
  assertEquals(problems, []);
  assertEquals(config, {
    endpoint: {
      name: "memcached-0",
      namespace: "fleet",
      labels: { app: "memcached" },
      ports: [{ name: "cache", port: 11211, protocol: "TCP" }],
    },
    listeners: [{
      name: "memcached",
      direction: "egress",
      listen: { transport: "tcp", hostname: "127.0.0.1", port: 11311 },
      upstream: { transport: "tcp", hostname: "127.0.0.1", port: 11211 },
      port: 11212,
      l7proto: "memcache",
    }],
    identities: [{
      cidr: "127.0.0.2/32",
      labels: { function: "fleet-maintenance" },
      namespace: "default",
      ports: [{ name: "web", port: 80, protocol: "TCP" }],
    }],
    cluster: {
      name: "one",
      podCidrs: ["10.0.0.0/8"],
      nodes: true,
      services: [
        {
          name: "db",
          namespace: "default",
          labels: {},
          selector: { app: "db" },
        },
        {
          name: "out",
          namespace: "fleet",
          labels: { a: "b" },
          addresses: ["192.0.2.1"],
        },
      ],
      stream: "/etc/parley/cluster.jsonl",
    },
    policies: ["/etc/parley/policies", "/abs/x.yaml"],
    parsers: {
      folders: ["/etc/parley/parsers"],
      config: { r2d2: { key: "value" } },
      recycleAfter: 50,
    },
    mode: "audit",
    enforcement: "default",
    allowLocalhost: false,
    accessLog: {
      sink: { file: "/etc/parley/log/access.jsonl" },
      responses: true,
      hash: ["keys", "query_table"],
      hashSecretFile: "/etc/parley/log/secret",
    },
    log: { level: "warning" },
    admin: {
      unix: "/etc/parley/run/admin.sock",
      listen: { transport: "tcp", hostname: "0.0.0.0", port: 9901 },
      tokenFile: "/etc/parley/token",
      tls: { cert: "/etc/parley/tls.crt", key: "/etc/parley/tls.key" },
      hosts: ["parley.example"],
      policies: "/etc/parley/kept",
    },
    portChecks: {
      listen: { transport: "tcp", hostname: "::", port: 15021 },
      ports: [11211],
    },
    data: { workers: 1, transport: "portable" },
    limits: {
      frameBytes: 1024,
      connections: 5,
      workerBytes: 134_217_728,
      parserTime: 5,
      connectTimeout: 20,
      idleTimeout: 60_000,
      drain: 0,
      stall: 2_000,
    },
  });
});

Deno.test("parseConfig() reads where DNS is spoken", () => {
  const { config, problems } = parseConfig(
    "parley.yaml",
    'dns: {listen: "[::1]:5353", resolvers: [10.96.0.10, "fd00::a"]}',
  );
  assertEquals(problems, []);
  const tcp = (hostname: string, port: number) => {
    return { transport: "tcp", hostname, port };
  };
  assertEquals(config?.dns, {
    listen: tcp("::1", 5353),
    resolvers: [tcp("10.96.0.10", 53), tcp("fd00::a", 53)],
    minTtl: 10_000,
  });
});

Deno.test("parseConfig() takes the labels of the pod for labels", () => {
  const { config, problems } = parseConfig(
    "/etc/parley/parley.yaml",
    "endpoint: { podInfo: pod }\npolicies: [ p ]",
  );
  assertEquals(problems, []);
  assertEquals(config!.endpoint.podInfo, "/etc/parley/pod");
});

Deno.test("defaultConfig() has a value for every key", () => {
  assertEquals(defaultConfig(), {
    endpoint: { name: "workload", namespace: "default", labels: {} },
    listeners: [],
    identities: [],
    cluster: { podCidrs: [], nodes: false, services: [] },
    policies: [],
    parsers: { folders: [], config: {}, recycleAfter: 50 },
    mode: "enforce",
    enforcement: "default",
    allowLocalhost: false,
    log: { level: "info" },
    admin: { hosts: [] },
    accessLog: { sink: "stdout", responses: false, hash: [] },
    data: { workers: 1, transport: "auto" },
    limits: {
      frameBytes: 16_777_216,
      connections: 10_000,
      workerBytes: 1_073_741_824,
      parserTime: 20,
      connectTimeout: 5_000,
      idleTimeout: 3_600_000,
      drain: 30_000,
      stall: 1_000,
    },
  });
});

Deno.test("parseConfig() takes keys without values as absent", () => {
  const text = "listeners:\nlimits:\n  drain:\naccessLog: { sink: }\n";
  assertEquals(parseConfig("p.yaml", text), {
    config: defaultConfig(),
    problems: [],
  });
});

Deno.test("parseConfig() names listeners, and takes the upstream's port", () => {
  const { config } = parseConfig(
    "p.yaml",
    `listeners: [{${LISTENER}}, {listen: "[::1]:0", upstream: "[::1]:53"}]`,
  );
  const listeners = config?.listeners.map((
    { name, port, listen },
  ) => [name, port, listen.hostname]);
  assertEquals(listeners, [["listener-1", 11211, "127.0.0.1"], [
    "listener-2",
    53,
    "::1",
  ]]);
});

const PATHS = [
  { file: "/etc/p/parley.yaml", path: "run/s", want: "/etc/p/run/s" },
  { file: "/etc/p/parley.yaml", path: "../s", want: "/etc/s" },
  { file: "/etc/p/parley.yaml", path: "/run/s", want: "/run/s" },
  { file: "conf/parley.yaml", path: "s", want: "conf/s" },
  { file: "parley.yaml", path: "s", want: "s" },
];

for (const { file, path, want } of PATHS) {
  Deno.test(`parseConfig() resolves ${path} in ${file} to ${want}`, () => {
    const { config } = parseConfig(
      file,
      `
listeners: [{listen: "localhost:1", upstream: "unix:${path}", port: 1}]
accessLog: {file: ${path}}`,
    );
    assertEquals(config?.listeners[0]?.upstream, {
      transport: "unix",
      path: want,
    });
    assertEquals(config?.accessLog.sink, { file: want });
  });
}

const SINKS = [
  { text: "{ sink: { unix: log.sock } }", want: { unix: "/etc/p/log.sock" } },
  { text: "{ unix: ../log.sock }", want: { unix: "/etc/log.sock" } },
  { text: "{ unix: /run/log.sock }", want: { unix: "/run/log.sock" } },
  { text: "{ file: a.jsonl }", want: { file: "/etc/p/a.jsonl" } },
  { text: "{ sink: stdout }", want: "stdout" },
] as const;

for (const { text, want } of SINKS) {
  Deno.test(`parseConfig() takes accessLog: ${text}`, () => {
    const { config, problems } = parseConfig(
      "/etc/p/parley.yaml",
      `accessLog: ${text}`,
    );
    assertEquals(problems, []);
    assertEquals(config?.accessLog.sink, want);
  });
}

const FOLDERS = [
  { written: "parsers/", want: "/etc/p/parsers" },
  { written: "./parsers//", want: "/etc/p/parsers" },
  { written: "parsers", want: "/etc/p/parsers" },
  { written: "/opt/parsers///", want: "/opt/parsers" },
  { written: ".", want: "/etc/p" },
  { written: "/", want: "/" },
];

for (const { written, want } of FOLDERS) {
  Deno.test(`parseConfig() takes the folder ${written} as ${want}`, () => {
    const { config } = parseConfig(
      "/etc/p/parley.yaml",
      `parsers: {folders: ["${written}"]}\npolicies: ["${written}"]`,
    );
    assertEquals(config?.parsers.folders, [want]);
    assertEquals(config?.policies, [want]);
  });
}

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

Deno.test("parseConfig() never throws, and explains every refusal", () => {
  const words = fc.constantFrom(
    "listeners",
    "listen",
    "upstream",
    "limits",
    "drain",
    "accessLog",
    "sink",
    "file",
    "identities",
    "cidr",
    "labels",
    "a:1",
    "10.0.0.1",
    "5s",
    ": ",
    "- ",
    "\n  ",
    "\n",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "null",
    "1",
  );
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(words, { maxLength: 20 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const { config, problems } = parseConfig("p.yaml", text);
      assertEquals(
        config === undefined,
        problems.some(({ severity }) => severity === "error"),
      );
      for (const problem of problems) {
        assert(problem.line >= 1 && problem.column >= 1);
        assertEquals(formatProblem(problem).includes("\n"), false);
      }
    }),
    { numRuns: 500, seed: 20261124 },
  );
});

Deno.test("configSchema can be written as JSON Schema", () => {
  const schema = z.toJSONSchema(configSchema, { io: "input" });
  assertEquals(
    Object.keys(schema.properties ?? {}).includes("listeners"),
    true,
  );
});
