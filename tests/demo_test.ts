/**
 * `parley demo` as a newcomer runs it: a child process, with memcached and
 * without, in the sandbox and out of it.
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { memcachedServer, testWith } from "./setup/mod.ts";

const ROOT = new URL("..", import.meta.url).pathname;

const isSandboxed = Deno.build.os === "linux";
const tools = { memcached: await memcachedServer() };

Deno.test("demo --once is right in every step, without memcached", async () => {
  await using nothing = await emptyFolder();
  const { code, text } = await once({ PATH: nothing.path });
  await assertRight(code, text);
  if (isSandboxed) assertSandboxed(text);
  else assertPortable(text);
  assertHas(text, "an in-process stand-in");
  assertHas(text, "(memcached is not installed)");
});

testWith(
  tools,
  "demo --once is right in every step, with memcached",
  async ({ memcached: { command, env } }) => {
    const folder = command.slice(0, command.lastIndexOf("/"));
    const { code, text } = await once({ ...env, PATH: folder });
    await assertRight(code, text);
    assertHas(text, /cache +memcached \d/);
  },
);

Deno.test({
  name: isSandboxed
    ? "demo --once --portable is right in every step, and leaves out the loop that nothing would end"
    : "demo --once --portable: it is portable here anyway",
  ignore: !isSandboxed,
  async fn() {
    const { code, text } = await once({}, ["--portable"]);
    await assertRight(code, text);
    assertPortable(text);
  },
});

Deno.test("demo --once fails when it cannot even begin", async () => {
  await using nothing = await emptyFolder();
  // Nothing can be copied to a folder that is not there.
  const { code } = await once({
    PATH: nothing.path,
    TMPDIR: `${nothing.path}/none`,
  });
  assertEquals(code === 0, false);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`demo serves on after the tour, and cleans up at ${signal}`, async () => {
    const child = spawn([], {});
    let text = "";
    for await (
      const chunk of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      const before = text.includes(LAST_LINE);
      text += chunk;
      if (!before && text.includes(LAST_LINE)) child.kill(signal);
    }
    const { code } = await child.status;
    assertNothingWrong(code, text);
    assertHas(text, /nc -s 127\.0\.0\.2 127\.0\.0\.1 \d+/);
    assertHas(text, `${folderOf(text)}/parsers/memcache/`);
    await assertGone(text);
  });
}

/** The last thing that the invitation says. */
const LAST_LINE = "policies/cache.yaml\n";

async function once(env: Record<string, string>, args: string[] = []) {
  const child = spawn(["--once", ...args], env);
  const { code, stdout, stderr } = await child.output();
  const [text, errors] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  return { code, text: text! + errors };
}

function spawn(
  args: readonly string[],
  env: Record<string, string>,
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-P=demo", "main.ts", "demo", ...args],
    cwd: ROOT,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: args.length > 0 ? "piped" : "inherit",
  }).spawn();
}

/** The tour has a second for this, on a machine with nothing else to do; a test has no say in how fast its machine is. */
const LATE = /✗ policed \d+ ms after the save/;

function assertNothingWrong(code: number, text: string): void {
  const isLate = LATE.test(text);
  const wrong = text.split("\n").filter((line) =>
    line.includes("✗") && !LATE.test(line)
  ).map((line) => line.trim());
  const told = isLate ? ["✗ wrong: A protocol nobody has heard of"] : [];
  assertEquals({ code, wrong }, { code: isLate ? 1 : 0, wrong: told }, text);
}

async function assertRight(code: number, text: string): Promise<void> {
  assertNothingWrong(code, text);
  assertEquals(text.includes("\x1b"), false, "colours are for terminals");
  assertHas(text, /✓ the same socket has the new words, \d+ ms/);
  assertHas(text, /✓ (\d+) of \1 denied connections changed words/);
  assertHas(text, /Panic: touch is not written yet[^✓✗]* memcache\/mod\.ts:\d/);
  assertHas(text, "Scoreboard");
  assertHas(text, /✓ 0 of [\d,]+ pipelined replies wrong/);
  if (!LATE.test(text)) assertHas(text, "✓ every step was right");
  await assertGone(text);
}

function assertSandboxed(text: string): void {
  assertHas(text, "run in a sandboxed worker process");
  assertHas(text, /Panic: it did not return [^✓✗]* memcache\/mod\.ts:\d/);
  assertHas(text, "✓ 4 swaps");
  assertHas(text, "✓ 0 connections lost besides the 2 on purpose");
}

function assertPortable(text: string): void {
  assertHas(text, "run in this process, without a sandbox");
  assertHas(text, "One that loops for ever is left out");
  assertHas(text, "✓ 3 swaps");
  assertHas(text, "✓ 0 connections lost besides the 1 on purpose");
}

async function assertGone(text: string): Promise<void> {
  const there = await Deno.stat(folderOf(text)).catch(() => undefined);
  assertEquals(there, undefined, "the temporary folder is removed");
}

function folderOf(text: string): string {
  return /\S+\/parley-demo-\w+/.exec(text)?.[0] ?? "";
}

function assertHas(text: string, part: string | RegExp): void {
  const has = typeof part === "string" ? text.includes(part) : part.test(text);
  assertEquals(has, true, `${part} is not in:\n${text}`);
}

async function emptyFolder() {
  const path = await Deno.makeTempDir();
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
