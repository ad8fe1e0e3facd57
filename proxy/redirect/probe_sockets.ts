/**
 * The sockets that the self-check probes with: those of the runtime know neither
 * original destinations nor other users' ids.
 *
 * @module
 */
import { EINPROGRESS, SystemError } from "../linux/errno.ts";
import { type Libc, openLibc, SIZE } from "../linux/libc.ts";
import {
  readSocketAddress,
  type SocketAddress,
  socketAddress,
} from "./socket_address.ts";

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  sendto: {
    parameters: ["i32", "buffer", SIZE, "i32", "buffer", "u32"],
    result: "i32",
  },
  poll: { parameters: ["buffer", SIZE, "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  setfsuid: { parameters: ["u32"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
} as const;

const DOMAIN = { 4: 2, 6: 10 } as const;
const AF_PACKET = 17;
const SOCK_STREAM = 1;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SOL_IPV6 = 41;
const IPV6_V6ONLY = 26;
/** `SO_ORIGINAL_DST` of linux/netfilter_ipv4.h, and its twin of netfilter_ipv6; the levels are those of the families. */
const ORIGINAL_DST = { level: { 4: 0, 6: SOL_IPV6 }, option: 80 } as const;
const POLLIN = 1;
const POLLOUT = 4;
/** A user id that cannot be: asking for it changes nothing and answers the one in force. */
const NO_UID = 0xffffffff;
const ADDRESS_BYTES = 28;

/** An open descriptor that is closed with its block. */
export interface ProbeSocket extends Disposable {
  readonly fd: number;
}

/** The few calls of the self-check. A failed one throws a `SystemError`. */
export class ProbeSockets {
  readonly #libc: Libc<typeof SYMBOLS> = openLibc(SYMBOLS);

  /** A listener that takes connections of one family only. */
  listen(address: SocketAddress): ProbeSocket {
    const socket = this.#socket(address.family);
    try {
      this.#switchOn(socket.fd, SOL_SOCKET, SO_REUSEADDR);
      if (address.family === 6) {
        this.#switchOn(socket.fd, SOL_IPV6, IPV6_V6ONLY);
      }
      const bytes = socketAddress(address);
      const { bind, listen } = this.#libc.symbols;
      this.#check("bind", bind(socket.fd, bytes, bytes.length));
      this.#check("listen", listen(socket.fd, 8));
      return socket;
    } catch (error) {
      socket[Symbol.dispose]();
      throw error;
    }
  }

  /** Begins a connection and waits for nothing. */
  dial(address: SocketAddress): ProbeSocket {
    const socket = this.#socket(address.family);
    const bytes = socketAddress(address);
    const { connect } = this.#libc.symbols;
    if (connect(socket.fd, bytes, bytes.length) === 0) return socket;
    const error = this.#libc.error("connect");
    if (error.errno === EINPROGRESS) return socket;
    socket[Symbol.dispose]();
    throw error;
  }

  /**
   * Begins a connection with another user's id, which is that of this thread
   * only while the socket is made: what `meta skuid` reads.
   *
   * Nothing when this process may not change its user id.
   */
  dialAs(uid: number, address: SocketAddress): ProbeSocket | undefined {
    const { setfsuid } = this.#libc.symbols;
    const before = setfsuid(uid);
    try {
      if (setfsuid(NO_UID) !== uid) return undefined;
      return this.dial(address);
    } finally {
      setfsuid(before);
    }
  }

  /** How a connection that was begun has ended: an error, or none; nothing if it has not yet. */
  outcome(
    socket: ProbeSocket,
    timeout: number,
  ): { readonly error?: SystemError } | undefined {
    if (!this.#poll(socket, POLLOUT, timeout)) return undefined;
    const value = new Int32Array(1);
    this.#option(socket.fd, SOL_SOCKET, SO_ERROR, value);
    const errno = value[0]!;
    if (errno === 0) return {};
    return {
      error: new SystemError("connect", errno, this.#libc.text(errno)),
    };
  }

  /** The next connection of a listener; nothing if none comes in time. */
  accept(listener: ProbeSocket, timeout: number): ProbeSocket | undefined {
    if (!this.#poll(listener, POLLIN, timeout)) return undefined;
    const { accept4 } = this.#libc.symbols;
    const fd = accept4(listener.fd, null, null, SOCK_CLOEXEC);
    return this.#own(this.#check("accept4", fd));
  }

  /** This end's address. */
  localAddress(socket: ProbeSocket): SocketAddress {
    const { getsockname } = this.#libc.symbols;
    return this.#address("getsockname", getsockname, socket);
  }

  /** The other end's address. */
  peerAddress(socket: ProbeSocket): SocketAddress {
    const { getpeername } = this.#libc.symbols;
    return this.#address("getpeername", getpeername, socket);
  }

  /** Where a redirected connection was going; nothing for one that is unknown to NAT. */
  originalDestination(
    socket: ProbeSocket,
    family: 4 | 6,
  ): SocketAddress | undefined {
    const bytes = new Uint8Array(ADDRESS_BYTES);
    try {
      this.#option(
        socket.fd,
        ORIGINAL_DST.level[family],
        ORIGINAL_DST.option,
        bytes,
      );
    } catch (error) {
      if (error instanceof SystemError) return undefined;
      throw error;
    }
    return readSocketAddress(bytes);
  }

  /** Sends a whole Ethernet frame out of an interface. */
  sendFrame(device: string, frame: Uint8Array<ArrayBuffer>): void {
    const { socket, sendto, if_nametoindex } = this.#libc.symbols;
    const name = new TextEncoder().encode(`${device}\0`);
    const index = this.#check("if_nametoindex", if_nametoindex(name) || -1);
    using packets = this.#own(
      this.#check("socket", socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)),
    );
    // struct sockaddr_ll; the frame itself has protocol and addresses.
    const to = new Uint8Array(20);
    const view = new DataView(to.buffer);
    view.setUint16(0, AF_PACKET, true);
    view.setInt32(4, index, true);
    const sent = sendto(packets.fd, frame, frame.length, 0, to, to.length);
    this.#check("sendto", sent);
  }

  #socket(family: 4 | 6): ProbeSocket {
    const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const fd = this.#libc.symbols.socket(DOMAIN[family], type, 0);
    return this.#own(this.#check("socket", fd));
  }

  #own(fd: number): ProbeSocket {
    const { close } = this.#libc.symbols;
    return { fd, [Symbol.dispose]: () => void close(fd) };
  }

  #check(call: string, result: number): number {
    if (result >= 0) return result;
    throw this.#libc.error(call);
  }

  #address(
    call: string,
    get: (fd: number, address: BufferSource, length: BufferSource) => number,
    { fd }: ProbeSocket,
  ): SocketAddress {
    const bytes = new Uint8Array(ADDRESS_BYTES);
    this.#check(call, get(fd, bytes, new Uint32Array([ADDRESS_BYTES])));
    return readSocketAddress(bytes);
  }

  #option(
    fd: number,
    level: number,
    option: number,
    value: Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer>,
  ): void {
    const { getsockopt } = this.#libc.symbols;
    const length = new Uint32Array([value.byteLength]);
    const result = getsockopt(fd, level, option, value, length);
    this.#check("getsockopt", result);
  }

  #switchOn(fd: number, level: number, option: number): void {
    const { setsockopt } = this.#libc.symbols;
    const one = new Int32Array([1]);
    this.#check("setsockopt", setsockopt(fd, level, option, one, 4));
  }

  /** Whether something happened within so many milliseconds. */
  #poll({ fd }: ProbeSocket, events: number, timeout: number): boolean {
    const pollfd = new Uint8Array(8);
    const view = new DataView(pollfd.buffer);
    view.setInt32(0, fd, true);
    view.setInt16(4, events, true);
    return this.#check(
      "poll",
      this.#libc.symbols.poll(pollfd, 1, timeout),
    ) > 0;
  }
}
