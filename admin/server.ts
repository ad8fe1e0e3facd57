/**
 * The admin socket of a running sidecar.
 *
 * It is seldom spoken to, so that what speaks is loaded when somebody does. A
 * client may take its time within a bound, and only so many are served at a
 * time: the others wait in the kernel's queue.
 *
 * @module
 */
import type { Administered } from "../proxy/administered.ts";
import { defaultPath, listenAt, thisUser } from "./socket.ts";

/** Connections at a time. */
const SERVED_MAX = 32;
/** When a connection could not be accepted, the next try is so much later. */
const RETRY_MS = 100;

/** An open socket. */
export class AdminSocket implements AsyncDisposable {
  readonly path: string;
  readonly #listener: Deno.UnixListener;
  readonly #sidecar: Administered;
  /** Connections, and the end of each. */
  readonly #served = new Map<Deno.Conn, Promise<void>>();
  readonly #accepting: Promise<void>;
  #isClosed = false;

  private constructor(
    path: string,
    listener: Deno.UnixListener,
    sidecar: Administered,
  ) {
    this.path = path;
    this.#listener = listener;
    this.#sidecar = sidecar;
    this.#accepting = this.#accept();
  }

  /**
   * Listens at a path, or at one of this process's own.
   *
   * @throws {Error} when it cannot
   */
  static async open(
    path: string | undefined,
    sidecar: Administered,
  ): Promise<AdminSocket> {
    const at = path ?? await defaultPath(thisUser(), Deno.pid);
    return new AdminSocket(at, await listenAt(at), sidecar);
  }

  async #accept(): Promise<void> {
    while (!this.#isClosed) {
      try {
        this.#serve(await this.#listener.accept());
      } catch {
        if (this.#isClosed) return;
        // There is no descriptor for a connection now.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
      while (this.#served.size >= SERVED_MAX) {
        await Promise.race(this.#served.values());
      }
    }
  }

  #serve(conn: Deno.Conn): void {
    const served = this.#exchange(conn)
      .catch(() => {}) // it could not even be loaded
      .finally(() => {
        close(conn);
        this.#served.delete(conn);
      });
    this.#served.set(conn, served);
  }

  async #exchange(conn: Deno.Conn): Promise<void> {
    const [{ exchange }, { createRoutes }] = await Promise.all([
      import("./exchange.ts"),
      import("./routes.ts"),
    ]);
    await exchange(conn, createRoutes(this.#sidecar));
  }

  /** Answers nobody any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    close(this.#listener);
    const served = [...this.#served.values()];
    for (const conn of this.#served.keys()) close(conn);
    await this.#accepting;
    await Promise.all(served);
    await Deno.remove(this.path).catch(() => {});
  }
}

function close(resource: { close(): void }): void {
  try {
    resource.close();
  } catch { /* it is closed */ }
}
