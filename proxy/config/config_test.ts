import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { formatProblem } from "../../policy/mod.ts";
import { configSchema, defaultConfig, parseConfig } from "./mod.ts";

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
