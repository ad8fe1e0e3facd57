/**
 * A listener of the admin API of a running sidecar.
 *
 * It is seldom spoken to, so that what speaks is loaded when somebody does. A
 * client may take its time within a bound, and only so many are served at a
 * time: the others wait in the kernel's queue, and those that have not said yet
 * what they want make way for them. Readers of streams are counted apart.
 *
 * @module
 */
import type { Administered } from "../proxy/administered.ts";
import type { Exchange, Server } from "./exchange.ts";
import { defaultPath, listenAt, thisUser } from "./socket.ts";

/** Connections at a time. */
const SERVED_MAX = 32;
/** A client that is served keeps its place for so long at least. */
const GRACE_MS = 100;
/** Readers of streams at a time. */
const STREAMS_MAX = 128;
/** When a connection could not be accepted, the next try is so much later. */
const RETRY_MS = 100;

/** An open connection. */
interface Served {
  readonly exchange: Exchange;
  /** By the clock of `performance`. */
  readonly since: number;
  readonly ended: Promise<void>;
}

/** Where clients come in. */
export interface Entrance {
  readonly listener: Deno.Listener;
  /** As the operator's log has it. */
  readonly name: string;
  /** See {@linkcode Server.admit}. */
  readonly admit: Server["admit"];
  /** What is to be done when nobody comes in any more. */
  closed(): Promise<void>;
}

/** The Unix socket, at a path or at one of this process's own. @throws {Error} when it cannot be had */
export async function listenUnix(path: string | undefined): Promise<Entrance> {
  const at = path ?? await defaultPath(thisUser(), Deno.pid);
  return {
    listener: await listenAt(at),
    name: at,
    admit: () => Promise.resolve(), // its mode lets in who may
    closed: () => Deno.remove(at).catch(() => {}),
  };
}

/** Serves those that come in at one entrance. */
export class AdminServer implements AsyncDisposable {
  readonly #entrance: Entrance;
  readonly #sidecar: Administered;
  /** The oldest first. */
  readonly #served = new Map<Deno.Conn, Served>();
  readonly #streams = new Set<Exchange>();
  readonly #accepting: Promise<void>;
  /** Resolves when a place becomes free. */
  #freed = Promise.withResolvers<void>();
  /** Loaded when somebody comes: to look a module up again would cost as much as to answer. */
  #speaker: ((conn: Deno.Conn) => Exchange) | undefined;
  #isClosed = false;

  constructor(entrance: Entrance, sidecar: Administered) {
    this.#entrance = entrance;
    this.#sidecar = sidecar;
    this.#accepting = this.#accept();
  }

  async #accept(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#serve(await this.#entrance.listener.accept());
      } catch {
        if (this.#isClosed) return;
        // There is no descriptor for a connection now, or for a module.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
      await this.#makeRoom();
    }
  }

  /** Whoever came last is served at once; nobody more until there is a place. */
  async #makeRoom(): Promise<void> {
    while (this.#served.size - this.#streams.size > SERVED_MAX) {
      const oldest = this.#oldestReceiving();
      const left = oldest && oldest.since + GRACE_MS - performance.now();
      if (left !== undefined && left <= 0) oldest!.exchange.makeWay();
      await this.#untilFreed(left);
    }
  }

  #oldestReceiving(): Served | undefined {
    for (const served of this.#served.values()) {
      if (served.exchange.isReceiving) return served;
    }
  }

  /** Resolves when a place becomes free, or after `ms`, if they are more than none. */
  async #untilFreed(ms = 0): Promise<void> {
    const freed = Promise.withResolvers<void>();
    const timer = ms > 0 ? setTimeout(freed.resolve, ms) : undefined;
    await Promise.race([this.#freed.promise, freed.promise]);
    clearTimeout(timer);
  }

  /** What speaks is loaded first: whoever is served has an exchange. */
  async #serve(conn: Deno.Conn): Promise<void> {
    try {
      this.#speaker ??= await this.#loadSpeaker();
    } catch (error) {
      close(conn);
      throw error;
    }
    const exchange = this.#speaker(conn);
    const ended = exchange.run().finally(() => {
      close(conn);
      this.#streams.delete(exchange);
      this.#served.delete(conn);
      this.#free();
    });
    this.#served.set(conn, { exchange, since: performance.now(), ended });
  }

  async #loadSpeaker(): Promise<(conn: Deno.Conn) => Exchange> {
    const [{ Exchange }, { createFront }] = await Promise.all([
      import("./exchange.ts"),
      import("./front.ts"),
    ]);
    const server: Server = {
      handle: createFront(this.#sidecar),
      admit: this.#entrance.admit,
      startStream: (exchange) => this.#startStream(exchange),
    };
    return (conn) => new Exchange(conn, server);
  }

  #startStream(exchange: Exchange): boolean {
    if (this.#streams.size >= STREAMS_MAX) return false;
    this.#streams.add(exchange);
    this.#free();
    return true;
  }

  #free(): void {
    this.#freed.resolve();
    this.#freed = Promise.withResolvers();
  }

  async #endAll(): Promise<void> {
    const ended = [...this.#served.values()].map(({ ended }) => ended);
    for (const conn of this.#served.keys()) close(conn);
    await Promise.all(ended);
  }

  /** Answers nobody any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    close(this.#entrance.listener);
    await this.#endAll();
    await this.#accepting;
    await this.#endAll(); // whoever was accepted meanwhile
    await this.#entrance.closed();
  }
}

function close(resource: { close(): void }): void {
  try {
    resource.close();
  } catch { /* it is closed */ }
}
