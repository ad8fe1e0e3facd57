/**
 * The process that speaks DNS, as the supervisor sees it.
 *
 * @module
 */
import type { DnsConfig } from "../config/mod.ts";
import type { DnsStart, FromDns, ToDns } from "../control/dns_messages.ts";
import { Child, type Ended } from "./child.ts";
import type { Kernel } from "./kernel.ts";
import { DNS } from "./programs.ts";

/** One that carries nothing out for so long hangs. */
const SYNC_MS = 5000;
/** It holds no connection: what it keeps are queries under way, and the policy. */
const HEAP_MB = 128;

/** What it is started with. */
export interface DnsProcessOptions {
  readonly kernel: Kernel;
  /** The `deno.json` of the program. */
  readonly program: string;
  readonly dns: DnsConfig;
  warn(message: string): void;
  take(message: FromDns): void;
}

/** A running process. */
export class DnsProcess {
  readonly #child: Child<ToDns, FromDns>;
  readonly #options: DnsProcessOptions;
  readonly #synced = new Map<number, () => void>();
  #lastSync = 0;

  constructor(options: DnsProcessOptions) {
    const { kernel, program, dns } = options;
    const start: DnsStart = dns;
    this.#options = options;
    this.#child = new Child(kernel, {
      entry: DNS,
      args: [JSON.stringify(start)],
      heapMb: HEAP_MB,
      read: [],
      connect: [...new Set(dns.resolvers.map(({ port }) => port))],
      bind: dns.listen ? [dns.listen.port] : [],
      config: program,
      // Clients may have any address, and replies go to them.
      permissions: ["--allow-ffi", "--allow-net"],
    }, (message: FromDns) => {
      if (message.type === "synced") this.#synced.get(message.id)?.();
      else options.take(message);
    });
  }

  get ended(): Promise<Ended> {
    return this.#child.ended;
  }

  async send(order: ToDns, descriptor?: number): Promise<void> {
    await this.#child.send(order, descriptor);
  }

  /** Resolves when the order is carried out, or the process is gone. One that does not follow in time is killed. */
  async tell(order: ToDns): Promise<void> {
    const id = ++this.#lastSync;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#synced.set(id, resolve);
    void this.send(order);
    void this.send({ type: "sync", id });
    using _overdue = this.#child.expect(SYNC_MS, (standing) => {
      this.#options.warn(
        `the process for DNS did not follow within ${standing} ms and is killed`,
      );
      this.kill();
    });
    await Promise.race([promise, this.#child.ended]);
    this.#synced.delete(id);
  }

  kill(): void {
    this.#child.kill();
  }
}
