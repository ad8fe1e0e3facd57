/** What a sandboxed process is born with, and when it dies. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openLibc } from "../../proxy/linux/libc.ts";
import { prepareSandbox } from "../../proxy/sandbox/prepare.ts";
import { spawnSandboxed } from "../../proxy/sandbox/spawn.ts";

const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const ENTRY = new URL("process_host.ts", import.meta.url);
const PARENT = new URL("process_parent.ts", import.meta.url);
const ignore = Deno.build.os !== "linux";

/** Opened once: the runtime counts it among what a test leaves behind. */
const libc = ignore ? undefined! : openLibc({
  pipe: { parameters: ["buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
});

const SIGHUP = 1 << 0;
const SIGINT = 1 << 1;
const SIGTERM = 1 << 14;

async function firstLine(child: Deno.ChildProcess): Promise<string> {
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  await reader.cancel();
  return text;
}

Deno.test({
  name: "a sandboxed process gets what it is given and nothing else",
  ignore,
  async fn() {
    await prepareSandbox({ entries: [ENTRY], config: CONFIG });
    const pipe = new Int32Array(2);
    libc.symbols.pipe(pipe); // both ends are inherited, unless somebody closes them
    const [given, withheld] = pipe as unknown as [number, number];
    const link = Deno.readLinkSync(`/proc/self/fd/${given}`);
    const child = spawnSandboxed({
      entry: ENTRY,
      args: ["one", "two words", ""],
      read: [],
      connect: [],
      inherit: [given],
      config: CONFIG,
      permissions: ["--allow-all"],
    });
    const born = JSON.parse(await firstLine(child));
    child.kill("SIGTERM"); // blocked
    child.kill("SIGINT");
    child.kill("SIGKILL");
    const { signal } = await child.status;
    await child.stderr.cancel();
    libc.symbols.close(given);
    libc.symbols.close(withheld);

    assertEquals(born.args, ["one", "two words", ""]);
    assertEquals(
      born.environment.filter((name: string) => name.startsWith("DENO_DIR")),
      ["DENO_DIR"],
    );
    assertEquals(born.environment.includes("HOME"), false);
    assertEquals(born.noNewPrivs, "1");
    const blocked = Number.parseInt(born.blocked.slice(-4), 16);
    const group = SIGHUP | SIGINT | SIGTERM;
    assertEquals(blocked & group, group);
    // Both ends of a pipe go by one name.
    const ends = born.descriptors.filter((line: string) => line.endsWith(link));
    assertEquals(ends, [`${given} ${link}`]);
    assertEquals(signal, "SIGKILL");
  },
});

Deno.test({
  name: "a sandboxed process dies with its parent, however that dies",
  ignore,
  async fn() {
    await prepareSandbox({ entries: [ENTRY], config: CONFIG });
    const parent = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        `--config=${CONFIG}`,
        PARENT.href,
        ENTRY.href,
        CONFIG,
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const line = await firstLine(parent);
    assertMatch(line, /^\d+ \{/);
    const child = Number(line.split(" ")[0]);
    assertEquals(isAlive(child), true);
    parent.kill("SIGKILL");
    await parent.status;
    while (isAlive(child)) await new Promise((next) => setTimeout(next, 5));
  },
});

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s*[ZX]/m.test(
      Deno.readTextFileSync(`/proc/${pid}/status`),
    );
  } catch {
    return false;
  }
}
