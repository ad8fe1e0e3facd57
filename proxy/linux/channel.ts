/**
 * A pair of connected Unix sockets, over which bytes and descriptors pass
 * between processes (unix(7), sendmsg(2), cmsg(3)).
 *
 * @module
 */
import { EAGAIN, EINTR } from "./errno.ts";
import { type Libc, SIZE } from "./libc.ts";

/** What a channel calls. */
export const CHANNEL_SYMBOLS = {
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  // Counts fit 32 bits here, as the buffers do; wider results would be bigints.
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  sendmsg_beside: {
    name: "sendmsg",
    parameters: ["i32", "buffer", "i32"],
    result: "i32",
    nonblocking: true,
  },
  recvmsg_beside: {
    name: "recvmsg",
    parameters: ["i32", "buffer", "i32"],
    result: "i32",
    nonblocking: true,
  },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", SIZE], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The opened library of a channel. */
export type ChannelLibc = Libc<typeof CHANNEL_SYMBOLS>;

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;
const F_SETFD = 2;
const F_DUPFD_CLOEXEC = 1030;
const SHUT_RDWR = 2;

/** Two connected sockets: one to keep, one for a child, which inherits it. */
export function openPair(
  libc: ChannelLibc,
): { readonly own: number; readonly child: number } {
  const pair = new Int32Array(2);
  const type = SOCK_STREAM | SOCK_CLOEXEC;
  if (libc.symbols.socketpair(AF_UNIX, type, 0, pair) < 0) {
    throw libc.error("socketpair");
  }
  libc.symbols.fcntl(pair[1]!, F_SETFD, 0);
  return { own: pair[0]!, child: pair[1]! };
}

/** Another number for the same open file, closed in children; -1 when there are no more. */
export function duplicate(libc: ChannelLibc, descriptor: number): number {
  return libc.symbols.fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
}

/**
 * struct msghdr with one buffer and room for one descriptor, laid out as on any
 * 64-bit Linux. It holds pointers, so it is made once, while foreign functions
 * are still allowed; the buffers stay where they are.
 */
class Message {
  static readonly BYTES = 64 * 1024;
  readonly header = new ArrayBuffer(56);
  readonly #vector = new ArrayBuffer(16);
  readonly #control = new ArrayBuffer(24);
  readonly bytes = new Uint8Array(new ArrayBuffer(Message.BYTES));

  constructor() {
    const header = new BigUint64Array(this.header);
    header[2] = address(this.#vector);
    header[3] = 1n;
    header[4] = address(this.#control);
    new BigUint64Array(this.#vector)[0] = address(this.bytes.buffer);
  }

  /** Says how many bytes are sent or may be read, and which descriptor goes with them. */
  prepare(bytes: number, descriptor: number | undefined): void {
    new BigUint64Array(this.#vector)[1] = BigInt(bytes);
    const control = new Int32Array(this.#control);
    control.set([20, 0, SOL_SOCKET, SCM_RIGHTS, descriptor ?? -1, 0]);
    const length = new BigUint64Array(this.header);
    length[5] = descriptor === undefined ? 0n : 24n;
  }

  /** Room for a descriptor that may come. */
  prepareToReceive(): void {
    this.prepare(Message.BYTES, -1);
  }

  /** The descriptor that came with what was read. */
  get descriptor(): number | undefined {
    const length = Number(new BigUint64Array(this.header)[5]);
    const control = new Int32Array(this.#control);
    const isOne = length >= 20 && control[2] === SOL_SOCKET &&
      control[3] === SCM_RIGHTS;
    return isOne ? control[4]! : undefined;
  }
}

function address(buffer: ArrayBuffer): bigint {
  return BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer)));
}

/** What was read: bytes that are valid until the next read, and the descriptor that came with them. Nothing: the peer is gone. */
export interface Received {
  readonly bytes: Uint8Array;
  readonly descriptor: number | undefined;
}

/** One end. It is made before foreign functions are revoked and works on afterwards. */
export class Channel {
  fd: number;
  readonly #libc: ChannelLibc;
  readonly #in = new Message();
  readonly #out = new Message();

  /** @param fd -1 for one that comes later, when no channel can be made any more */
  constructor(libc: ChannelLibc, fd: number) {
    this.#libc = libc;
    this.fd = fd;
  }

  /** How many bytes the system took, at once, of the front of `bytes`, and `descriptor` with the first of them; 0 if there is no room now. @throws {SystemError} */
  send(bytes: Uint8Array, descriptor?: number): number {
    this.#fill(bytes, descriptor);
    const sent = this.#libc.symbols.sendmsg(
      this.fd,
      this.#out.header,
      MSG_NOSIGNAL | MSG_DONTWAIT,
    );
    if (sent >= 0) return sent;
    if (this.#libc.errno() === EAGAIN) return 0;
    throw this.#libc.error("sendmsg");
  }

  /** Sends all, in a thread of its own while the peer does not read; `descriptor` goes with the first byte. False: the peer is gone. */
  async sendBeside(bytes: Uint8Array, descriptor?: number): Promise<boolean> {
    let passed = descriptor;
    for (let at = 0; at < bytes.length;) {
      this.#fill(bytes.subarray(at), passed);
      const sent = await this.#libc.symbols.sendmsg_beside(
        this.fd,
        this.#out.header,
        MSG_NOSIGNAL,
      );
      if (sent < 0) return false; // its errno is in another thread; the peer's death is told by the reader
      passed = undefined;
      at += sent;
    }
    return true;
  }

  /** Reads what is there; `wait`: blocks until something is. Nothing: the peer is gone, or (without `wait`) there is nothing yet. */
  receive(wait: boolean): Received | "nothing-yet" | undefined {
    for (;;) {
      this.#in.prepareToReceive();
      const count = this.#libc.symbols.recvmsg(
        this.fd,
        this.#in.header,
        MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT),
      );
      if (count >= 0) return this.#received(count);
      const errno = this.#libc.errno();
      if (errno === EAGAIN) return "nothing-yet";
      if (errno !== EINTR) return undefined; // reset: the peer is gone
    }
  }

  /** Reads in a thread of its own. Nothing: the peer is gone. */
  async receiveBeside(): Promise<Received | undefined> {
    this.#in.prepareToReceive();
    const count = await this.#libc.symbols.recvmsg_beside(
      this.fd,
      this.#in.header,
      MSG_CMSG_CLOEXEC,
    );
    return this.#received(Math.max(0, count));
  }

  /** Ends what waits in `receiveBeside` and `sendBeside`, on both ends. */
  shut(): void {
    this.#libc.symbols.shutdown(this.fd, SHUT_RDWR);
  }

  close(): void {
    this.#libc.symbols.close(this.fd);
  }

  #received(count: number): Received | undefined {
    if (count === 0) return undefined;
    return {
      bytes: this.#in.bytes.subarray(0, count),
      descriptor: this.#in.descriptor,
    };
  }

  #fill(bytes: Uint8Array, descriptor: number | undefined): void {
    const part = bytes.subarray(0, Message.BYTES);
    this.#out.bytes.set(part);
    this.#out.prepare(part.length, descriptor);
  }
}
