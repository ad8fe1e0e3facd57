/**
 * The programs that change the kernel's tables, and what it means when they
 * fail: which program, right or kernel feature is missing.
 *
 * @module
 */
import { ParleyError } from "../../proxylib/error.ts";

/** The programs that are called, and the packages that have them. */
const PACKAGES = { nft: "nftables", ip: "iproute2" } as const;

export type Program = keyof typeof PACKAGES;

/** What a program answered. */
interface Answer {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end and returns what it printed.
 *
 * @throws {ParleyError} when it is not there or fails
 */
export async function runProgram(
  program: Program,
  args: readonly string[],
  input = "",
): Promise<string> {
  const { success, stdout, stderr } = await answerOf(program, args, input);
  if (success) return stdout;
  throw failure(program, args, stderr);
}

/**
 * Whether a program ends well, where failing is an answer too.
 *
 * @throws {ParleyError} when it is not there, or the right to ask is missing
 */
export async function succeeds(
  program: Program,
  args: readonly string[],
): Promise<boolean> {
  const { success, stderr } = await answerOf(program, args, "");
  if (success) return true;
  if (lacksRight(stderr)) throw failure(program, args, stderr);
  return false;
}

/** Whether a program is on PATH. */
export async function isInstalled(program: Program): Promise<boolean> {
  try {
    await answerOf(program, ["-V"], "");
    return true;
  } catch (error) {
    if (error instanceof ParleyError) return false;
    throw error;
  }
}

async function answerOf(
  program: Program,
  args: readonly string[],
  input: string,
): Promise<Answer> {
  const child = start(program, args);
  const writer = child.stdin.getWriter();
  // A program that fails early may not read its input; its own words say why.
  const written = writer.write(new TextEncoder().encode(input))
    .then(() => writer.close()).catch(() => {});
  const { success, stdout, stderr } = await child.output();
  await written;
  const decoder = new TextDecoder();
  return {
    success,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr).trim(),
  };
}

function start(program: Program, args: readonly string[]): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      args: [...args],
      // Its messages are told apart by their words.
      env: { LC_ALL: "C" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      throw new ParleyError(`Cannot run ${program}`, {
        blame: "operator",
        where: "the permissions of this process",
        found: "the runtime does not let it run programs",
        mend:
          "start it with the permission set redirect (deno run -P=redirect main.ts redirect …)",
      });
    }
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new ParleyError(`Cannot run ${program}`, {
      blame: "operator",
      where: "PATH",
      found: "there is no such program",
      mend: `install the package ${
        PACKAGES[program]
      }, or have the folder of ${program} (often /usr/sbin) in PATH`,
    });
  }
}

function failure(
  program: Program,
  args: readonly string[],
  stderr: string,
): ParleyError {
  return new ParleyError("Cannot change or read the network's tables", {
    blame: "operator",
    where: [program, ...args].join(" "),
    found: stderr.replaceAll(/\s*\n\s*/g, " ") || "it failed without a word",
    mend: mendOf(stderr),
  });
}

function mendOf(stderr: string): string {
  if (lacksRight(stderr)) {
    return "run as root with the capability CAP_NET_ADMIN in this network namespace (a container: securityContext.capabilities.add: [NET_ADMIN])";
  }
  if (lacksFeature(stderr)) {
    return "use a kernel with nf_tables, its nat, redirect, fib, socket and tproxy expressions (CONFIG_NFT_*), Linux 5.2 or newer, 5.11 for --tproxy";
  }
  return "mend what the program names, and try again";
}

function lacksRight(stderr: string): boolean {
  return /Operation not permitted|Permission denied|must be root/.test(stderr);
}

function lacksFeature(stderr: string): boolean {
  return /No such file or directory|not supported/.test(stderr);
}
