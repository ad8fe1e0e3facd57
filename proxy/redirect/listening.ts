/**
 * Which sockets listen in this network namespace (`/proc/net/tcp`, as
 * Documentation/networking/proc_net_tcp.rst of Linux describes it).
 *
 * @module
 */
import type { Proc } from "./proc.ts";
import { formatV6 } from "./socket_address.ts";

/** A socket that takes connections. */
export interface Listening {
  /** As people write it: `0.0.0.0`, `127.0.0.1`, `[::]`. */
  readonly address: string;
  readonly port: number;
  /** Whether only this machine reaches it. */
  readonly isLoopback: boolean;
  /** By it the process is found. */
  readonly inode: string;
}

const LISTEN = "0A";

/** Every listening TCP socket, IPv4 and IPv6. */
export function listening(proc: Proc): Listening[] {
  return ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((path) => parseListening(proc.text(path) ?? ""));
}

/** The listening sockets of one of the two files. */
export function parseListening(text: string): Listening[] {
  return text.split("\n").slice(1).flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    const [hex, port] = local?.split(":") ?? [];
    if (state !== LISTEN || !hex || !port || !inode) return [];
    const bytes = addressBytes(hex);
    return [{
      address: formatAddress(bytes),
      port: parseInt(port, 16),
      isLoopback: isLoopback(bytes),
      inode,
    }];
  });
}

/** The address is written in words of the machine's byte order: little-endian on x86-64 and arm64. */
function addressBytes(hex: string): Uint8Array {
  const bytes = Uint8Array.fromHex(hex);
  for (let word = 0; word < bytes.length; word += 4) {
    bytes.subarray(word, word + 4).reverse();
  }
  return bytes;
}

const MAPPED = "0".repeat(20) + "ffff";

function isLoopback(bytes: Uint8Array): boolean {
  const hex = bytes.toHex();
  if (bytes.length === 4) return hex.startsWith("7f");
  return hex === "1".padStart(32, "0") || hex.startsWith(`${MAPPED}7f`);
}

function formatAddress(bytes: Uint8Array): string {
  const hex = bytes.toHex();
  if (bytes.length === 4) return bytes.join(".");
  if (hex.startsWith(MAPPED)) return bytes.subarray(12).join(".");
  return `[${formatV6(bytes)}]`;
}
