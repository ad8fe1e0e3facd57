/**
 * What the supervisor asks of the kernel for its children: sockets to speak to
 * them, and one thread that waits at all of these.
 *
 * @module
 */
import { CHANNEL_SYMBOLS, type ChannelLibc } from "../linux/channel.ts";
import { openLibc } from "../linux/libc.ts";
import { Readiness } from "../linux/readiness.ts";

/** One for all children; it is a capability as the library in it. */
export class Kernel implements Disposable {
  readonly libc: ChannelLibc = openLibc(CHANNEL_SYMBOLS);
  readonly readiness = new Readiness();

  /** No child may live. */
  [Symbol.dispose](): void {
    this.readiness.close();
    this.libc.close();
  }
}
