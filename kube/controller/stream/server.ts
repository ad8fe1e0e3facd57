/**
 * Serves each sidecar its own state over HTTPS: one long answer for each, which
 * says what there is and then every change. Whose state it is, the token says;
 * nobody can ask for another's.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  STREAM_PATH,
  VIEW_HEADER,
} from "../../../proxy/identities/protocol.ts";
import { type Certificate, HttpsServer } from "../../https_server.ts";
import { Refusals } from "../../refusals.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { ObjectName } from "../cluster/facts.ts";
import type { Watched } from "../watched.ts";
import { type Owner, SidecarStream } from "./sidecar_stream.ts";

/** Whose token it is, or why it is nobody's. */
export type Authentication = Owner | { readonly refused: string };

export interface SidecarServerOptions {
  readonly cluster: Cluster;
  readonly watched: Pick<Watched, "versions" | "stale">;
  /** Asks the API server whose token it is. A rejection is an answer that could not be had: the client comes again. */
  authenticate(token: string): Promise<Authentication>;
  readonly credentials: Certificate;
  readonly hostname: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Milliseconds after which the token of a stream is asked about again. */
  readonly authenticateEvery?: number;
  readonly log: {
    info(message: string): void;
    warn(message: string): void;
  };
}

/** For metrics. */
export interface SidecarServerCounts {
  /** Open now. */
  readonly streams: number;
  /** By reason, since the start. */
  readonly refused: Readonly<Record<string, number>>;
  /** Sent since the start. */
  readonly bytes: number;
}

/** Connections at a time. */
const CONNECTIONS_MAX = 8_192;
/** Of one address: a pod needs one, but some networks have all pods of a node call from the node's address. */
const CONNECTIONS_OF_ONE_MAX = 256;
/** Questions to the API server at a time: who shows many bad tokens does not ask it more often. */
const AUTHENTICATIONS_MAX = 64;
/** The largest token that is looked at; those of service accounts have some 1,000 characters. */
const TOKEN_MAX = 8_192;
const AUTHENTICATE_EVERY_MS = 5 * 60_000;

/** Why a request gets no stream. */
interface Refusal {
  readonly status: number;
  /** For metrics. */
  readonly reason: string;
  readonly detail: string;
}

/** Listens until it is disposed of. */
export class SidecarServer implements AsyncDisposable {
  #server!: HttpsServer;
  readonly #options: SidecarServerOptions;
  readonly #refusals: Refusals;
  /** By pod: of two the later one is the sidecar's. */
  readonly #streams = new Map<string, SidecarStream>();
  #authentications = 0;
  #bytes = 0;

  private constructor(options: SidecarServerOptions) {
    this.#options = options;
    this.#refusals = new Refusals((detail) =>
      options.log.warn(`a sidecar's request is refused: ${detail}`)
    );
  }

  /** @throws when the address is taken */
  static async listen(options: SidecarServerOptions): Promise<SidecarServer> {
    const own = new SidecarServer(options);
    const { hostname, port, credentials } = options;
    own.#server = await HttpsServer.listen({
      hostname,
      port,
      certificate: credentials,
      connections: CONNECTIONS_MAX,
      connectionsOfOne: CONNECTIONS_OF_ONE_MAX,
      serve: (request, response) => own.#serve(request, response),
      full: (address) =>
        address === undefined
          ? own.#refusals.add(
            "connections",
            `${CONNECTIONS_MAX} connections are open`,
          )
          : own.#refusals.add(
            "address",
            `${address} has ${CONNECTIONS_OF_ONE_MAX} connections open`,
          ),
      noTls: ({ message }) =>
        own.#refusals.add("tls", `no TLS came about: ${message}`),
    });
    return own;
  }

  get port(): number {
    return this.#server.port;
  }

  get counts(): SidecarServerCounts {
    return {
      streams: this.#streams.size,
      refused: this.#refusals.counts,
      bytes: this.#bytes,
    };
  }

  /** Pods whose sidecars have a stream now. */
  connected(): ObjectName[] {
    return [...this.#streams.values()].map(({ owner }) => {
      return { namespace: owner.namespace, name: owner.pod };
    });
  }

  /** New connections see this certificate; open ones go on. @throws when it is none */
  use(credentials: Certificate): void {
    this.#server.use(credentials);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams.values()) stream.close();
    await this.#server.close(0);
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    try {
      const refusal = await this.#open(request, response);
      if (!refusal) return;
      const { status, reason, detail } = refusal;
      this.#refusals.add(reason, detail);
      response.writeHead(status, {
        "content-type": "application/json",
        connection: "close",
        ...(status === 503 ? { "retry-after": "1" } : {}),
        ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
      });
      response.end(JSON.stringify({ status, detail }));
    } catch (error) {
      this.#refusals.add("fault", `a fault of ours: ${(error as Error).stack}`);
      response.destroy();
    }
  }

  /** Opens a stream, or says why not. */
  async #open(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Refusal | undefined> {
    const malformed = misfit(request);
    if (malformed) return malformed;
    const { cluster, watched } = this.#options;
    const [, token] = /^Bearer ([\x21-\x7e]+)$/i
      .exec(request.headers.authorization ?? "") ?? [];
    if (token === undefined || token.length > TOKEN_MAX) {
      return refusal(401, "token", "it shows no token of a service account");
    }
    if (!cluster.isSynced) {
      return refusal(503, "starting", "the cluster is not known yet");
    }
    const { stale } = watched;
    if (stale !== undefined) {
      const detail = `the API server says nothing of ${stale}`;
      return refusal(503, "stale", detail);
    }
    const owner = await this.#authenticate(token);
    if ("reason" in owner) return owner;
    const { namespace, pod, uid } = owner;
    const name = `${namespace}/${pod}`;
    const view = request.headers[VIEW_HEADER] === "complete"
      ? "complete"
      : "needed";
    const state = cluster.stateFor(namespace, pod, view);
    if (!state || cluster.pod({ namespace, name: pod })?.uid !== uid) {
      return refusal(
        503,
        "pod",
        `pod ${name} is not known here as one with a sidecar`,
      );
    }
    // What it is told first, it starts with: no policy may be missing.
    if (!cluster.hasNamespace(namespace)) {
      return refusal(503, "namespace", `${namespace} is not known here yet`);
    }
    if (response.destroyed) return undefined; // it has gone
    this.#streams.get(name)?.destroy();
    const tag = request.headers["if-none-match"];
    const options = {
      cluster,
      watched,
      owner,
      view,
      wrote: (bytes: number) => this.#bytes += bytes,
    } as const;
    const stream = new SidecarStream(response, options, state, tag);
    this.#streams.set(name, stream);
    void this.#follow(stream, name, token);
    return undefined;
  }

  /** Asks about the token again while the stream goes on: it may have expired, or its pod may be gone. */
  async #follow(
    stream: SidecarStream,
    name: string,
    token: string,
  ): Promise<void> {
    const { authenticateEvery = AUTHENTICATE_EVERY_MS } = this.#options;
    const timer = setInterval(async () => {
      const answer = await this.#authenticate(token);
      const isSame = "uid" in answer && answer.uid === stream.owner.uid;
      // Where nobody can be asked, nothing is known against it.
      if (isSame || "status" in answer && answer.status === 503) return;
      this.#refusals.add(
        "expired",
        `the token of pod ${name} is not good any more`,
      );
      stream.close();
    }, authenticateEvery);
    await stream.over;
    clearInterval(timer);
    if (this.#streams.get(name) === stream) this.#streams.delete(name);
  }

  async #authenticate(token: string): Promise<Owner | Refusal> {
    if (this.#authentications >= AUTHENTICATIONS_MAX) {
      return refusal(503, "busy", "too many tokens are being asked about");
    }
    this.#authentications++;
    try {
      const answer = await this.#options.authenticate(token);
      return "refused" in answer
        ? refusal(401, "token", `its token is refused: ${answer.refused}`)
        : answer;
    } catch (error) {
      const { message } = error as Error;
      return refusal(
        503,
        "unasked",
        `its token could not be asked about: ${message}`,
      );
    } finally {
      this.#authentications--;
    }
  }
}

/** What is wrong with a request, whoever sent it. */
function misfit(
  { url, method, headers }: IncomingMessage,
): Refusal | undefined {
  if (url !== STREAM_PATH) {
    return refusal(404, "path", `there is ${STREAM_PATH} only`);
  }
  if (method !== "GET") return refusal(405, "method", "it does not use GET");
  const hasBody = headers["transfer-encoding"] !== undefined ||
    !["0", undefined].includes(headers["content-length"]);
  return hasBody ? refusal(413, "body", "it has a body") : undefined;
}

function refusal(status: number, reason: string, detail: string): Refusal {
  return { status, reason, detail };
}
