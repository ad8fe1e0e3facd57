/**
 * Proves the redirection of what leaves this namespace: a connection is taken,
 * and the same of the sidecar's user is not.
 *
 * @module
 */
import { formatPrefix, hostPrefix, parseAddress } from "../../policy/cidr.ts";
import { EADDRINUSE, SystemError } from "../linux/errno.ts";
import { type Check, counts, type Eyes, failed, ok, warning } from "./check.ts";
import { type Interface, interfaces } from "./interfaces.ts";
import type { ProbeSocket } from "./probe_sockets.ts";
import { hasIPv6 } from "./proc.ts";
import type { Taken } from "./rules.ts";
import { formatSocketAddress, type SocketAddress } from "./socket_address.ts";

type Family = 4 | 6;

/** Addresses that nobody has: TEST-NET-1 (RFC 5737) and the prefix of RFC 3849. */
const NOBODY = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
/** Where `redirect` of the output hook leads. */
const LOOPBACK = { 4: "127.0.0.1", 6: "::1" } as const;
/** On loopback all of this takes well below a millisecond. */
const PATIENCE_MS = 2_000;

/** Every family that this machine speaks. */
export async function egressChecks(
  eyes: Eyes,
  { to, ports }: Taken,
): Promise<Check[]> {
  const families = hasIPv6(eyes.proc) ? [4, 6] as const : [4] as const;
  const checks: Check[] = [];
  for (const family of families) {
    const address = { family, host: LOOPBACK[family], port: to };
    checks.push(...await familyChecks(eyes, address, ports[0]!.first));
  }
  return checks;
}

async function familyChecks(
  eyes: Eyes,
  to: SocketAddress,
  port: number,
): Promise<Check[]> {
  const name = `egress, IPv${to.family}`;
  using listener = listenIfFree(eyes, to);
  const before = await counts();
  using probe = dial(eyes, to.family, port);
  if (!probe) {
    return [warning(`${name}: not proven: no route leads out of here`)];
  }
  const what = `${name}: a connection to ${formatSocketAddress(probe.to)}`;
  const where = formatSocketAddress(to);
  const problem = listener
    ? arrival(eyes, listener, probe)
    : answered(eyes, probe);
  const isCounted = (await counts()).egress_taken > before.egress_taken;
  if (problem || !isCounted) {
    const found = problem ?? "is counted by no rule";
    return [failed(`${what} ${found}; is another table in the way?`)];
  }
  const taken = ok(
    `${what} is taken to ${where}${
      listener ? "" : ", where a process listens"
    }`,
  );
  return [taken, await ownCheck(eyes, probe.to, listener)];
}

/** What is wrong with how the probe arrived at a listener of our own. */
function arrival(
  { sockets }: Eyes,
  listener: ProbeSocket,
  probe: Probe,
): string | undefined {
  using accepted = sockets.accept(listener, PATIENCE_MS);
  if (!accepted) return "is not taken";
  const from = formatSocketAddress(sockets.peerAddress(accepted));
  const dialled = formatSocketAddress(sockets.localAddress(probe.socket));
  if (from !== dialled) return `is not taken; ${from} came instead`;
  const original = sockets.originalDestination(accepted, probe.to.family);
  const found = original ? formatSocketAddress(original) : "none";
  if (found === formatSocketAddress(probe.to)) return undefined;
  return `is taken, with ${found} as its original destination`;
}

/** A process listens where the probe should go: nobody else answers for that address. */
function answered({ sockets }: Eyes, probe: Probe): string | undefined {
  const outcome = sockets.outcome(probe.socket, PATIENCE_MS);
  if (!outcome) return "is not taken: nobody answers";
  return outcome.error && `fails: ${outcome.error.message}`;
}

async function ownCheck(
  eyes: Eyes,
  to: SocketAddress,
  listener: ProbeSocket | undefined,
): Promise<Check> {
  const { sockets, redirect: { uid } } = eyes;
  const name =
    `egress, IPv${to.family}: the sidecar's own traffic (uid ${uid})`;
  const before = await counts();
  using socket = sockets.dialAs(uid, to);
  if (!socket) {
    return warning(
      `${name}: not proven: changing the user id needs the capability CAP_SETUID`,
    );
  }
  const isCounted = (await counts()).own_passed > before.own_passed;
  using accepted = listener && sockets.accept(listener, 0);
  if (isCounted && !accepted) return ok(`${name} is left alone`);
  return failed(
    `${name} is taken too, and would go round in circles; is --uid the id that the sidecar runs under?`,
  );
}

/** A listener where connections are to go; nothing if the sidecar has it already. */
function listenIfFree(
  { sockets }: Eyes,
  address: SocketAddress,
): ProbeSocket | undefined {
  try {
    return sockets.listen(address);
  } catch (error) {
    if (error instanceof SystemError && error.errno === EADDRINUSE) return;
    throw error;
  }
}

/** A connection that was begun. */
interface Probe extends Disposable {
  readonly socket: ProbeSocket;
  readonly to: SocketAddress;
}

/** To nobody's address if a route leads there, else to a neighbour's. */
function dial(eyes: Eyes, family: Family, port: number): Probe | undefined {
  for (const host of [NOBODY[family], ...neighbours(family)]) {
    const to = { family, host, port };
    try {
      const socket = eyes.sockets.dial(to);
      return { socket, to, [Symbol.dispose]: () => socket[Symbol.dispose]() };
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }
  return undefined;
}

/** An address beside each of this machine's own. */
export function neighbours(
  family: Family,
  all: readonly Interface[] = interfaces(),
): string[] {
  return all.flatMap(({ address, prefix }) => {
    const own = parseAddress(address);
    const isFit = own?.family === family && prefix <= LONGEST[family] &&
      !/^(127\.|::1$|fe80:)/.test(address);
    if (!isFit) return [];
    // Of four, the first may be the network's own and the last its broadcast.
    const other = (own.bits & 3n) === 1n ? 2n : 1n;
    const bits = (own.bits & ~3n) | other;
    return [formatPrefix(hostPrefix({ family, bits }))];
  });
}

/** The longest prefix that has an address beside one's own. */
const LONGEST = { 4: 30, 6: 126 } as const;
