/**
 * Holds the direction of imports, so that a part can be read, tested and
 * replaced without the parts above it:
 *
 * ```text
 * main → cli → admin, kube → proxy → policy
 *                                  → proxylib ← parsers, examples
 * ```
 *
 * Tests may import anything. The sources' text is what is checked, not what
 * happens to be reached from `main.ts`.
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { join } from "node:path/posix";
import config from "../deno.json" with { type: "json" };

const ROOT = join(import.meta.dirname!, "..");

/** What each part may import beside itself. */
const MAY_IMPORT: ReadonlyMap<string, readonly string[]> = new Map([
  ["main.ts", ["cli"]],
  ["cli", [
    ...["admin", "kube", "proxy", "policy", "proxylib", "parsers"],
    "deno.json",
  ]],
  ["admin", ["proxy", "policy", "deno.json"]],
  ["kube", ["proxy", "policy"]],
  ["proxy", ["policy", "proxylib"]],
  ["policy", []],
  ["proxylib", []],
  ["parsers", ["proxylib"]],
  ["examples", ["proxylib"]],
]);
/** Tests and tools, which may import anything. */
const FREE: ReadonlySet<string> = new Set(["tests", "bench"]);
/** Parts that take values and answer values: they do not touch the system. */
const PURE: ReadonlySet<string> = new Set(["policy", "proxylib"]);
/** The one file that imports what it finds on disk. */
const LOADER = "proxy/registry/load.ts";

interface SourceFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** The folder, or the file at the root, that a path belongs to. */
function partOf(path: string): string {
  return path.split("/")[0]!;
}

/** What is wrong with one file; nothing if all is in order. */
function faults({ path, text }: SourceFile): string[] {
  const part = partOf(path);
  const allowed = MAY_IMPORT.get(part);
  if (FREE.has(part)) return [];
  if (!allowed) return [`${path}: ${part} is in no part that is known here`];
  if (path.endsWith("_test.ts")) return [];
  const code = withoutComments(text);
  const found = specifiers(code).flatMap((specifier) => {
    const target = resolve(path, specifier);
    if (target === undefined) return [];
    const fine = target === part || allowed.includes(target);
    return fine ? [] : [`${path}: imports ${specifier}`];
  });
  if (PURE.has(part) && /\bDeno\b/.test(withoutTexts(code))) {
    found.push(`${path}: uses Deno`);
  }
  if (
    path !== LOADER && /\bimport\s*\(\s*(?!["'\s])/.test(withoutTexts(code))
  ) {
    found.push(`${path}: imports what cannot be told from its text`);
  }
  return found;
}

/** The part that a specifier leads to; nothing for packages. */
function resolve(from: string, specifier: string): string | undefined {
  const { imports } = config as { imports: Record<string, string> };
  // A package stays one where a file of ours stands before it.
  const path = imports[`${specifier}/itself`] ?? imports[specifier] ??
    specifier;
  if (/^(npm|node):/.test(path)) return undefined;
  if (!/^\.{1,2}\//.test(path)) return path; // no part: https:, file:, an alias unknown
  return partOf(join(path === specifier ? join(from, "..") : ".", path));
}

/** Comments, and the texts and patterns in which one could seem to begin. */
const COMMENT_OR_TEXT =
  /\/\*[\s\S]*?\*\/|\/\/.*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`/g;

function withoutComments(text: string): string {
  return text.replace(COMMENT_OR_TEXT, (found) => {
    if (found.startsWith("`")) return "``"; // code in a template is a text
    return found.startsWith("/") ? " " : found;
  });
}

function withoutTexts(code: string): string {
  return code.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""');
}

/** What a module imports: statically, for its effects, again exported, dynamically, as a type. */
function specifiers(code: string): string[] {
  const patterns = [
    /\b(?:import|export)\b[^;"'`()]*?\bfrom\s*["']([^"']+)["']/g,
    /\bimport\s*["']([^"']+)["']/g,
    /\bimport\s*\(\s*["']([^"']+)["']/g,
  ];
  return patterns.flatMap((pattern) =>
    [...code.matchAll(pattern)].map((match) => match[1]!)
  );
}

/** Every TypeScript file of the tree. */
function* sources(folder = ""): Generator<SourceFile> {
  for (const { name, isDirectory } of Deno.readDirSync(join(ROOT, folder))) {
    const path = join(folder, name);
    if (name.startsWith(".") || name === "node_modules") continue;
    if (isDirectory) yield* sources(path);
    else if (name.endsWith(".ts")) {
      yield { path, text: Deno.readTextFileSync(join(ROOT, path)) };
    }
  }
}

Deno.test("every file is in a known part, and imports only what that part may", () => {
  assertEquals([...sources()].flatMap(faults), []);
});

Deno.test("the search finds the tree's files and their imports", () => {
  const files = new Map([...sources()].map(({ path, text }) => [path, text]));
  const known = ["main.ts", "cli/run.ts", "proxy/registry/load.ts"];
  assertEquals(known.filter((path) => !files.has(path)), []);
  const of = (path: string) => specifiers(withoutComments(files.get(path)!));
  const mains = ["./cli/command_line.ts", "./cli/run.ts"];
  assertEquals(mains.filter((path) => !of("main.ts").includes(path)), []);
  const commands = of("cli/command_line.ts");
  const some = ["commander", "./exit.ts", "./run.ts", "./check.ts"];
  assertEquals(some.filter((specifier) => !commands.includes(specifier)), []);
  const door = of("proxylib/mod.ts");
  assertEquals(door.includes("zod") && door.includes("./verdict.ts"), true);
});

/** What the processes of a sidecar begin with. */
const PROGRAMS = [
  "cli/supervise.ts",
  "cli/read_config.ts",
  "proxy/worker/main.ts",
  "proxy/checker/main.ts",
  "proxy/dns/main.ts",
  "proxy/sandbox/launch.ts",
];

Deno.test("no process of a sidecar ever loads what is for Kubernetes", () => {
  const files = new Map([...sources()].map(({ path, text }) => [path, text]));
  const reached = new Set(PROGRAMS);
  for (const path of reached) { // grows as it goes
    for (const specifier of specifiers(withoutComments(files.get(path)!))) {
      const target = join(path, "..", specifier);
      if (specifier.startsWith(".") && files.has(target)) reached.add(target);
    }
  }
  assertEquals([...reached].filter((path) => path.startsWith("kube/")), []);
  assertEquals(reached.has("admin/port_checks.ts"), true); // so that it is followed
});

const FINE: readonly SourceFile[] = [
  { path: "parsers/x.ts", text: 'import { z } from "parley/proxylib";' },
  { path: "parsers/a/b.ts", text: 'import { z } from "../line.ts";' },
  { path: "parsers/x_test.ts", text: 'import { t } from "parley/testkit";' },
  {
    path: "proxy/a/x.ts",
    text: 'import type { P } from "../../policy/mod.ts";',
  },
  { path: "proxy/x.ts", text: "const port = Deno.listen;" },
  { path: "cli/x.ts", text: 'await import("../proxy/sidecar.ts");' },
  { path: "policy/x.ts", text: 'import { z } from "zod";' },
  { path: "policy/x.ts", text: '// Deno.cwd()\nconst text = "Deno";' },
  { path: "policy/x.ts", text: '/** import { x } from "../proxy/x.ts"; */' },
  {
    path: "proxylib/x.ts",
    text: "const code = `import x from '../cli/x.ts'`;",
  },
  { path: "tests/x.ts", text: 'import { x } from "../proxy/x.ts";' },
  { path: LOADER, text: "await import(url);" },
];

for (const file of FINE) {
  Deno.test(`fine in ${file.path}: ${file.text}`, () =>
    assertEquals(faults(file), []));
}

const WRONG: readonly (SourceFile & { readonly fault: string })[] = [
  {
    path: "parsers/x.ts",
    text: 'import { t } from "parley/testkit";',
    fault: "imports parley/testkit",
  },
  {
    path: "parsers/x.ts",
    text: 'import {\n  a,\n  b,\n} from "../policy/mod.ts";',
    fault: "imports ../policy/mod.ts",
  },
  {
    path: "parsers/a/x.ts",
    text: 'export * from "../../proxy/session/stream.ts";',
    fault: "imports ../../proxy/session/stream.ts",
  },
  {
    path: "examples/parsers/x.ts",
    text: 'import "../../parsers/r2d2.ts";',
    fault: "imports ../../parsers/r2d2.ts",
  },
  {
    path: "proxylib/x.ts",
    text: "import type { P } from '../policy/mod.ts';",
    fault: "imports ../policy/mod.ts",
  },
  {
    path: "proxylib/a/x.ts",
    text: 'export { type P } from "../../proxy/session/stream.ts";',
    fault: "imports ../../proxy/session/stream.ts",
  },
  {
    path: "policy/x.ts",
    text: 'const { z } = await import("../proxylib/mod.ts");',
    fault: "imports ../proxylib/mod.ts",
  },
  {
    path: "policy/x.ts",
    text: 'import { z } from "parley/proxylib";',
    fault: "imports parley/proxylib",
  },
  {
    path: "proxy/x.ts",
    text: 'import { run } from "../cli/run.ts";',
    fault: "imports ../cli/run.ts",
  },
  {
    path: "proxy/x.ts",
    text: 'import r2d2 from "../parsers/r2d2.ts";',
    fault: "imports ../parsers/r2d2.ts",
  },
  {
    path: "main.ts",
    text: 'import { Sidecar } from "./proxy/sidecar.ts";',
    fault: "imports ./proxy/sidecar.ts",
  },
  {
    path: "cli/x.ts",
    text: 'import { x } from "https://example.com/x.ts";',
    fault: "imports https://example.com/x.ts",
  },
  {
    path: "proxylib/x.ts",
    text: "const folder = Deno.cwd();",
    fault: "uses Deno",
  },
  {
    path: "policy/x.ts",
    text: "const { cwd } = globalThis.Deno;",
    fault: "uses Deno",
  },
  {
    path: "proxy/x.ts",
    text: "await import(`./${name}.ts`);",
    fault: "imports what cannot be told from its text",
  },
  {
    path: "mesh/x.ts",
    text: "",
    fault: "mesh is in no part that is known here",
  },
  {
    path: "kube/x.ts",
    text: 'import { exchange } from "../admin/exchange.ts";',
    fault: "imports ../admin/exchange.ts",
  },
  {
    path: "proxy/x.ts",
    text: 'import { inject } from "../kube/inject/inject.ts";',
    fault: "imports ../kube/inject/inject.ts",
  },
  { path: "x.ts", text: "", fault: "x.ts is in no part that is known here" },
];

for (const { path, text, fault } of WRONG) {
  Deno.test(`wrong in ${path}: ${text || "anything"}`, () =>
    assertEquals(faults({ path, text }), [`${path}: ${fault}`]));
}
