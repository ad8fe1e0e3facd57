/** `parley check`: every fault of every kind of file, with its place, and an exit code for scripts. */
import {
  deepStrictEqual as assertEquals,
  doesNotMatch as assertNoMatch,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { parley, withFiles } from "./capture_test.ts";

const GOOD = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: fleet }
spec:
  endpointSelector: { matchLabels: { app: memcached } }
  ingress:
  - fromEndpoints: [ { matchLabels: { function: fleet } } ]
    toPorts:
    - ports: [ { port: "11211", protocol: TCP } ]
      rules: { l7proto: memcache, l7: [ { command: get } ] }
`;
const CONFIG = `endpoint: { labels: { app: memcached } }
listeners:
- { listen: "127.0.0.1:0", upstream: "127.0.0.1:11211", l7proto: memcache }
policies: [ policies/ ]
`;

const CASES: readonly {
  readonly name: string;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** What is checked; default: all files. */
  readonly args?: readonly string[];
  readonly exit: 0 | 1;
  /** Each must match a line of its own, in this order. */
  readonly says: readonly RegExp[];
}[] = [
  {
    name: "a good policy",
    files: { "p.yaml": GOOD },
    exit: 0,
    says: [/^1 files, 0 errors, 0 warnings$/],
  },
  {
    name: "a wrong value of an L7 rule",
    files: { "p.yaml": GOOD.replace("command: get", "command: gett") },
    exit: 1,
    says: [
      /p\.yaml:10:52: "gett" is no memcache command \[memcache\.command\] at spec\.ingress\[0\]\.toPorts\[0\]\.rules\.l7\[0\]\.command: write "gets?"/,
      /^1 files, 1 errors/,
    ],
  },
  {
    name: "a wrong key of an L7 rule",
    files: { "p.yaml": GOOD.replace("command: get", "comand: get") },
    exit: 1,
    says: [/p\.yaml:10:\d+: .*"comand".*write "command"/, /1 errors/],
  },
  {
    name: "a protocol that is not there",
    files: {
      "p.yaml": GOOD.replace("l7proto: memcache", "l7proto: memcached"),
    },
    exit: 1,
    says: [
      /p\.yaml:10:\d+: .*memcached.*\[l7\.unknown-proto\].*"memcache"/,
      /1 errors/,
    ],
  },
  {
    name: "a warning alone",
    files: { "p.yaml": GOOD.replace("command: get", 'command: ""') },
    exit: 0,
    says: [/p\.yaml:10:\d+: warning: /, /^1 files, 0 errors, 1 warnings$/],
  },
  {
    name: "a rule list that drivers of Cassandra do not get by with",
    files: {
      "p.yaml": GOOD.replace(
        "{ l7proto: memcache, l7: [ { command: get } ] }",
        "{ l7proto: cassandra, l7: [ { query_action: insert } ] }",
      ),
    },
    exit: 0,
    says: [
      /p\.yaml:10:40: warning: .*system_virtual_schema.* \[cassandra\.virtual-schema\] at spec\.ingress\[0\]\.toPorts\[0\]\.rules\.l7: add \{ query_action: select/,
      /^1 files, 0 errors, 1 warnings$/,
    ],
  },
  {
    name: "a good file and two broken ones: every fault is listed",
    files: {
      "a.yaml": GOOD,
      "b.yaml": GOOD.replace("fleet }", "fleet2 }").replace("spec:", "spek:"),
      "c.yaml": GOOD.replace("fleet }", "fleet3 }")
        .replace("ingress:", "ingres:").replace('"11211"', "many"),
    },
    exit: 1,
    says: [
      /b\.yaml:4:1: .*spek/,
      /c\.yaml:6:3: .*ingres/,
      /^3 files, [2-9] errors/,
    ],
  },
  {
    name: "two documents in one file",
    files: { "p.yaml": `${GOOD}---\n${GOOD}` },
    exit: 1,
    says: [/p\.yaml:14:19: .*\[doc\.twice\]/, /1 errors/],
  },
  {
    name: "JSON",
    files: {
      "p.json": JSON.stringify(
        {
          apiVersion: "cilium.io/v2",
          kind: "CiliumNetworkPolicy",
          metadata: { name: "j" },
          spec: { endpointSelector: {}, ingress: [{ fromEntities: ["wrld"] }] },
        },
        null,
        2,
      ),
    },
    exit: 1,
    says: [/p\.json:\d+:\d+: .*"wrld"/, /1 errors/],
  },
  {
    name: "JSON that breaks off",
    files: { "p.json": '{"kind": "CiliumNetworkPolicy", ' },
    exit: 1,
    says: [/p\.json:1:\d+: /, /1 files, [1-9]/],
  },
  {
    name: "an empty file",
    files: { "p.yaml": "" },
    exit: 0,
    says: [/p\.yaml:1:1: warning: /, /0 errors, 1 warnings/],
  },
  {
    name: "a binary file",
    files: {
      "p.yaml": Uint8Array.from(
        { length: 4096 },
        (_, i) => (i * 7919 >> 3) & 255,
      ),
    },
    exit: 1,
    says: [/p\.yaml:\d+:\d+: /, /^1 files, [1-9]\d* errors/],
  },
  {
    name: "an alias without its anchor",
    files: { "p.yaml": "a: *nowhere\n" },
    exit: 1,
    says: [/p\.yaml:1:4: .*\*nowhere/, /1 files, [1-9]/],
  },
  {
    name: "aliases that expand without end",
    files: {
      "p.yaml": ["a: &a [x, x, x, x, x, x, x, x, x, x]"].concat(
        [..."bcdefgh"].map((key, i) => {
          const last = "abcdefgh"[i];
          return `${key}: &${key} [${Array(10).fill(`*${last}`).join(", ")}]`;
        }),
      ).join("\n"),
    },
    exit: 1,
    says: [/p\.yaml:\d+:\d+: .*aliases/],
  },
  {
    name: "a good configuration, and the policies it names",
    files: { "parley.yaml": CONFIG, "policies/p.yaml": GOOD },
    args: ["parley.yaml"],
    exit: 0,
    says: [/^1 files, 0 errors, 0 warnings$/],
  },
  {
    name: "a configuration whose policies are wrong",
    files: {
      "parley.yaml": CONFIG,
      "policies/p.yaml": GOOD.replace("command: get", "command: gett"),
    },
    args: ["parley.yaml"],
    exit: 1,
    says: [/policies\/p\.yaml:10:52: "gett"/, /1 errors/],
  },
  {
    name: "wrong policies that are not read, and that they are not",
    files: {
      "parley.yaml": `${CONFIG}enforcement: never\n`,
      "policies/p.yaml": GOOD.replace("command: get", "command: gett"),
    },
    args: ["parley.yaml"],
    exit: 1,
    says: [
      /policies\/p\.yaml:10:52: "gett"/,
      /parley\.yaml:5:14: warning: no policy is read.* \[config\.enforcement-never\]/,
    ],
  },
  {
    name: "workloads that are closed though no policy selects them",
    files: {
      "parley.yaml": `${CONFIG}enforcement: always\n`,
      "policies/p.yaml": GOOD.replace("app: memcached", "app: other"),
    },
    args: ["parley.yaml"],
    exit: 0,
    says: [/^1 files, 0 errors, 0 warnings$/],
  },
  {
    name: "a configuration that is wrong, beside a policy that is",
    files: {
      "parley.yaml": CONFIG.replace("listeners", "listener"),
      "policies/p.yaml": GOOD.replace("spec:", "spek:"),
    },
    exit: 1,
    says: [/parley\.yaml:2:1: .*"listener".*listeners/, /p\.yaml:4:1: .*spek/],
  },
  {
    name: "a listener whose parser is not there, where it is written",
    files: {
      "parley.yaml": CONFIG.replace("l7proto: memcache", "l7proto: memcached"),
      "policies/p.yaml": GOOD,
    },
    args: ["parley.yaml"],
    exit: 1,
    says: [
      /parley\.yaml:3:66: .*"memcached" \[l7\.unknown-proto\] at listeners\[0\]\.l7proto: write "memcache"/,
    ],
  },
  {
    name: "a listener whose parser does not load, with the parser's own fault",
    files: {
      "parley.yaml": CONFIG.replace("l7proto: memcache", "l7proto: mine") +
        "parsers: { folders: [ parsers ] }\n",
      "parsers/mine.ts": "\nthrow new Error('no such table');\n",
      "policies/p.yaml": GOOD,
    },
    args: ["parley.yaml"],
    exit: 1,
    says: [/parley\.yaml:3:\d+: .*mine\.ts:2: no such table/],
  },
  {
    name:
      "a policy path that is not there, where it is written, and what else is wrong",
    files: {
      "parley.yaml": CONFIG.replace("policies/ ", "nowhere/, policies/ "),
      "policies/p.yaml": GOOD.replace("command: get", "command: gett"),
    },
    args: ["parley.yaml"],
    exit: 1,
    says: [
      /parley\.yaml:4:13: .*nowhere.* cannot be read.* at policies\[0\]/,
      /p\.yaml:10:52: "gett"/,
      /2 errors/,
    ],
  },
  {
    name: "a parser of one's own makes its policies whole",
    files: {
      "parley.yaml": CONFIG.replace(", l7proto: memcache", "") +
        "parsers: { folders: [ parsers ] }\n",
      "parsers/mine.ts": Deno.readTextFileSync(
        new URL("../parsers/r2d2.ts", import.meta.url),
      ),
      "policies/p.yaml": GOOD.replace("memcache,", "mine,")
        .replace("command: get", "cmd: READ"),
    },
    args: ["parley.yaml"],
    exit: 0,
    says: [/0 errors/],
  },
  {
    name: "a folder",
    files: { "policies/a.yaml": GOOD, "policies/b.yaml": "spek: {}\n" },
    args: ["policies"],
    exit: 1,
    says: [/b\.yaml:1:1: /, /^2 files/],
  },
];

for (const { name, files, args = Object.keys(files), exit, says } of CASES) {
  Deno.test(`parley check of ${name} exits ${exit}`, () =>
    withFiles(files, async (folder) => {
      const paths = args.map((path) => `${folder}/${path}`);
      const ran = await parley("check", ...paths);
      assertEquals(ran.exit, exit, ran.out + ran.err);
      assertEquals(ran.err, "");
      let at = 0;
      for (const said of says) {
        const found = ran.lines.findIndex((line, i) =>
          i >= at && said.test(line)
        );
        assert(found >= 0, `nothing says ${said} in\n${ran.out}`);
        at = found + 1;
      }
      // deno-lint-ignore no-control-regex
      assertNoMatch(ran.out, /[\x00-\x09\x0b-\x1f]/, "it drives the terminal");
    }));
}

Deno.test("parley check --json prints the problems as JSON, warnings too", () =>
  withFiles({
    "a.yaml": GOOD.replace("command: get", "command: gett"),
    "b.yaml": "",
  }, async (folder) => {
    const files = [`${folder}/a.yaml`, `${folder}/b.yaml`];
    const { exit, out } = await parley("check", "--json", ...files);
    assertEquals(exit, 1);
    const problems = JSON.parse(out);
    assertEquals(
      problems.map((
        { severity, code, file, line }: Record<string, unknown>,
      ) => [
        severity,
        code,
        file,
        line,
      ]),
      [
        ["error", "memcache.command", files[0], 10],
        ["warning", "doc.none", files[1], 1],
      ],
    );
    for (const { column, message, mend, path } of problems) {
      assert(
        column >= 1 && message !== "" && mend !== "" && path !== undefined,
      );
    }
  }));

Deno.test("parley check --json of what is good prints an empty list", () =>
  withFiles({ "p.yaml": GOOD }, async (folder) => {
    const { exit, out } = await parley("check", `${folder}/p.yaml`, "--json");
    assertEquals([exit, JSON.parse(out)], [0, []]);
  }));

Deno.test("parley check of a file that is not there exits 1, and says which", async () => {
  const { exit, err } = await parley("check", "/nowhere/p.yaml");
  assertEquals(exit, 1);
  assertMatch(err, /\/nowhere\/p\.yaml/);
});
