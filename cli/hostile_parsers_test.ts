/**
 * Hostile parsers in a folder that commands are given. Each attack is made for
 * good, in a real process; that it would get through without the sandbox is
 * seen with `--portable`.
 */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { withFiles } from "./testing.ts";

const ROOT = new URL("../", import.meta.url);
/** The kernel's walls are what keeps these parsers in. */
const ignore = Deno.build.os !== "linux";
const SECRET = `canary-${crypto.randomUUID()}`;
const FORGED = "no errors at all";
const HUNG = /mine\.ts:1:1: its checker hung for \d+ ms/;

/** What there is to be had outside. */
class Outside implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #accepting = this.#accept();
  connections = 0;

  constructor(readonly folder: string) {}

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  get secret(): string {
    return `${this.folder}/secret`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.connections++;
      connection.close();
    }
  }
}

/** How a command ended that was run as a user runs it. */
interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function parley(args: readonly string[]): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-P", "--no-prompt", "main.ts", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(300_000),
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

const POLICY = JSON.stringify([{
  endpointSelector: {},
  ingress: [{
    toPorts: [{
      ports: [{ port: "80", protocol: "TCP" }],
      rules: { l7proto: "mine", l7: [{ word: "a" }] },
    }],
  }],
}]);
const CONFIG = JSON.stringify({
  endpoint: { name: "guarded-0", labels: { app: "guarded" } },
  parsers: { folders: ["parsers/"] },
  policies: ["policies/"],
  listeners: [{
    listen: "127.0.0.1:0",
    upstream: "127.0.0.1:80",
    l7proto: "mine",
  }],
});
const VECTOR = JSON.stringify({
  name: "a word",
  l7proto: "mine",
  rules: [{ word: "a" }],
  steps: [{ data: "610a" }],
  expect: [{ out: "610a" }],
});

/** Runs with a folder that holds a parser `mine`, a policy that names it and a secret. */
function withMine(
  parser: (outside: Outside) => string,
  run: (outside: Outside) => Promise<void>,
): Promise<void> {
  return withFiles(
    { secret: SECRET, "parley.yaml": CONFIG },
    async (folder) => {
      await using outside = new Outside(folder);
      await Deno.mkdir(`${folder}/parsers`);
      await Deno.mkdir(`${folder}/policies`);
      await Deno.writeTextFile(`${folder}/policies/p.json`, POLICY);
      await Deno.writeTextFile(`${folder}/parsers/mine.ts`, parser(outside));
      await Deno.writeTextFile(
        `${folder}/parsers/mine.vectors.jsonl`,
        VECTOR,
      );
      await run(outside);
    },
  );
}

/** The commands that load parsers, and their exit codes with one that is refused and with one that is not. */
const COMMANDS: readonly {
  readonly name: string;
  readonly args: (folder: string) => string[];
  readonly refused: number;
  readonly taken: number;
}[] = [
  {
    name: "check",
    args: (folder) => ["check", `${folder}/parley.yaml`],
    refused: 1,
    taken: 0,
  },
  {
    name: "trace",
    args: (folder) => [
      ...["trace", "--policy", `${folder}/policies`, "--to", "app=guarded"],
      ...["--from", "app=x", "--port", "80", "--l7", "word=a"],
      ...["--folder", `${folder}/parsers`],
    ],
    refused: 1,
    taken: 0,
  },
  {
    name: "parsers list",
    args: (folder) => ["parsers", "list", "--folder", `${folder}/parsers`],
    refused: 1,
    taken: 0,
  },
  {
    name: "parsers test",
    args: (folder) => [
      ...["parsers", "test", "mine", "--folder", `${folder}/parsers`],
    ],
    refused: 1,
    taken: 0,
  },
  {
    name: "schema policy",
    args: (folder) => ["schema", "policy", "--folder", `${folder}/parsers`],
    refused: 0, // without it the schema is whole
    taken: 0,
  },
];

/** A parser whose every part calls `attempt`, and takes its outcome for loot. */
function parserOf(attempt: string, atLoad = ""): string {
  return `import { defineProtocol, line, z } from "parley/proxylib";
${atLoad}
let loot = "";
const attempt = (part: string) => {
  ${attempt}
};
export default defineProtocol({
  get description() { attempt("description"); return "mine " + loot; },
  rule: z.strictObject({
    word: z.string().refine(() => { attempt("rule"); return true; }).meta({
      get description() { attempt("schema"); return "a word " + loot; },
    }),
  }),
  lint: () => { attempt("lint"); return []; },
  matches: (rule, request) => { attempt("matches"); return rule.word === request.word; },
  frame: (data, seen) => { attempt("frame"); return line(data, seen, 100); },
  request: (frame) => ({ word: String.fromCharCode(...frame).trimEnd() }),
  fields: (request) => { attempt("fields"); return { word: request.word, loot }; },
  fromFields: (fields) => { attempt("fromFields"); return { word: fields.word?.[0] ?? "" }; },
  deny: () => undefined,
});
`;
}

interface Attack {
  readonly name: string;
  /** An expression. */
  readonly code: (outside: Outside) => string;
  /** What the author is told when it is made as the module is loaded, in its second line. */
  readonly told: string;
  /** Whether it got through. */
  readonly succeeded: (ran: Ran, outside: Outside) => boolean;
}

const UNDEFINED = "Deno is not defined";

const ATTACKS: readonly Attack[] = [
  {
    name: "read a file",
    code: ({ secret }) => `Deno.readTextFileSync(${JSON.stringify(secret)})`,
    told: UNDEFINED,
    succeeded: ({ out, err }) => (out + err).includes(SECRET),
  },
  {
    name: "open a connection",
    code: ({ port }) => `Deno.connect({ port: ${port} })`,
    told: UNDEFINED,
    succeeded: (_, { connections }) => connections > 0,
  },
  {
    name: "end the command",
    code: () => "Deno.exit(77)",
    told: UNDEFINED,
    succeeded: ({ code }) => code === 77,
  },
  {
    name: "write to standard output",
    code: () =>
      `Deno.stdout.writeSync(new TextEncoder().encode("${FORGED}\\n"))`,
    told: UNDEFINED,
    succeeded: ({ out }) => out.includes(FORGED),
  },
  {
    name: "write to standard output by the console's prototype",
    code: () =>
      `Object.getPrototypeOf(console.log).constructor("return Deno")()
.stdout.writeSync(new TextEncoder().encode("${FORGED}\\n"))`,
    told: "Function: compiling code is not possible here",
    succeeded: ({ out }) => out.includes(FORGED),
  },
];

/** A parser for each attack, which makes it as it is loaded. */
function attackers(outside: Outside) {
  return ATTACKS.map((attack, i) => ({
    ...attack,
    parser: i === 0 ? "mine" : `mine${i}`,
    text: parserOf("", `export const got = ${attack.code(outside)};`),
  }));
}

for (const { name, args, refused } of COMMANDS) {
  Deno.test({
    name:
      `parsers that attack as they are loaded are refused by name and line, by ${name}`,
    ignore,
    fn: () =>
      withMine(() => "", async (outside) => {
        const all = attackers(outside);
        for (const { parser, text } of all) {
          const path = `${outside.folder}/parsers/${parser}.ts`;
          await Deno.writeTextFile(path, text);
        }
        const run = async (asked: string, tells: typeof all) => {
          const ran = await parley(
            args(outside.folder).map((arg) => arg === "mine" ? asked : arg),
          );
          const said = `${ran.out}${ran.err}`;
          for (const { name, succeeded } of ATTACKS) {
            assert(!succeeded(ran, outside), `it could ${name}: ${said}`);
          }
          for (const { parser, told } of tells) {
            assert(said.includes(`${parser}.ts:2: ${told}`), said);
          }
          assertEquals(ran.code, refused, said);
        };
        if (name !== "parsers test") return await run("mine", all);
        // All are loaded, but what is told is about the one that is asked for.
        for (const each of all) await run(each.parser, [each]);
      }),
  });
}

/** Each part makes all attacks; what one of them brings in is loot. */
const attemptsAll = (outside: Outside) =>
  parserOf(
    ATTACKS.map(({ code }) =>
      `try { loot += String(${code(outside)}); } catch {}`
    ).join("\n"),
  );

for (const { name, args, taken } of COMMANDS) {
  Deno.test({
    name:
      `a parser that attacks at whatever it is asked gets nowhere, in ${name}`,
    ignore,
    fn: () =>
      withMine(attemptsAll, async (outside) => {
        const ran = await parley(args(outside.folder));
        const said = `${ran.out}${ran.err}`;
        for (const { name, succeeded } of ATTACKS) {
          assert(!succeeded(ran, outside), `it could ${name}: ${said}`);
        }
        assertEquals(ran.code, taken, said);
      }),
  });
}

for (const { name, code, succeeded } of ATTACKS) {
  Deno.test({
    name:
      `without a sandbox it would ${name}, and it is said that there is none`,
    fn: () =>
      withMine(
        (outside) =>
          parserOf(
            "",
            `export const got = ${code(outside)};
console.log(got);`,
          ),
        async (outside) => {
          const args = ["parsers", "list", "--portable"];
          const ran = await parley([
            ...args,
            "--folder",
            `${outside.folder}/parsers`,
          ]);
          assert(succeeded(ran, outside), ran.out + ran.err);
          const notices = ran.err.split("\n")
            .filter((line) => line.includes("without a sandbox"));
          assertEquals(notices.length, 1, ran.err);
        },
      ),
  });
}

/** Two at a time: the machines have few cores. */
async function runAll(
  commands: typeof COMMANDS,
  folder: string,
  told: RegExp,
): Promise<void> {
  const left = [...commands];
  async function next(): Promise<void> {
    for (let one = left.shift(); one; one = left.shift()) {
      const { code, out, err } = await parley(one.args(folder));
      const said = `${one.name}: ${out}${err}`;
      assertMatch(said, told);
      assertEquals(code, one.refused, said);
      if (one.name === "parsers list") {
        assertMatch(out, /^memcache +[0-9a-f]{6}/m, "it is not blamed");
      }
    }
  }
  await Promise.all([next(), next()]);
}

Deno.test({
  name:
    "a parser that loops for ever as it is loaded is refused by name, and the others are not, by every command",
  ignore,
  fn: () =>
    withMine(
      () => parserOf("", "for (;;);"),
      ({ folder }) => runAll(COMMANDS, folder, HUNG),
    ),
});

Deno.test({
  name: "a parser that fills the heap as it is loaded is refused by name",
  ignore,
  fn: () =>
    withMine(
      () =>
        parserOf(
          "",
          "const hoard = []; for (;;) hoard.push(new Array(1e6).fill(0.5));",
        ),
      ({ folder }) =>
        runAll(
          COMMANDS.filter(({ name }) => name === "parsers list"),
          folder,
          /mine\.ts:1:1: its checker ended with (?:exit code 133|signal SIGTRAP)/,
        ),
    ),
});

/** Where a command is the first to call the parser. */
const HANGING: readonly {
  readonly command: string;
  readonly part: string;
  readonly parser: string;
}[] = [
  ["check", "rule"],
  ["trace", "matches"],
  ["parsers list", "description"],
  ["parsers test", "frame"],
].map(([command, part]) => ({
  command: command!,
  part: part!,
  parser: parserOf(`if (part === "${part}") for (;;);`),
})).concat({
  command: "schema policy",
  part: "rules' own conversion",
  parser: parserOf("").replace(
    /rule: z[\s\S]*?lint:/,
    "rule: { parse: (data) => data, safeParse: (data) => ({ success: true, data }), get _zod() { for (;;); } }, lint:",
  ),
});

for (const { command, part, parser } of HANGING) {
  Deno.test({
    name:
      `a parser whose ${part} never ends costs ${command} its answer, not its end`,
    ignore,
    fn: () =>
      withMine(() => parser, async ({ folder }) => {
        const { args, refused } = COMMANDS.find(({ name }) =>
          name === command
        )!;
        const { code, out, err } = await parley(args(folder));
        assertMatch(out + err, HUNG);
        assertEquals(code, refused, out + err);
        if (command === "schema policy") {
          assertMatch(out, /"const": "memcache"/);
        }
      }),
  });
}
