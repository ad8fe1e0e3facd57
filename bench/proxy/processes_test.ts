import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { missing, onPath } from "../../tests/setup/tool.ts";
import { testWith, type Tool } from "../../tests/setup/mod.ts";
import { Processes } from "./processes.ts";
import { pss } from "./procfs.ts";

const taskset = onPath("taskset")
  ? tool("taskset")
  : missing("taskset is not on PATH");

function tool(command: string): Tool {
  return { kind: "tool", command, env: {} };
}

function runs(id: number): boolean {
  try {
    return !/\) [ZX] /.test(Deno.readTextFileSync(`/proc/${id}/stat`));
  } catch {
    return false;
  }
}

testWith(
  { taskset },
  "a process counts with its descendants, and all of them end with it",
  async () => {
    const processes = new Processes();
    const script = `trap "" TERM; sleep 600 & echo ready; wait; sleep 600`;
    const process = processes.start({
      tool: tool("sh"),
      args: ["-c", script],
      core: 0,
    });
    await process.stdout.until((line) => line === "ready", "child");
    const { ids } = process;
    assertEquals(ids.length, 2);
    assert(ids.every(runs));
    assert(pss(ids) > pss(ids.slice(1)));

    await processes[Symbol.asyncDispose]();
    assertEquals(ids.filter(runs), []);
    assertEquals(process.ids, []);
  },
);
