/**
 * Non-blocking sockets through the C library (socket(7), tcp(7), ip(7)).
 *
 * @module
 */
import { ParleyError } from "../../../proxylib/error.ts";
import type { Transparent } from "../../config/mod.ts";
import {
  EACCES,
  EAFNOSUPPORT,
  EINPROGRESS,
  EMFILE,
  ENFILE,
  ENOENT,
  EPERM,
  SystemError,
} from "../../linux/errno.ts";
import { type Libc, openLibc, SIZE } from "../../linux/libc.ts";
import {
  type Address,
  formatAddress,
  type SocketAddress,
} from "../transport.ts";
import {
  AF_INET6,
  AF_UNIX,
  decodeAddress,
  encodeAddress,
  encodeIp,
  SOCKADDR_BYTES,
} from "./sockaddr.ts";

const SOCKET_SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // Counts fit 32 bits here, as the buffers do; wider results would be bigints.
  recv: { parameters: ["i32", "buffer", SIZE, "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", SIZE, "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  ioctl: { parameters: ["i32", SIZE, "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

// The numbers of Linux, the same on x86-64 and arm64.
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_KEEPALIVE = 9;
const SO_LINGER = 13;
const IPPROTO_IP = 0;
const IP_TRANSPARENT = 19;
const SO_ORIGINAL_DST = 80;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_USER_TIMEOUT = 18;
const IPPROTO_IPV6 = 41;
const IPV6_TRANSPARENT = 75;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;
const TIOCOUTQ = 0x5411;

/** What waits to be accepted; the system lowers it to net.core.somaxconn. */
const BACKLOG = 4096;
/** A peer that acknowledges nothing for so long is gone. */
const USER_TIMEOUT_MS = 60_000;
/** A silent peer is asked after so long, so often, before it counts as gone. */
const KEEPALIVE = { idle: 60, interval: 15, count: 4 }; // seconds, seconds, times

/** The sockets of one process. */
export class Sockets {
  readonly #libc: Libc<typeof SOCKET_SYMBOLS>;
  readonly #symbols: Libc<typeof SOCKET_SYMBOLS>["symbols"];
  readonly #sockaddr = new Uint8Array(new ArrayBuffer(SOCKADDR_BYTES));
  readonly #int = new Int32Array(new ArrayBuffer(8));
  readonly #length = new Int32Array(new ArrayBuffer(4));

  constructor(libc: Libc<typeof SOCKET_SYMBOLS>) {
    this.#libc = libc;
    this.#symbols = libc.symbols;
  }

  /** @throws {ParleyError} without a C library or the permission to use it */
  static open(): Sockets {
    return new Sockets(openLibc(SOCKET_SYMBOLS));
  }

  /** Closes the library, no socket. */
  [Symbol.dispose](): void {
    this.#libc.close();
  }

  /** What the last call that failed left. */
  get errno(): number {
    return this.#libc.errno();
  }

  error(call: string): SystemError {
    return this.#libc.error(call);
  }

  text(errno: number): string {
    return `${this.#libc.text(errno)} (os error ${errno})`;
  }

  /**
   * A listening socket. What is set on it is inherited by what it accepts.
   *
   * @throws {ParleyError} when the address cannot be bound
   */
  listen(address: Address, transparent?: Transparent): number {
    const sockaddr = address.transport === "tcp"
      ? encodeIp(address.hostname, address.port)
      : undefined;
    if (!sockaddr) {
      throw cannotListen(
        address,
        "it is no IP address",
        "give the IP address and port of an interface of this machine",
      );
    }
    const family = sockaddr[0]!;
    const fd = this.#symbols.socket(
      family,
      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
      0,
    );
    if (fd < 0) throw explained(address, this.error("socket"));
    try {
      this.#set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
      this.#tune(fd);
      if (transparent === "tproxy") this.#beTransparent(fd, family);
      if (this.#symbols.bind(fd, sockaddr, sockaddr.length) < 0) {
        throw this.error("bind");
      }
      if (this.#symbols.listen(fd, BACKLOG) < 0) throw this.error("listen");
      return fd;
    } catch (error) {
      this.close(fd);
      throw explained(address, error as SystemError);
    }
  }

  /** Takes a connection from a listen queue: its descriptor, or -1. */
  accept(listener: number): number {
    this.#length[0] = SOCKADDR_BYTES;
    return this.#symbols.accept4(
      listener,
      this.#sockaddr,
      this.#length,
      SOCK_NONBLOCK | SOCK_CLOEXEC,
    );
  }

  /** The peer of the connection that `accept` took last. */
  acceptedPeer(): SocketAddress {
    return decodeAddress(this.#sockaddr)!;
  }

  /** The address that a socket is bound to. */
  localAddress(fd: number): SocketAddress | undefined {
    this.#length[0] = SOCKADDR_BYTES;
    const failed =
      this.#symbols.getsockname(fd, this.#sockaddr, this.#length) < 0;
    return failed ? undefined : decodeAddress(this.#sockaddr);
  }

  /** Where a redirected connection was meant to go; nothing if the system knows of no redirection. */
  originalDestination(fd: number): SocketAddress | undefined {
    for (const level of [IPPROTO_IP, IPPROTO_IPV6]) {
      this.#length[0] = SOCKADDR_BYTES;
      const found = this.#symbols.getsockopt(
        fd,
        level,
        SO_ORIGINAL_DST,
        this.#sockaddr,
        this.#length,
      ) === 0;
      if (found) return decodeAddress(this.#sockaddr);
    }
    return undefined;
  }

  /**
   * Begins to connect. `from`: the source address to take, which need not be
   * this machine's own (IP_TRANSPARENT).
   *
   * @returns a descriptor; the connection is there when it can be written to
   * @throws {SystemError} when it fails at once
   */
  connect(address: Address, from?: SocketAddress): number {
    const sockaddr = encodeAddress(address);
    if (!sockaddr) {
      throw new SystemError(
        "connect",
        ENOENT,
        "it is neither an IP address nor a path of at most 107 bytes",
      );
    }
    const family = sockaddr[0]!;
    const fd = this.#symbols.socket(
      family,
      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
      0,
    );
    if (fd < 0) throw this.error("socket");
    try {
      if (family !== AF_UNIX) this.#tune(fd);
      if (from) this.#bindTo(fd, family, from);
      const failed = this.#symbols.connect(fd, sockaddr, sockaddr.length) < 0;
      if (failed && this.errno !== EINPROGRESS) throw this.error("connect");
      return fd;
    } catch (error) {
      this.close(fd);
      throw error;
    }
  }

  /** The error that a socket has pending, which is cleared; 0: none. */
  pendingError(fd: number): number {
    this.#length[0] = 4;
    this.#symbols.getsockopt(fd, SOL_SOCKET, SO_ERROR, this.#int, this.#length);
    return this.#int[0]!;
  }

  /** Bytes read, 0 at the end of the stream, -1 for an error. */
  recv(fd: number, into: Uint8Array<ArrayBuffer>): number {
    return this.#symbols.recv(fd, into, into.length, 0);
  }

  /** Bytes that the system took, or -1. */
  send(fd: number, bytes: Uint8Array): number {
    return this.#symbols.send(
      fd,
      bytes as Uint8Array<ArrayBuffer>,
      bytes.length,
      MSG_NOSIGNAL,
    );
  }

  /** Sends no more. */
  shutdownWrite(fd: number): boolean {
    return this.#symbols.shutdown(fd, SHUT_WR) === 0;
  }

  /** Bytes that were sent and not acknowledged yet. */
  unacknowledged(fd: number): number {
    this.#int[0] = 0;
    this.#symbols.ioctl(fd, TIOCOUTQ, this.#int);
    return this.#int[0]!;
  }

  /** Lets the next `close` reset the connection: the peer shall not take it for a proper end. */
  resetOnClose(fd: number): void {
    this.#int[0] = 1; // on
    this.#int[1] = 0; // seconds
    this.#symbols.setsockopt(fd, SOL_SOCKET, SO_LINGER, this.#int, 8);
  }

  close(fd: number): void {
    this.#symbols.close(fd);
  }

  /** Small requests must not wait for an acknowledgement; a dead peer must be noticed. */
  #tune(fd: number): void {
    this.#set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    this.#set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    this.#set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE.idle);
    this.#set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE.interval);
    this.#set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE.count);
    this.#set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
  }

  #bindTo(fd: number, family: number, from: SocketAddress): void {
    this.#beTransparent(fd, family);
    this.#set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    const sockaddr = encodeIp(from.hostname, from.port)!;
    if (this.#symbols.bind(fd, sockaddr, sockaddr.length) < 0) {
      throw this.error("bind");
    }
  }

  #beTransparent(fd: number, family: number): void {
    const done = family === AF_INET6
      ? this.#set(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
      : this.#set(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
    if (!done) throw this.error("setsockopt(IP_TRANSPARENT)");
  }

  #set(fd: number, level: number, option: number, value: number): boolean {
    this.#int[0] = value;
    return this.#symbols.setsockopt(fd, level, option, this.#int, 4) === 0;
  }
}

function explained(address: Address, error: SystemError): ParleyError {
  return cannotListen(address, error.message, mendOf(error), error);
}

function mendOf({ errno, call }: SystemError): string {
  if (errno === EPERM || errno === EACCES) {
    return call.includes("IP_TRANSPARENT")
      ? "give the process CAP_NET_ADMIN: transparent: tproxy cannot do without"
      : "choose a port of 1024 or more, or give the process CAP_NET_BIND_SERVICE";
  }
  if (errno === EMFILE || errno === ENFILE) {
    return "raise the open-file limit (ulimit -n)";
  }
  if (errno === EAFNOSUPPORT) {
    return "this machine has no such address family; choose an IPv4 address";
  }
  return "choose an address of this machine whose port is free";
}

function cannotListen(
  address: Address,
  found: string,
  mend: string,
  cause?: unknown,
): ParleyError {
  return new ParleyError("Cannot listen", {
    blame: "operator",
    where: formatAddress(address),
    found,
    mend,
  }, { cause });
}
