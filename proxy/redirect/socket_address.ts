/**
 * Addresses as the system's calls take them (`struct sockaddr_in` and
 * `sockaddr_in6` of Linux), and as people write them.
 *
 * @module
 */
import { formatPrefix, hostPrefix, parseAddress } from "../../policy/cidr.ts";

/** An IP address, without brackets, and a port. */
export interface SocketAddress {
  readonly family: 4 | 6;
  readonly host: string;
  readonly port: number;
}

const AF = { 4: 2, 6: 10 } as const;
/** Where the address begins, and how long it and the whole are. */
const LAYOUT = {
  4: { at: 4, length: 4, total: 16 },
  6: { at: 8, length: 16, total: 28 },
} as const;

/** How long the whole is. */
export const SOCKET_ADDRESS_BYTES = {
  4: LAYOUT[4].total,
  6: LAYOUT[6].total,
} as const;

/** The bytes of an IP address, in network order. */
export function addressBytes(
  family: 4 | 6,
  host: string,
): Uint8Array<ArrayBuffer> {
  const address = parseAddress(host);
  if (address?.family !== family) {
    throw new TypeError(`${host} is no IPv${family} address`);
  }
  const digits = LAYOUT[family].length * 2;
  return Uint8Array.fromHex(address.bits.toString(16).padStart(digits, "0"));
}

/** The address for `bind` and `connect`. */
export function socketAddress(
  { family, host, port }: SocketAddress,
): Uint8Array<ArrayBuffer> {
  const { at, total } = LAYOUT[family];
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF[family], true);
  view.setUint16(2, port);
  bytes.set(addressBytes(family, host), at);
  return bytes;
}

/** What a call wrote. */
export function readSocketAddress(
  bytes: Uint8Array<ArrayBuffer>,
): SocketAddress {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const family = view.getUint16(0, true) === AF[6] ? 6 : 4;
  const { at, length } = LAYOUT[family];
  const address = bytes.subarray(at, at + length);
  const host = family === 4 ? address.join(".") : formatV6(address);
  return { family, host, port: view.getUint16(2) };
}

/** The short form of RFC 5952. */
export function formatV6(bytes: Uint8Array): string {
  const bits = BigInt(`0x${bytes.toHex()}`);
  return formatPrefix(hostPrefix({ family: 6, bits }));
}

/** `192.0.2.1:80`, `[::1]:80`. */
export function formatSocketAddress(
  { family, host, port }: SocketAddress,
): string {
  return family === 4 ? `${host}:${port}` : `[${host}]:${port}`;
}
