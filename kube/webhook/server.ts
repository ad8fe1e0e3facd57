/**
 * The webhook's HTTPS server: reviews are read, answered and counted.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Certificate, HttpsServer } from "../https_server.ts";
import { Refusals } from "../refusals.ts";
import { type Answer, MalformedReview } from "./envelope.ts";

/** The API server itself takes no object of more than 3 MiB. */
const BODY_MAX = 8 * 2 ** 20;
const LIMITS = {
  requestTimeout: 15_000,
  /** The API server closes what is idle after 90 s; we do so later, so that no request of its is lost. */
  keepAliveTimeout: 120_000,
};
/** Connections at a time; the API server shares few among all its requests. */
const CONNECTIONS_MAX = 512;

/** How long answers may take that were begun before the end. */
const LAST_MS = 2_000;

export interface ServerOptions {
  readonly hostname: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly certificate: Certificate;
  /** By path, what answers a review. @throws {MalformedReview} when it is none */
  readonly answers: Readonly<Record<string, (review: unknown) => Answer>>;
  /** Hears of each review that was answered, and how long that took, in seconds. */
  readonly answered?: (
    path: string,
    outcome: Answer["outcome"],
    seconds: number,
  ) => void;
  /** Whether the API server has been told to trust the certificate. */
  readonly isReady: () => boolean;
  readonly log: {
    info(message: string): void;
    warn(message: string): void;
    error(message: string): void;
  };
}

/** Listens until it is disposed of. */
export class WebhookServer implements AsyncDisposable {
  #server!: HttpsServer;
  readonly #options: ServerOptions;
  readonly #refusals: Refusals;

  private constructor(options: ServerOptions) {
    this.#options = options;
    this.#refusals = new Refusals((detail) =>
      options.log.warn(`a request to the webhook is refused ${detail}`)
    );
  }

  /** @throws when the address is taken */
  static async listen(options: ServerOptions): Promise<WebhookServer> {
    const own = new WebhookServer(options);
    const { hostname, port, certificate } = options;
    own.#server = await HttpsServer.listen({
      hostname,
      port,
      certificate,
      limits: LIMITS,
      connections: CONNECTIONS_MAX,
      serve: (request, response) => own.#serve(request, response),
    });
    return own;
  }

  get port(): number {
    return this.#server.port;
  }

  /** New connections see this certificate; open ones go on. @throws when it is none */
  use(certificate: Certificate): void {
    this.#server.use(certificate);
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    try {
      const { status, body } = await this.#answer(request);
      // What is left of a body that is too long is not read.
      if (status === 413) response.setHeader("connection", "close");
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    } catch (error) {
      if (request.destroyed && !request.complete) return; // the client has gone
      const text = `a review could not be answered: ${(error as Error).stack}`;
      this.#options.log.error(text);
      response.writeHead(500).end();
    }
  }

  async #answer(
    request: IncomingMessage,
  ): Promise<{ status: number; body: object }> {
    const { isReady, answers, answered, log } = this.#options;
    const problem = (status: number, detail: string) => {
      this.#refusals.add(String(status), `(${status}): ${detail}`);
      return { status, body: { status, detail } };
    };
    const [path = ""] = (request.url ?? "").split("?", 1);
    if (path === "/healthz") return { status: 200, body: {} };
    if (path === "/readyz") {
      return { status: isReady() ? 200 : 503, body: {} };
    }
    const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
    if (!answer) {
      const paths = [...Object.keys(answers), "/healthz"];
      return problem(404, `there are ${paths.join(", ")} and /readyz`);
    }
    if (request.method !== "POST") return problem(405, "use POST");
    const bytes = await readBody(request);
    if (!bytes) return problem(413, `send ${BODY_MAX} bytes at most`);
    try {
      const start = performance.now();
      const { review, summary, outcome } = answer(
        JSON.parse(bytes.toString("utf8")),
      );
      answered?.(path, outcome, (performance.now() - start) / 1000);
      log.info(summary);
      return { status: 200, body: review };
    } catch (error) {
      if (error instanceof MalformedReview || error instanceof SyntaxError) {
        return problem(400, error.message);
      }
      throw error;
    }
  }

  /** Takes nobody any more; who is being answered has a moment left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close(LAST_MS);
  }
}

/** The body; nothing if it is longer than it may be. @throws when the client has gone */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request) {
    length += piece.length;
    if (length > BODY_MAX) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
