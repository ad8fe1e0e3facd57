/** Wrong use of every kind: exit 2, and a message that helps. */
import {
  deepStrictEqual as assertEquals,
  doesNotMatch as assertNoMatch,
  match as assertMatch,
} from "node:assert/strict";
import { parley, withFiles } from "./capture_test.ts";

const MAIN = `${import.meta.dirname}/../main.ts`;
const CONFIG = `${import.meta.dirname}/../deno.json`;

const CASES: readonly {
  readonly args: string;
  readonly exit: number;
  readonly out?: RegExp;
  readonly err?: RegExp;
}[] = [
  {
    args: "",
    exit: 2,
    err: /Usage: parley[\s\S]*run[\s\S]*check[\s\S]*parsers/,
  },
  { args: "--help", exit: 0, out: /Usage: parley[\s\S]*Commands:/ },
  { args: "help", exit: 0, out: /Usage: parley/ },
  {
    args: "run --help",
    exit: 0,
    out: /--listen[\s\S]*Examples:[\s\S]*memcache/,
  },
  { args: "check --help", exit: 0, out: /--json/ },
  { args: "parsers --help", exit: 0, out: /list[\s\S]*test[\s\S]*new/ },
  { args: "parsers test --help", exit: 0, out: /--vectors/ },
  {
    args: "chek x",
    exit: 2,
    err: /unknown command 'chek'[\s\S]*check\?[\s\S]*--help/,
  },
  { args: "klingon", exit: 2, err: /unknown command 'klingon'[\s\S]*--help/ },
  { args: "--verbose", exit: 2, err: /unknown option '--verbose'/ },
  { args: "check --jsno x", exit: 2, err: /unknown option[\s\S]*--json\?/ },
  { args: "check", exit: 2, err: /missing required argument 'file'/ },
  { args: "run extra", exit: 2, err: /too many arguments/ },
  { args: "run --listen", exit: 2, err: /argument missing/ },
  {
    args: "webhook --namespace x --controller http://y",
    exit: 2,
    err: /--controller: "http:\/\/y" cannot be; write https:/,
  },
  {
    args: "controller --namespace x --pod-cidr 10.0.0.0",
    exit: 2,
    err: /--pod-cidr "10.0.0.0" is no prefix/,
  },
  { args: "parsers", exit: 2, err: /Usage: parley parsers/ },
  { args: "parsers lst", exit: 2, err: /unknown command 'lst'[\s\S]*list\?/ },
  { args: "parsers test", exit: 2, err: /missing required argument 'name'/ },
  {
    args: "run --listen 127.0.0.1:0",
    exit: 2,
    err: /--listen and --upstream belong together/,
  },
  {
    args: "run --upstream 127.0.0.1:1",
    exit: 2,
    err: /--listen and --upstream belong together/,
  },
  {
    args: "run --l7proto memcache",
    exit: 2,
    err: /--listen and --upstream belong together/,
  },
  {
    args: "run -c x.yaml --listen 127.0.0.1:0 --upstream 127.0.0.1:1",
    exit: 2,
    err: /exclude each other/,
  },
  {
    args: "run -c x.yaml --l7proto r2d2",
    exit: 2,
    err: /exclude each other/,
  },
  {
    args: "run --listen nonsense --upstream 127.0.0.1:1",
    exit: 2,
    err: /"nonsense" is not an address; write host:port/,
  },
  {
    args: "run --listen 127.0.0.1:0 --upstream 127.0.0.1:99999",
    exit: 2,
    err: /port[\s\S]*out of range; write a port from 1 to 65535/,
  },
  {
    args: "run --listen 127.0.0.1:0 --upstream unix:",
    exit: 2,
    err: /no path/,
  },
  {
    args: "run -c /nowhere/parley.yaml",
    exit: 2,
    err: /cannot read \/nowhere\/parley\.yaml/,
  },
];

for (const { args, exit, out, err } of CASES) {
  Deno.test(`parley ${args || "(nothing)"} exits ${exit}`, async () => {
    const ran = await parley(...args.split(" ").filter(Boolean));
    assertEquals(ran.exit, exit, ran.err + ran.out);
    if (out) assertMatch(ran.out, out);
    else assertEquals(ran.out, "");
    if (err) assertMatch(ran.err, err);
    else assertEquals(ran.err, "");
    assertNoMatch(ran.out + ran.err, /\.ts:\d+/, "a stack is no message");
  });
}

/** Runs in an empty folder, where there is no parley.yaml. */
async function inEmptyFolder(run: () => Promise<void>): Promise<void> {
  const before = Deno.cwd();
  await withFiles({}, async (folder) => {
    Deno.chdir(folder);
    await run().finally(() => Deno.chdir(before));
  });
}

Deno.test("parley run without anything to run exits 2, and says what to give", () =>
  inEmptyFolder(async () => {
    const { exit, err } = await parley("run");
    assertEquals(exit, 2);
    assertMatch(err, /nothing to run; give --config FILE, or --listen/);
  }));

const START_FAILURES: readonly {
  readonly name: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly err: RegExp;
}[] = [
  {
    name: "a parser that is not there, on the command line",
    args: [
      "--listen",
      "127.0.0.1:0",
      "--upstream",
      "127.0.0.1:1",
      "--l7proto",
      "memcached",
    ],
    err: /no parser named "memcached" is loaded; write "memcache"/,
  },
  {
    name: "a parser that is not there, in the configuration",
    files: {
      "parley.yaml":
        "listeners: [ { listen: '127.0.0.1:0', upstream: '127.0.0.1:1', l7proto: r2d3 } ]",
    },
    args: ["-c", "parley.yaml"],
    err: /no parser named "r2d3" is loaded; write "r2d2"/,
  },
  {
    name: "a configuration that is wrong",
    files: { "parley.yaml": "listener: []\n" },
    args: ["-c", "parley.yaml"],
    err: /parley\.yaml:1:1: .*listener.*listeners/,
  },
  {
    name: "a configuration without a listener",
    files: { "parley.yaml": "mode: audit\n" },
    args: ["-c", "parley.yaml"],
    err: /parley\.yaml:1:1: there is no listener/,
  },
  {
    name: "the configuration of the working folder, which is empty",
    files: { "parley.yaml": "" },
    args: [],
    err: /parley\.yaml:1:1: there is no listener/,
  },
  {
    name: "a policy path that is not there",
    files: {
      "parley.yaml":
        "listeners: [ { listen: '127.0.0.1:0', upstream: '127.0.0.1:1' } ]\npolicies: [ nowhere ]\n",
    },
    args: ["-c", "parley.yaml"],
    err: /Cannot read the policy at .*nowhere/,
  },
];

for (const { name, files = {}, args, err } of START_FAILURES) {
  for (const flags of [[], ["--portable"]]) {
    const kind = flags.length === 0 ? "" : " --portable";
    // In a process of its own: on Linux it becomes another program.
    Deno.test(`parley run${kind} with ${name} exits 1, and says what is wrong`, () =>
      withFiles(files, async (folder) => {
        const { code, stderr } = await new Deno.Command(Deno.execPath(), {
          args: [
            "run",
            "-q",
            "-P",
            "-c",
            CONFIG,
            MAIN,
            "run",
            ...flags,
            ...args,
          ],
          cwd: folder,
          env: { NO_COLOR: "1" },
        }).output();
        const said = new TextDecoder().decode(stderr);
        assertEquals(code, 1, said);
        assertMatch(said, err);
        assertNoMatch(said, /\.ts:\d+/, "a stack is no message");
      }));
  }
}
