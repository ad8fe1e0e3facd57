/**
 * The processes of this machine, as far as this one can see them.
 *
 * @module
 */
import type { Proc } from "./proc.ts";

/** A process, as `/proc/PID/status` tells of it. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  /** Real, effective, saved and file-system user id. */
  readonly uids: readonly number[];
}

/** Every process that is seen. */
export function processes(proc: Proc): Process[] {
  return proc.names("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const status = proc.text(`/proc/${name}/status`);
      const process = status && parseStatus(Number(name), status);
      return process ? [process] : [];
    });
}

/** One process; none if it ended while it was read. */
export function parseStatus(pid: number, text: string): Process | undefined {
  const field = (name: string) =>
    new RegExp(`^${name}:\\s+(.*)$`, "m").exec(text)?.[1];
  const uids = field("Uid")?.split(/\s+/).map(Number);
  const name = field("Name");
  // A zombie opens no connection any more.
  if (!uids || name === undefined || field("State")?.startsWith("Z")) return;
  return { pid, parent: Number(field("PPid")), name, uids };
}

/** The processes that hold one of these sockets open. */
export function holders(
  proc: Proc,
  all: readonly Process[],
  inodes: ReadonlySet<string>,
): Process[] {
  const wanted = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  if (wanted.size === 0) return [];
  return all.filter(({ pid }) =>
    descriptors(proc, pid).some((target) => wanted.has(target))
  );
}

/** Whether what a process has open may be seen: another user's needs the right to trace it. */
export function isTransparent(proc: Proc, { pid }: Process): boolean {
  return descriptors(proc, pid).length > 0;
}

/** Whether a process has connections where this one has. What may not be seen counts as such. */
export function isInThisNetwork(proc: Proc, { pid }: Process): boolean {
  const network = proc.link(`/proc/${pid}/ns/net`);
  return network === undefined || network === proc.link("/proc/self/ns/net");
}

/** What a process has open. */
function descriptors(proc: Proc, pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return proc.names(folder)
    .map((fd) => proc.link(`${folder}/${fd}`))
    .filter((target) => target !== undefined);
}

/**
 * Processes that open connections with a user id, but belong to none of the
 * given ones: not their children, and not their parents.
 */
export function strangers(
  all: readonly Process[],
  uid: number,
  own: readonly Process[],
): Process[] {
  const byPid = new Map(all.map((process) => [process.pid, process]));
  const lineOf = (process: Process): number[] => {
    const line: number[] = [];
    for (
      let at: Process | undefined = process;
      at && !line.includes(at.pid);
      at = byPid.get(at.parent)
    ) line.push(at.pid);
    return line;
  };
  const ownPids = new Set(own.map(({ pid }) => pid));
  const ancestors = new Set(own.flatMap(lineOf));
  return all.filter((process) =>
    process.uids.includes(uid) && !ancestors.has(process.pid) &&
    !lineOf(process).some((pid) => ownPids.has(pid))
  );
}
