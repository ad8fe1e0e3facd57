/**
 * An opening TCP segment as it stands on an Ethernet wire (IEEE 802.3, RFC 791,
 * RFC 8200, RFC 9293): what a peer that does not exist would send.
 *
 * @module
 */
import { addressBytes, type SocketAddress } from "./socket_address.ts";

/** Both ends of a wire. */
export interface Wire {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

const ETHERTYPE = { 4: 0x0800, 6: 0x86dd } as const;
const ETHERNET_BYTES = 14;
const TCP_BYTES = 20;
const TCP = 6;
const SYN = 0x02;
const HOPS = 64;

/** A SYN from one address to another of the same family. */
export function synFrame(
  wire: Wire,
  source: SocketAddress,
  destination: SocketAddress,
): Uint8Array<ArrayBuffer> {
  const { family } = source;
  const from = addressBytes(family, source.host);
  const to = addressBytes(family, destination.host);
  const header = family === 4 ? ipv4Header(from, to) : ipv6Header(from, to);
  const segment = tcpSegment(source.port, destination.port);
  // The pseudo-header sums alike for both families: addresses, protocol, length.
  const pseudo = new Uint8Array([...from, ...to, 0, TCP, 0, TCP_BYTES]);
  const sum = checksum(new Uint8Array([...pseudo, ...segment]));
  new DataView(segment.buffer).setUint16(16, sum);

  const frame = new Uint8Array(ETHERNET_BYTES + header.length + TCP_BYTES);
  frame.set(wire.to, 0);
  frame.set(wire.from, 6);
  new DataView(frame.buffer).setUint16(12, ETHERTYPE[family]);
  frame.set(header, ETHERNET_BYTES);
  frame.set(segment, ETHERNET_BYTES + header.length);
  return frame;
}

/** The Internet checksum (RFC 1071) of an even number of bytes. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += bytes[at]! * 256 + bytes[at + 1]!;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function ipv4Header(from: Uint8Array, to: Uint8Array): Uint8Array {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  view.setUint8(0, 0x45); // version 4, five words
  view.setUint16(2, header.length + TCP_BYTES);
  view.setUint8(8, HOPS);
  view.setUint8(9, TCP);
  header.set(from, 12);
  header.set(to, 16);
  view.setUint16(10, checksum(header));
  return header;
}

function ipv6Header(from: Uint8Array, to: Uint8Array): Uint8Array {
  const header = new Uint8Array(40);
  const view = new DataView(header.buffer);
  view.setUint8(0, 0x60); // version 6
  view.setUint16(4, TCP_BYTES);
  view.setUint8(6, TCP);
  view.setUint8(7, HOPS);
  header.set(from, 8);
  header.set(to, 24);
  return header;
}

function tcpSegment(
  source: number,
  destination: number,
): Uint8Array<ArrayBuffer> {
  const segment = new Uint8Array(TCP_BYTES);
  const view = new DataView(segment.buffer);
  view.setUint16(0, source);
  view.setUint16(2, destination);
  view.setUint32(4, crypto.getRandomValues(new Uint32Array(1))[0]!);
  view.setUint8(12, 0x50); // five words
  view.setUint8(13, SYN);
  view.setUint16(14, 0xffff);
  return segment;
}
