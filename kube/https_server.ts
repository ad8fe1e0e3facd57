/**
 * An HTTPS server of few endpoints for clients that may be anybody. Node's,
 * since that takes another certificate while it runs.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";

/** PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** How long a TLS handshake and the head of a request may take, in milliseconds. */
const LIMITS = {
  handshakeTimeout: 10_000,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 2_000,
};

export interface HttpsServerOptions {
  readonly hostname: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly certificate: Certificate;
  /** How long more things may take, in milliseconds. Default: Node's. */
  readonly limits?: {
    readonly requestTimeout: number;
    readonly keepAliveTimeout: number;
  };
  /** Connections at a time; one more is closed at once. */
  readonly connections: number;
  /** The same for those of one address. Default: no other bound. */
  readonly connectionsOfOne?: number;
  /** Answers a request; never rejects. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Hears of connections that were closed at once: of whom, if one address has too many. */
  full?(address?: string): void;
  /** Hears of clients that speak no TLS, or trust another authority. */
  noTls?(error: Error): void;
}

/** Listens until it is closed. */
export class HttpsServer {
  readonly #server: Server;
  readonly #options: HttpsServerOptions;
  readonly #sockets = new Set<Socket>();
  readonly #byAddress = new Map<string, number>();

  private constructor(options: HttpsServerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        ...options.certificate,
        ...LIMITS,
        ...options.limits,
        minVersion: "TLSv1.2",
      },
      (request, response) => void options.serve(request, response),
    );
    this.#server.on("connection", (socket: Socket) => this.#watch(socket));
    this.#server.on("tlsClientError", (error) => options.noTls?.(error));
  }

  /** @throws when the address is taken */
  static async listen(options: HttpsServerOptions): Promise<HttpsServer> {
    const own = new HttpsServer(options);
    const { hostname, port } = options;
    await new Promise<void>((resolve, reject) => {
      own.#server.once("error", reject);
      own.#server.listen(port, hostname, resolve);
    });
    return own;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** New connections see this certificate; open ones go on. @throws when it is none */
  use(certificate: Certificate): void {
    this.#server.setSecureContext(certificate);
  }

  /** Takes nobody any more; who is being answered has so many milliseconds left. */
  async close(grace: number): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    const late = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, grace);
    await closed;
    clearTimeout(late);
  }

  #watch(socket: Socket): void {
    const { connections, connectionsOfOne = Infinity, full } = this.#options;
    const address = socket.remoteAddress ?? ""; // it is gone already
    const own = this.#byAddress.get(address) ?? 0;
    if (this.#sockets.size >= connections || own >= connectionsOfOne) {
      full?.(own >= connectionsOfOne ? address : undefined);
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    this.#byAddress.set(address, own + 1);
    socket.on("error", () => {}); // it closes then
    socket.on("close", () => {
      this.#sockets.delete(socket);
      const left = this.#byAddress.get(address)! - 1;
      if (left > 0) this.#byAddress.set(address, left);
      else this.#byAddress.delete(address);
    });
  }
}
