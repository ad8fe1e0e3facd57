/**
 * Hostile parsers against the walls. Each goes through the stager; then it is
 * run in a sandboxed process beside a harmless parser: staged, or unchecked
 * where the stager refuses it. Whether it got anywhere is seen from outside.
 */
import {
  deepStrictEqual as assertEquals,
  doesNotMatch as assertNoMatch,
  ok as assert,
} from "node:assert/strict";
import { fileURLToPath, pathToFileURL } from "node:url";
import { prepareSandbox } from "../../proxy/sandbox/prepare.ts";
import { spawnSandboxed } from "../../proxy/sandbox/spawn.ts";
import {
  corpus,
  harmless,
  type Hostile,
  type Loot,
  sourcesOf,
  staged,
  unchecked,
} from "./corpus.ts";

const ROOT = new URL("../../", import.meta.url);
const CONFIG = fileURLToPath(new URL("deno.json", ROOT));
const ENTRY = new URL("host.ts", import.meta.url);
/** What only the engine and the harmless parser get to see. */
const SECRET = `canary-${crypto.randomUUID()}`;
/** A process that does not come to an end by then hangs. */
const DEADLINE_MS = 60_000;
const ALIVE = "the host is alive";

/** What is there to be reached from outside the process. */
class Outside {
  readonly folder = Deno.makeTempDirSync({ prefix: "parley-escape-" });
  readonly snapshots = `${this.folder}/snapshots`;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #accepting = this.#accept();
  connections = 0;

  constructor() {
    Deno.writeTextFileSync(`${this.folder}/secret`, SECRET);
    this.put("harmless", staged(harmless()));
  }

  loot({ name }: Hostile): Loot {
    return {
      SECRET_FILE: `${this.folder}/secret`,
      TARGET: this.target(name),
      PORT: String((this.#listener.addr as Deno.NetAddr).port),
      ROOT: ROOT.href,
    };
  }

  /** A file that must not come to be. */
  target(name: string): string {
    return `${this.folder}/${name}.written`;
  }

  put(name: string, files: ReadonlyMap<string, string>): void {
    Deno.mkdirSync(`${this.snapshots}/${name}`, { recursive: true });
    for (const [path, code] of files) {
      Deno.writeTextFileSync(`${this.snapshots}/${name}/${path}`, code);
    }
  }

  url(path: string): string {
    return pathToFileURL(`${this.snapshots}/${path}`).href;
  }

  async close(): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    await Deno.remove(this.folder, { recursive: true });
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.connections++;
      connection.close();
    }
  }
}

/** What came of one run. */
interface Run {
  readonly code: number;
  readonly lines: readonly string[];
  readonly stderr: string;
  readonly written: boolean;
}

async function run(outside: Outside, hostile: Hostile): Promise<Run> {
  const { name } = hostile;
  const sources = sourcesOf(hostile, outside.loot(hostile));
  const files = hostile.stager === "passes"
    ? staged(sources)
    : unchecked(sources);
  outside.put(name, files);
  const child = spawnSandboxed({
    entry: ENTRY,
    args: [
      outside.url(""),
      outside.url(`${name}/${name}.ts.js`),
      outside.url("harmless/harmless.ts.js"),
      SECRET,
    ],
    read: [outside.snapshots],
    connect: [],
    config: CONFIG,
  });
  const alarm = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(alarm);
  const text = new TextDecoder();
  return {
    code,
    lines: text.decode(stdout).trimEnd().split("\n"),
    stderr: text.decode(stderr),
    written: await Deno.stat(outside.target(name)).then(
      () => true,
      () => false,
    ),
  };
}

/** The harmless connection's bytes: all of them, unless the hostile parser did not get to run. */
const UNDISTURBED = ["one", "two", "three"].map((word) =>
  `victim > ${word} ${SECRET}`
);
function checkVictim(lines: readonly string[]): void {
  const victim = lines.filter((line) => line.startsWith("victim"));
  const [first, ...rest] = victim;
  assertEquals(first, `victim > first ${SECRET}`);
  assertEquals(rest.pop(), "victim > last");
  assertEquals(rest, UNDISTURBED.slice(0, rest.length));
}

function check(hostile: Hostile, { code, lines, stderr, written }: Run): void {
  const transcript = lines.join("\n");
  const all = `${transcript}\n${stderr}`;
  assertNoMatch(all, /ESCAPED/);
  checkVictim(lines);
  const others = lines.filter((line) => !line.startsWith("victim")).join("\n");
  assert(!others.includes(SECRET), others);
  assertEquals([code, lines.at(-1), stderr], [0, ALIVE, ""], all);
  assertEquals(written, false, "it wrote a file");
  assert(
    hostile.stopped.some((text) => others.includes(text)),
    `stopped by something else than ${hostile.stopped}:\n${transcript}`,
  );
}

/** Runs two at a time: the machines have few cores. */
async function runAll(
  outside: Outside,
  all: readonly Hostile[],
): Promise<Map<string, Run>> {
  const runs = new Map<string, Run>();
  const left = [...all];
  async function next(): Promise<void> {
    for (let one = left.shift(); one; one = left.shift()) {
      runs.set(one.name, await run(outside, one));
    }
  }
  await Promise.all([next(), next()]);
  return runs;
}

/** The stager's answer to each, with nothing in place of what is filled in. */
for (const hostile of corpus()) {
  Deno.test(`the stager ${hostile.stager}: to ${hostile.goal}`, () => {
    const sources = sourcesOf(hostile, { PORT: "1" });
    const passes = (() => {
      try {
        return staged(sources).size > 0;
      } catch {
        return false;
      }
    })();
    assertEquals(passes ? "passes" : "refuses", hostile.stager);
  });
}

Deno.test({
  name: "no hostile parser gets anywhere",
  ignore: Deno.build.os !== "linux",
  async fn(test) {
    await prepareSandbox({ entries: [ENTRY], config: CONFIG });
    const outside = new Outside();
    const all = corpus();
    const runs = await runAll(outside, all);
    const { connections } = outside;
    await outside.close();
    for (const hostile of all) {
      await test.step(
        `${hostile.name}: to ${hostile.goal}`,
        () => check(hostile, runs.get(hostile.name)!),
      );
    }
    await test.step("nobody was connected to", () => {
      assertEquals(connections, 0);
    });
  },
});
