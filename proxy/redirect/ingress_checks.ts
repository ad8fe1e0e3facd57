/**
 * Proves the redirection of what comes in.
 *
 * Nothing that this namespace sends to itself meets those rules. So the probe
 * comes in by an interface: a pair of virtual ones is made, a peer's opening
 * segment put on the wire between them, and the pair removed again. The
 * addresses are of TEST-NET-2 (RFC 5737) and of RFC 3849's prefix.
 *
 * @module
 */
import { ParleyError } from "../../proxylib/error.ts";
import { EPERM, SystemError } from "../linux/errno.ts";
import { type Check, counts, type Eyes, failed, ok, warning } from "./check.ts";
import { synFrame } from "./probe_frames.ts";
import { hasIPv6 } from "./proc.ts";
import { runProgram, succeeds } from "./programs.ts";
import type { Taken } from "./rules.ts";
import type { SocketAddress } from "./socket_address.ts";

/** The peer's end of the wire, and ours. */
const PEER = { device: "parley-probe0", mac: "02:00:00:00:00:01" } as const;
const OURS = { device: "parley-probe1", mac: "02:00:00:00:00:02" } as const;

const ENDS = {
  4: { peer: "198.51.100.2", ours: "198.51.100.1", length: 30 },
  6: { peer: "2001:db8:5::2", ours: "2001:db8:5::1", length: 126 },
} as const;

/** An interface that was just switched on may lose packets for a second. */
const TRIES = 100;
const TRY_MS = 20;

/** Both families, or the reason why not; and the sidecar's own traffic. */
export async function ingressChecks(
  eyes: Eyes,
  ingress: Taken,
): Promise<Check[]> {
  return [
    ...await takenChecks(eyes, ingress),
    ...await ownChecks(eyes, ingress),
  ];
}

async function takenChecks(eyes: Eyes, ingress: Taken): Promise<Check[]> {
  const families = hasIPv6(eyes.proc) ? [4, 6] as const : [4] as const;
  try {
    await removeWire();
    try {
      const checks: Check[] = [];
      await makeWire(families);
      for (const family of families) {
        checks.push(await takenCheck(eyes, ingress, family));
      }
      return checks;
    } finally {
      await removeWire();
    }
  } catch (error) {
    return [warning(`ingress: not proven: ${reasonOf(error)}. ${BY_HAND}`)];
  }
}

const BY_HAND =
  "The rule is in the table: connect from a peer, and `nft list counter inet parley ingress_taken` counts it";

async function takenCheck(
  eyes: Eyes,
  { ports, to }: Taken,
  family: 4 | 6,
): Promise<Check> {
  const { first: port } = ports[0]!;
  const what = `ingress, IPv${family}: a peer's connection to port ${port}`;
  const before = await counts();
  for (let i = 0; i < TRIES; i++) {
    knock(eyes, family, port);
    await new Promise((resolve) => setTimeout(resolve, TRY_MS));
    if ((await counts()).ingress_taken > before.ingress_taken) {
      return ok(`${what} is taken to port ${to}`);
    }
  }
  return failed(`${what} is not taken; is another table in the way?`);
}

function knock({ sockets }: Eyes, family: 4 | 6, port: number): void {
  const source = { family, host: ENDS[family].peer, port: peerPort() };
  const target = { family, host: ENDS[family].ours, port };
  const wire = { from: macBytes(PEER.mac), to: macBytes(OURS.mac) };
  sockets.sendFrame(PEER.device, synFrame(wire, source, target));
}

/**
 * What the sidecar opens to the workload must not come back to it. Peers may
 * come in at the same time, so one try of several without a count is enough:
 * if its own were counted, each would be.
 */
async function ownChecks(
  { sockets, redirect: { uid } }: Eyes,
  { ports }: Taken,
): Promise<Check[]> {
  const { first: port } = ports[0]!;
  const name = `ingress: the sidecar's own traffic (uid ${uid})`;
  const to: SocketAddress = { family: 4, host: "127.0.0.1", port };
  for (let i = 0; i < OWN_TRIES; i++) {
    const before = await counts();
    // Whether the workload runs yet or refuses is no matter.
    using socket = tryDialAs(sockets, uid, to);
    if (socket === undefined) {
      return [
        warning(
          `${name}: not proven: changing the user id needs the capability CAP_SETUID`,
        ),
      ];
    }
    if ((await counts()).ingress_taken === before.ingress_taken) {
      return [ok(`${name} to the workload is left alone`)];
    }
  }
  return [failed(`${name} to the workload is taken, and would go round`)];
}

const OWN_TRIES = 5;

function tryDialAs(
  sockets: Eyes["sockets"],
  uid: number,
  to: SocketAddress,
): Disposable | undefined {
  try {
    return sockets.dialAs(uid, to);
  } catch (error) {
    if (error instanceof SystemError) return { [Symbol.dispose]: () => {} };
    throw error;
  }
}

async function makeWire(families: readonly (4 | 6)[]): Promise<void> {
  await runProgram("ip", [
    ...["link", "add", PEER.device, "address", PEER.mac, "type", "veth"],
    ...["peer", "name", OURS.device, "address", OURS.mac],
  ]);
  for (const family of families) {
    const { ours, length } = ENDS[family];
    // IPv6 would first ask the wire whether the address is taken.
    const flags = family === 6 ? ["nodad"] : [];
    const address = `${ours}/${length}`;
    await runProgram("ip", [
      ...[`-${family}`, "address", "add", address, "dev", OURS.device],
      ...flags,
    ]);
  }
  for (const { device } of [PEER, OURS]) {
    await runProgram("ip", ["link", "set", device, "up"]);
  }
}

/** Either end takes the other with it. */
async function removeWire(): Promise<void> {
  await succeeds("ip", ["link", "del", PEER.device]);
}

function reasonOf(error: unknown): string {
  if (error instanceof ParleyError) return error.message;
  if (!(error instanceof SystemError)) throw error;
  return error.errno === EPERM
    ? "sending a peer's packet needs the capability CAP_NET_RAW"
    : error.message;
}

function macBytes(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(":", ""));
}

/** Another one each time, so that each probe is a connection of its own. */
function peerPort(): number {
  return 32768 + crypto.getRandomValues(new Uint16Array(1))[0]! % 28000;
}
