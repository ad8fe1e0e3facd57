/**
 * The addresses of this network namespace (getifaddrs(3)), asked of the C
 * library: the runtime's own way needs one more permission.
 *
 * @module
 */
import { openLibc } from "../linux/libc.ts";
import { readSocketAddress, SOCKET_ADDRESS_BYTES } from "./socket_address.ts";

const SYMBOLS = {
  getifaddrs: { parameters: ["buffer"], result: "i32" },
  freeifaddrs: { parameters: ["pointer"], result: "void" },
} as const;

/** `struct ifaddrs` of 64-bit Linux, glibc and musl. */
const NEXT = 0;
const ADDRESS = 24;
const NETMASK = 32;
const AF_INET = 2;
const AF_INET6 = 10;

/** An address, and how long its network's prefix is. */
export interface Interface {
  readonly address: string;
  readonly prefix: number;
}

/** Every IP address of every interface. */
export function interfaces(): Interface[] {
  const { symbols, error } = openLibc(SYMBOLS);
  const head = new BigUint64Array(1);
  if (symbols.getifaddrs(head) !== 0) throw error("getifaddrs");
  const first = Deno.UnsafePointer.create(head[0]!);
  const found: Interface[] = [];
  for (let at = first; at !== null;) {
    const entry = new Deno.UnsafePointerView(at);
    const address = addressAt(entry.getPointer(ADDRESS));
    const mask = addressAt(entry.getPointer(NETMASK));
    if (address && mask) {
      found.push({ address: address.host, prefix: ones(mask.bytes) });
    }
    at = entry.getPointer(NEXT);
  }
  if (first !== null) symbols.freeifaddrs(first);
  return found;
}

/** A `struct sockaddr`; those of links are no IP addresses. */
function addressAt(
  pointer: Deno.PointerValue,
): { host: string; bytes: Uint8Array } | undefined {
  if (pointer === null) return undefined;
  const view = new Deno.UnsafePointerView(pointer);
  const family = view.getUint16();
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const bytes = new Uint8Array(
    SOCKET_ADDRESS_BYTES[family === AF_INET ? 4 : 6],
  );
  view.copyInto(bytes);
  const { family: version, host } = readSocketAddress(bytes);
  // Past family and port; of IPv6 also past the flow label and before the scope.
  const own = version === 4 ? bytes.subarray(4, 8) : bytes.subarray(8, 24);
  return { host, bytes: own };
}

function ones(mask: Uint8Array): number {
  const bits = [...mask].map((byte) => byte.toString(2)).join("");
  return bits.replaceAll("0", "").length;
}
