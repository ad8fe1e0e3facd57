/** Walls of the process itself, each alone: without the kernel's and with all permissions. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { fileURLToPath, pathToFileURL } from "node:url";

const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const HOST = new URL("walls_host.ts", import.meta.url).href;

/** Modules as they would stand in a snapshot, past a stager that sleeps. */
const MODULES: Readonly<Record<string, string>> = {
  "one/fine.js":
    'import { pass } from "parley/proxylib"; import two from "./two.js"; export default pass(two).bytes;',
  "one/two.js": "export default 2;",
  "one/node.js": 'import * as vm from "node:vm"; export default typeof vm;',
  "one/dynamic.js": 'export default typeof await import("node:vm");',
  "one/other.js":
    'import other from "../other/state.js"; export default other;',
  "other/state.js": "export default 1;",
};

async function ends(wall: string): Promise<Map<string, string>> {
  const folder = Deno.makeTempDirSync({ prefix: "parley-walls-" });
  for (const [path, code] of Object.entries(MODULES)) {
    Deno.mkdirSync(`${folder}/${path.split("/")[0]}`, { recursive: true });
    Deno.writeTextFileSync(`${folder}/${path}`, code);
  }
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--quiet",
      "--cached-only",
      `--config=${CONFIG}`,
      HOST,
      wall,
      `${pathToFileURL(folder).href}/`,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  Deno.removeSync(folder, { recursive: true });
  const text = new TextDecoder();
  assertEquals([code, text.decode(stderr)], [0, ""]);
  const lines = text.decode(stdout).trimEnd().split("\n");
  return new Map(lines.map((line) => JSON.parse(line)));
}

const GATE = /cannot be imported here/;

const WALLS: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  gate: {
    "a parser": /^done 2$/,
    "a parser that imports node: statically": GATE,
    "a parser that imports node: dynamically": GATE,
    "a parser that imports another's module": GATE,
    "the engine's own import": GATE,
    "data": GATE,
  },
  lockdown: {
    "Deno": /Deno is not defined/,
    "fetch": /fetch is not defined/,
    "patching": /Cannot assign to read only property/,
    "compiling": /compiling code is not possible here/,
    "import of node:": /^done true$/, // that is the gate's to refuse
    "schemas of every kind": /^done true$/,
    "parsing by schemas": /^done true$/,
    "regular expressions of rules": /^done true$/,
    "errors of an author's own": /^done Refusal: y true$/,
    "objects with names of the language's":
      /^done {"toString":1,"constructor":1,"valueOf":1,"hasOwnProperty":2}$/,
    "classes of before": /^done old$/,
    "dates with arguments": /^done 1970-01-01T00:00:00.000Z$/,
    "clones": /^done 1$/,
  },
};

for (const [wall, attempts] of Object.entries(WALLS)) {
  Deno.test(`the ${wall} alone stops what it is for`, async (test) => {
    const found = await ends(wall);
    for (const [attempt, end] of Object.entries(attempts)) {
      await test.step(attempt, () => assertMatch(found.get(attempt)!, end));
    }
    assertEquals([...found.keys()], Object.keys(attempts));
  });
}
