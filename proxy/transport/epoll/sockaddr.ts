/**
 * Socket addresses as the system writes them (ip(7), ipv6(7), unix(7)): the
 * family in the host's order, port and address in the network's.
 *
 * @module
 */
import {
  formatPrefix,
  hostPrefix,
  parseAddress,
} from "../../../policy/cidr.ts";
import type { Address, SocketAddress } from "../transport.ts";

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;

/** Room for any address (struct sockaddr_storage). */
export const SOCKADDR_BYTES = 128;
/** Bytes of a path, its terminating zero included (sun_path). */
const UNIX_PATH_BYTES = 108;

/** An address for `bind` and `connect`; nothing if it is a name that is to be resolved first, or too long a path. */
export function encodeAddress(address: Address): Uint8Array | undefined {
  if (address.transport === "unix") return encodeUnix(address.path);
  return encodeIp(address.hostname, address.port);
}

function encodeUnix(path: string): Uint8Array | undefined {
  const bytes = new TextEncoder().encode(path);
  if (bytes.length === 0 || bytes.length >= UNIX_PATH_BYTES) return undefined;
  const sockaddr = new Uint8Array(2 + bytes.length + 1);
  sockaddr[0] = AF_UNIX; // both architectures are little-endian
  sockaddr.set(bytes, 2);
  return sockaddr;
}

/** The address of an IP; nothing if `hostname` is none. */
export function encodeIp(
  hostname: string,
  port: number,
): Uint8Array | undefined {
  const ip = parseAddress(hostname);
  if (!ip) return undefined;
  const isV4 = ip.family === 4;
  const sockaddr = new Uint8Array(isV4 ? 16 : 28);
  sockaddr[0] = isV4 ? AF_INET : AF_INET6;
  sockaddr[2] = port >> 8;
  sockaddr[3] = port & 0xff;
  let bits = ip.bits;
  for (let at = isV4 ? 7 : 23; bits > 0n; at--) {
    sockaddr[at] = Number(bits & 0xffn);
    bits >>= 8n;
  }
  return sockaddr;
}

/** Reads what `accept` and `getsockname` fill in; nothing if it is no IP address. An IPv4 address that IPv6 carries is read as IPv4. */
export function decodeAddress(sockaddr: Uint8Array): SocketAddress | undefined {
  const family = sockaddr[0]! | sockaddr[1]! << 8;
  const port = sockaddr[2]! << 8 | sockaddr[3]!;
  if (family === AF_INET) {
    return { hostname: formatIpv4(sockaddr, 4), port };
  }
  if (family !== AF_INET6) return undefined;
  return { hostname: formatIpv6(sockaddr.subarray(8, 24)), port };
}

function formatIpv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

function formatIpv6(ip: Uint8Array): string {
  if (isMapped(ip)) return formatIpv4(ip, 12);
  const bits = ip.reduce((bits, byte) => bits << 8n | BigInt(byte), 0n);
  return formatPrefix(hostPrefix({ family: 6, bits }));
}

/** ::ffff:0:0/96 (RFC 4291, section 2.5.5.2). */
function isMapped(ip: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (ip[i] !== 0) return false;
  return ip[10] === 0xff && ip[11] === 0xff;
}
