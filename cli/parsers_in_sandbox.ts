/**
 * Parsers in a checker: a process in the sandbox. It stages them, loads them
 * and answers; their code never runs in the command's own process.
 *
 * @module
 */
import { ParleyError } from "../proxylib/error.ts";
import type { Question } from "../proxy/control/messages.ts";
import { prestagedFolder } from "../proxy/sandbox/prestaged.ts";
import type { SandboxOptions } from "../proxy/sandbox/spawn.ts";
import { Checker, Checkers } from "../proxy/supervisor/checker.ts";
import { Kernel } from "../proxy/supervisor/kernel.ts";
import { Parsers } from "../proxy/supervisor/parsers.ts";
import { CHECKER } from "../proxy/supervisor/programs.ts";
import { faultOf, review } from "../proxy/supervisor/review.ts";
import { PROGRAM } from "./exit.ts";
import type { LoadParsers } from "./loaded_parsers.ts";
import { prepare } from "./prepare.ts";

/** A parser that eats memory shall not eat the machine's. */
const HEAP_MB = 256;

/** Lends out parsers that a checker has loaded. */
export const withParsersInSandbox: LoadParsers = async (
  folders,
  written,
  use,
) => {
  await prepare();
  const snapshots = await Deno.makeTempDir({ prefix: "parley-" });
  using kernel = new Kernel();
  const warn = warning(folders.length > 1);
  try {
    await using checkers = new Checkers(() =>
      new Checker(kernel, sandboxOf(snapshots), warn)
    );
    checkers.get(); // it starts while the folders are read
    const parsers = new Parsers(folders, snapshots, prestagedFolder(PROGRAM));
    const scan = await parsers.scan(() => true);
    const { policy, unguarded, parsers: judged } = await review(
      parsers,
      scan,
      written,
      checkers,
    );
    parsers.settle(scan, judged);
    return await use({
      status: parsers.status(),
      policy,
      unguarded,
      async ask<Type extends Question["type"]>(
        name: string,
        question: Extract<Question, { type: Type }>,
      ) {
        const version = parsers.serving.find((one) => one.name === name)!;
        try {
          return await checkers.get().ask(version, question);
        } catch (error) {
          await checkers.drop();
          throw new ParleyError(`Cannot use parser ${name}`, {
            blame: "parser",
            where: `${version.folder}/${version.entry}:1:1`,
            found: faultOf(error),
            mend: "correct what loops in it, or ends the process",
          }, { cause: error });
        }
      },
    });
  } finally {
    await Deno.remove(snapshots, { recursive: true });
  }
};

function sandboxOf(snapshots: string): SandboxOptions {
  return {
    entry: CHECKER,
    args: [new URL(`file://${snapshots}/`).href],
    read: [snapshots],
    connect: [],
    config: PROGRAM,
    heapMb: HEAP_MB,
  };
}

/** Tells of each wall that this machine lacks, once, if there is anybody to keep in. */
function warning(hasForeign: boolean): (walls: readonly string[]) => void {
  const told = new Set<string>();
  return (walls) => {
    for (const wall of walls) {
      if (hasForeign && !told.has(wall)) {
        console.error(
          `parley: the sandbox lacks a wall on this machine: ${wall}`,
        );
      }
      told.add(wall);
    }
  };
}
