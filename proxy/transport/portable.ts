/**
 * The transport for development and for systems without epoll: `Deno.listen`
 * and `Deno.connect`, all connections in this process, no sandbox.
 *
 * @module
 */
import { thrownText } from "../thrown.ts";
import { ParleyError } from "../../proxylib/error.ts";
import { Pair, tune } from "./pair.ts";
import {
  type Address,
  type End,
  formatAddress,
  type Listener,
  type Open,
  type Timeouts,
  type Transport,
} from "./transport.ts";

/** How long to wait when the system has no descriptor or memory left for a connection. */
const ACCEPT_RETRY_MS = 100;
/** ENOMEM, ENFILE, EMFILE, ENOBUFS on Linux and elsewhere. */
const EXHAUSTED = /\(os error (12|23|24|55|105)\)/;
/** A failure of another kind is that connection's, reset before it was taken; so many in a row are the listener's. */
const FAILURES_IN_A_ROW = 1000;

/** The portable transport. `warn` is told of what the system refuses. */
export function createPortableTransport(
  warn: (message: string) => void,
): Transport {
  return {
    listen(address, timeouts, open) {
      return new PortableListener(bind(address), timeouts, open, warn);
    },
  };
}

function bind(address: Address): Deno.TcpListener {
  const where = formatAddress(address);
  if (address.transport === "unix") {
    throw new ParleyError("Cannot listen", {
      blame: "operator",
      where,
      found: "a Unix socket is an upstream only",
      mend: "give a host and a port",
    });
  }
  try {
    return Deno.listen({ hostname: address.hostname, port: address.port });
  } catch (cause) {
    throw new ParleyError("Cannot listen", {
      blame: "operator",
      where,
      found: thrownText(cause),
      mend: "choose an address of this machine whose port is free",
    }, { cause });
  }
}

class PortableListener implements Listener {
  readonly address: Address;
  readonly finished: Promise<void>;
  readonly #listener: Deno.TcpListener;
  readonly #pairs = new Set<Pair>();
  readonly #runs = new Set<Promise<void>>();
  readonly #warn: (message: string) => void;
  #stopped = false;
  #failures = 0;

  constructor(
    listener: Deno.TcpListener,
    timeouts: Timeouts,
    open: Open,
    warn: (message: string) => void,
  ) {
    const { hostname, port } = listener.addr as Deno.NetAddr;
    this.address = { transport: "tcp", hostname, port };
    this.#listener = listener;
    this.#warn = warn;
    this.finished = this.#accept(timeouts, open);
  }

  get connections(): number {
    return this.#pairs.size;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#listener.close();
  }

  abort(end: End): void {
    for (const pair of this.#pairs) pair.abort(end);
  }

  async #accept(timeouts: Timeouts, open: Open): Promise<void> {
    const sweep = setInterval(() => {
      const before = performance.now() - timeouts.idle;
      for (const pair of this.#pairs) pair.expire(before);
    }, Math.min(1000, Math.max(20, timeouts.idle / 4)));
    while (!this.#stopped) {
      const conn = await this.#next();
      if (conn) this.#start(conn, timeouts, open);
    }
    await Promise.all(this.#runs);
    clearInterval(sweep);
  }

  /** The next connection. A failing accept must not end the listener, nor slow it down at a client's will. */
  async #next(): Promise<Deno.TcpConn | undefined> {
    try {
      const conn = await this.#listener.accept();
      this.#failures = 0;
      return conn;
    } catch (error) {
      if (!this.#stopped) await this.#recover(thrownText(error));
      return undefined;
    }
  }

  async #recover(failure: string): Promise<void> {
    const isOnes = !EXHAUSTED.test(failure) &&
      ++this.#failures < FAILURES_IN_A_ROW;
    if (isOnes) return;
    this.#warn(
      `cannot accept at ${
        formatAddress(this.address)
      }: ${failure}; trying again in ${ACCEPT_RETRY_MS} ms`,
    );
    await new Promise((resolve) => setTimeout(resolve, ACCEPT_RETRY_MS));
  }

  #start(conn: Deno.TcpConn, timeouts: Timeouts, open: Open): void {
    tune(conn);
    const pair = new Pair(conn);
    this.#pairs.add(pair);
    const accepted = {
      source: conn.remoteAddr as Deno.NetAddr,
      destination: conn.localAddr as Deno.NetAddr,
      isOwn: true, // this transport sees no redirection
    };
    const run = pair.run(accepted, timeouts, open)
      // No other connection must suffer from one that went wrong.
      .catch((error) =>
        this.#warn(`a connection was ended by a defect: ${error}`)
      )
      .finally(() => {
        this.#pairs.delete(pair);
        this.#runs.delete(run);
      });
    this.#runs.add(run);
  }
}
