/**
 * Processes as the system's own tables have them, and signals to them.
 *
 * @module
 */
import { poll } from "../e2e/wait.ts";

/** Signals a process that these tests started; it may be gone. */
export function send(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch { /* it has ended */ }
}

/** Sends SIGSTOP, and waits until no thread of the process runs any more; it must be there. */
export async function stop(pid: number): Promise<void> {
  if (!await stopped(pid)) throw new Error(`process ${pid} has ended`);
}

/** The same of a process that may end meanwhile; whether it has not. */
export async function stopped(pid: number): Promise<boolean> {
  send(pid, "SIGSTOP");
  return await poll(async () => {
    if (!isAlive(pid)) return false;
    return await stands(pid) || undefined;
  }, () => `standstill of process ${pid}`);
}

/** Whether every thread of a process is stopped. */
async function stands(pid: number): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
      const [state] = await statOf(`${pid}/task/${name}`);
      if (state !== "T") return false;
    }
    return true;
  } catch {
    return false; // it, or its thread, has ended
  }
}

/** Page faults of a process's children that have ended; each child that ends adds some. */
export async function faultsOfChildren(pid: number): Promise<number> {
  return Number((await statOf(String(pid)))[8]);
}

/** The fields of `/proc/…/stat` from the state on (proc_pid_stat(5)). */
async function statOf(which: string): Promise<string[]> {
  const text = await Deno.readTextFile(`/proc/${which}/stat`);
  // The name, in parentheses, may hold anything.
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** The children of a process whose command line names a program. */
export async function childrenOf(
  pid: number,
  program: string,
): Promise<number[]> {
  const found: number[] = [];
  for (const child of await children(pid)) {
    if ((await textOf(`/proc/${child}/cmdline`)).includes(program)) {
      found.push(child);
    }
  }
  return found;
}

async function children(pid: number): Promise<number[]> {
  const found: number[] = [];
  try {
    for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
      const text = await textOf(`/proc/${pid}/task/${name}/children`);
      found.push(...text.split(" ").filter(Boolean).map(Number));
    }
  } catch { /* it has ended */ }
  return found;
}

/** A file's text; of a process, or a thread of it, that has ended there is none. */
async function textOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return "";
  }
}

/** Whether a process runs: not gone, and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return !/^State:\s*[ZX]/m.test(status);
  } catch {
    return false;
  }
}

/** Until a process is gone. */
export async function gone(pid: number): Promise<void> {
  await poll(
    () => isAlive(pid) ? undefined : true,
    () => `end of process ${pid}`,
  );
}

/** Descriptors of a process. */
export async function descriptorsOf(pid: number): Promise<number> {
  return (await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))).length;
}

/** The ports of clients whose connections to a listener a process holds. */
export async function clientsOf(
  pid: number,
  listenerPort: number,
): Promise<Set<number>> {
  const sockets = new Set<string>();
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    const link = await Deno.readLink(`/proc/${pid}/fd/${name}`)
      .catch(() => "");
    const [, inode] = /^socket:\[(\d+)\]$/.exec(link) ?? [];
    if (inode) sockets.add(inode);
  }
  const ports = new Set<number>();
  const table = await Deno.readTextFile("/proc/net/tcp");
  for (const line of table.trim().split("\n").slice(1)) {
    const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/);
    if (!sockets.has(inode!) || portOf(local!) !== listenerPort) continue;
    if (portOf(remote!) > 0) ports.add(portOf(remote!));
  }
  return ports;
}

function portOf(hexadecimal: string): number {
  return Number.parseInt(hexadecimal.split(":")[1]!, 16);
}
