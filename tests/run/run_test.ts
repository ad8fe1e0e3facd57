/** The runner of the tests, with small test files in folders of their own. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { poll, within } from "../e2e/wait.ts";
import { batchesOf, findTests } from "./files.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

const GOOD = `Deno.test("is good", async (t) => {
  await t.step("in a step", () => {});
  console.log("said on the way");
});
Deno.test.ignore("is left out", () => {});
`;
const BAD = `Deno.test("is bad", () => {
  throw new Error("the reason");
});
`;
const KILLED = `Deno.test("is killed", () => Deno.kill(Deno.pid, "SIGKILL"));`;
/** It says its number, and then nothing any more. */
const HANGS = `Deno.test("hangs", async () => {
  Deno.writeTextFileSync("pid", String(Deno.pid));
  await new Promise((resolve) => setTimeout(resolve, 1e9));
});
`;

/** Lends out a folder with these files in it. */
async function withFolder(
  files: Readonly<Record<string, string>>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "parley-run-" });
  try {
    for (const [name, text] of Object.entries(files)) {
      const path = `${folder}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), {
        recursive: true,
      });
      await Deno.writeTextFile(path, text);
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function start(folder: string, args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "--no-check", ...args],
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** How a run ended, and its lines. */
async function ended(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await within(
    child.output(),
    () => "end of the run",
    () => child.kill("SIGKILL"),
  );
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  const lines = stripVTControlCharacters(text.join("")).trimEnd().split("\n");
  return { code, lines, last: lines.at(-1)! };
}

const RUNS: readonly {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly code: number;
  readonly last: RegExp;
}[] = [
  {
    name: "adds up what its processes count",
    files: { "tests/a_test.ts": GOOD, "b_test.ts": GOOD, "c.ts": BAD },
    code: 0,
    last:
      /^ok \| 2 passed \(2 steps\) \| 0 failed \| 2 ignored \((?:1m)?\d+s\)$/,
  },
  {
    name: "fails with one test",
    files: { "tests/a_test.ts": GOOD, "b_test.ts": BAD },
    code: 1,
    last:
      /^FAILED \| 1 passed \(1 step\) \| 1 failed \| 1 ignored \((?:1m)?\d+s\)$/,
  },
  {
    name: "passes options on, whose values are no paths",
    files: { "good/a_test.ts": GOOD, "b_test.ts": BAD },
    args: ["--filter", "good"],
    code: 0,
    last:
      /^ok \| 1 passed \(1 step\) \| 0 failed \| 2 filtered out \((?:1m)?\d+s\)$/,
  },
  {
    name: "runs what is below the paths that it is given",
    files: { "a/a_test.ts": GOOD, "b/b_test.ts": BAD, "c_test.ts": GOOD },
    args: ["./a/", "c_test.ts"],
    code: 0,
    last: /^ok \| 2 passed /,
  },
  {
    name: "leaves out what is to be ignored",
    files: { "a/a_test.ts": GOOD, "a/b/b_test.ts": BAD, "c_test.ts": BAD },
    args: ["--ignore=a/b,./c_test.ts"],
    code: 0,
    last: /^ok \| 1 passed /,
  },
  {
    name: "fails when there is nothing to run",
    files: { "a.ts": BAD },
    code: 1,
    last: /^error: there are no test files in \.$/,
  },
  {
    name: "fails with a module that does not load",
    files: { "a_test.ts": "throw new Error('not loaded');" },
    code: 1,
    last: /^FAILED \| 0 passed \| 1 failed/,
  },
];

for (const { name, files, args = [], code, last } of RUNS) {
  Deno.test(`the runner ${name}`, () =>
    withFolder(files, async (folder) => {
      const run = await ended(start(folder, args));
      assertMatch(run.last, last, run.lines.join("\n"));
      assertEquals(run.code, code);
    }));
}

Deno.test("the runner keeps together what a file prints, and tells of failures at the end", () =>
  withFolder(
    { "tests/a_test.ts": GOOD, "b_test.ts": BAD, "c_test.ts": GOOD },
    async (folder) => {
      const { lines } = await ended(start(folder, []));
      for (const file of ["./tests/a_test.ts", "./c_test.ts"]) {
        const from = lines.indexOf(`running 2 tests from ${file}`);
        const own = lines.slice(from, from + 8).join("\n");
        assertMatch(own, /said on the way[^]*is good \.\.\. ok[^]*is left out/);
      }
      const reason = lines.findIndex((line) => line.includes("the reason"));
      const running = lines.findLastIndex((line) => line.startsWith("running"));
      assert(running < reason, lines.join("\n"));
    },
  ));

Deno.test("the runner names the files of a process that is killed", () =>
  withFolder({ "a_test.ts": KILLED }, async (folder) => {
    const { code, lines, last } = await ended(start(folder, []));
    assertEquals(code, 1);
    assertMatch(lines.join("\n"), /ended by SIGKILL[^]*\n {2}a_test\.ts\n/);
    assertMatch(last, /^FAILED \| 0 passed \| 0 failed \((?:1m)?\d+s\)$/);
  }));

for (
  const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const
) {
  Deno.test(`the runner ends its processes at ${signal}, and what they said is told`, () =>
    withFolder({ "a_test.ts": HANGS }, async (folder) => {
      // The test hangs before it is told that it began: again, if that was not said yet.
      await poll(async () => {
        const child = start(folder, []);
        const pid = await poll(
          () =>
            Deno.readTextFile(`${folder}/pid`).then(Number, () => undefined)
              .then((pid) => pid || undefined),
          () => "test that hangs",
        );
        child.kill(signal);
        const run = await ended(child);
        assertEquals(run.code, code);
        assertEquals(
          await Deno.stat(`/proc/${pid}`).catch(() => "gone"),
          "gone",
        );
        await Deno.remove(`${folder}/pid`);
        const said = /running 1 test from .*\nhangs \.\.\./;
        return said.test(run.lines.join("\n")) || undefined;
      }, () => "run that tells what its processes said");
    }));
}

Deno.test("test files are found as deno test finds them, once each", () =>
  withFolder(
    Object.fromEntries(
      [
        ...["a_test.ts", "b.test.mjs", "c/test.jsx", "attest.ts", "d.ts"],
        ...["node_modules/e_test.ts", ".git/f_test.ts", "c/g_test.ts"],
      ].map((name) => [name, ""]),
    ),
    async (folder) => {
      const found = await findTests([folder, `${folder}/c/`], [
        `${folder}/c/g_test.ts`,
      ]);
      assertEquals(found.map((path) => path.slice(folder.length + 1)), [
        ...["a_test.ts", "b.test.mjs", "c/test.jsx"],
      ]);
    },
  ));

Deno.test("slow parts come first, and all files come once", () => {
  const many = (part: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${part}/${i}_test.ts`);
  const files = [
    ...[...many("admin", 5), ...many("cli", 3), ...many("tests", 20)],
  ];
  const batches = batchesOf(files);
  assertEquals(batches.flat().toSorted(), files.toSorted());
  assert(batches.every(({ length }) => length > 0 && length < 10));
  const parts = batches.flat().map((file) => file.split("/")[0]!);
  assertEquals([...new Set(parts)], ["tests", "cli", "admin"]);
});
