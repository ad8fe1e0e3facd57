/**
 * Processes of a container, as `/proc` of this machine has them.
 *
 * @module
 */

/** A process and all that it started. */
export async function tree(pid: number): Promise<number[]> {
  const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`)
    .catch(() => ""); // it has ended
  const pids = children.split(" ").filter((each) => each !== "").map(Number);
  return [pid, ...(await Promise.all(pids.map(tree))).flat()];
}

/** Fields of `/proc/PID/status`, with single spaces. */
export async function status(pid: number): Promise<Record<string, string>> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`);
  return Object.fromEntries(
    text.trim().split("\n").map((line) => {
      const [name, ...rest] = line.split(":");
      return [name!, rest.join(":").trim().replaceAll(/\s+/g, " ")];
    }),
  );
}

/** Bytes of memory that processes have, counted for each, and with what they share counted once. */
export async function memory(
  pids: readonly number[],
): Promise<{ resident: number; proportional: number }> {
  let [resident, proportional] = [0, 0];
  for (const pid of pids) {
    const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
    const kilobytes = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)![1]);
    resident += kilobytes("Rss") * 1024;
    proportional += kilobytes("Pss") * 1024;
  }
  return { resident, proportional };
}

/** Milliseconds of processor time that processes have had, and those that they started and that have ended. */
export async function processorTime(pids: readonly number[]): Promise<number> {
  let ticks = 0;
  for (const pid of pids) {
    const text = await Deno.readTextFile(`/proc/${pid}/stat`);
    // Behind the program's name, which may have anything in it.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    for (const field of fields.slice(11, 15)) ticks += Number(field);
  }
  return ticks * TICK_MS;
}

/** As Linux shows times to programs. */
const TICK_MS = 10;
