/**
 * What gets round the redirection: other processes under the sidecar's user id,
 * and a workload that can be reached past the sidecar.
 *
 * @module
 */
import { type Check, type Eyes, failed, ok, warning } from "./check.ts";
import { type Listening, listening } from "./listening.ts";
import { includes } from "./ports.ts";
import {
  holders,
  isInThisNetwork,
  isTransparent,
  type Process,
  processes,
  strangers,
} from "./processes.ts";

/** So many are named; more are counted. */
const NAMED = 5;

export function bystanderChecks(eyes: Eyes): Check[] {
  const sockets = listening(eyes.proc);
  const all = processes(eyes.proc);
  return [
    uidCheck(eyes, sockets, all),
    ...eyes.redirect.ingress ? wideChecks(eyes, sockets, all) : [],
  ];
}

/**
 * The sidecar is known by its listeners; what it was started by and what it
 * started belong to it. On a node, others' sidecars run under the same id, each
 * in a network namespace of its own.
 */
function uidCheck(
  { proc, redirect: { uid, ingress, egress } }: Eyes,
  sockets: readonly Listening[],
  all: readonly Process[],
): Check {
  const ports = [ingress?.to, egress?.to];
  const inodes = sockets.filter(({ port }) => ports.includes(port))
    .map(({ inode }) => inode);
  const own = holders(proc, all, new Set(inodes))
    .filter((process) => process.uids.includes(uid));
  const others = strangers(all, uid, own)
    .filter((process) => isInThisNetwork(proc, process));
  if (others.length === 0) {
    return ok(`no process but the sidecar's runs under uid ${uid}`);
  }
  const who = `${named(others)} under uid ${uid}`;
  const isUnknown = inodes.length > 0 && own.length === 0 &&
    others.some((process) => !isTransparent(proc, process));
  if (isUnknown) {
    return warning(
      `${who}; not proven that it is the sidecar: seeing what another user's process has open needs the capability CAP_SYS_PTRACE`,
    );
  }
  return failed(
    `${who}, whose connections pass by the sidecar; give it another user, or the sidecar another with --uid`,
  );
}

/** A workload that listens on more than loopback is one removed table away from everyone. */
function wideChecks(
  { proc, redirect: { ingress, egress } }: Eyes,
  sockets: readonly Listening[],
  all: readonly Process[],
): Check[] {
  const own = [ingress?.to, egress?.to];
  const ports = (ingress ?? egress)!.ports;
  const wide = sockets.filter(({ port, isLoopback }) =>
    !isLoopback && includes(ports, port) && !own.includes(port)
  );
  if (wide.length === 0) {
    return [ok("no workload listens on these ports beyond loopback")];
  }
  return wide.map(({ address, port, inode }) => {
    const [holder] = holders(proc, all, new Set([inode]));
    const who = holder ? `${holder.name} (pid ${holder.pid})` : "a process";
    return warning(
      `${who} listens on ${address}:${port}, beyond loopback: it is reached past the sidecar by processes here, and by everyone while this table is not there; let it listen on 127.0.0.1, with upstream: 127.0.0.1:${port}`,
    );
  });
}

function named(all: readonly Process[]): string {
  const some = all.slice(0, NAMED)
    .map(({ name, pid }) => `${name} (pid ${pid})`).join(", ");
  const more = all.length - NAMED;
  const verb = all.length === 1 ? "runs" : "run";
  return `${some}${more > 0 ? ` and ${more} more` : ""} ${verb}`;
}
