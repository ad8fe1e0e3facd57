/**
 * Answers whether the workload takes connections at a port: `GET /ports/11211`
 * is 200 if it does, 503 if it does not.
 *
 * For the kubelet, whose own connection to a redirected port the sidecar would
 * take, whether or not the workload lives. Only ports that were configured are
 * dialled, at the address that the question came to.
 *
 * @module
 */
import { ALL_PORTS } from "../proxy/redirect/ports.ts";

/** How long a question and its answer may take. */
const PATIENCE_MS = 5_000;
/** Questions at a time. Of more, whoever has been silent for longest is hung up on. */
const ASKED_MAX = 32;
/** A longer question is none of the kubelet's. */
const QUESTION_MAX = 4_096;

export interface PortChecksConfig {
  readonly listen: { readonly hostname: string; readonly port: number };
  readonly ports: readonly number[];
}

/** An open listener. */
export class PortChecks implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #ports: ReadonlySet<number>;
  readonly #asked = new Set<Promise<void>>();
  /** Those that have not asked yet, the oldest first: whoever can reach this port can be one. */
  readonly #silent = new Set<Deno.TcpConn>();
  readonly #stop = new AbortController();
  readonly #accepting: Promise<void>;

  /** @throws {Error} when the address cannot be had */
  constructor({ listen, ports }: PortChecksConfig) {
    const { hostname, port } = listen;
    this.#listener = Deno.listen({ hostname, port });
    this.#ports = new Set(ports);
    this.#accepting = this.#accept();
  }

  get address(): Deno.NetAddr {
    return this.#listener.addr as Deno.NetAddr;
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) {
      if (this.#asked.size >= ASKED_MAX) {
        const [oldest = conn] = this.#silent;
        closeQuietly(oldest);
        this.#silent.delete(oldest);
        if (oldest === conn) continue;
      }
      const asked = this.#answer(conn).finally(() => this.#asked.delete(asked));
      this.#asked.add(asked);
    }
  }

  async #answer(conn: Deno.TcpConn): Promise<void> {
    const late = AbortSignal.any([
      this.#stop.signal,
      AbortSignal.timeout(PATIENCE_MS),
    ]);
    const close = () => closeQuietly(conn);
    late.addEventListener("abort", close);
    try {
      this.#silent.add(conn);
      const head = await readHead(conn);
      this.#silent.delete(conn);
      const port = portOf(head);
      if (port === undefined || !this.#ports.has(port)) {
        await reply(conn, "404 Not Found", "no such port is checked here");
        return;
      }
      const fault = await dial(conn.localAddr.hostname, port, late);
      if (fault === undefined) await reply(conn, "200 OK", "it answers");
      else await reply(conn, "503 Service Unavailable", fault);
    } catch {
      /* whoever asked has gone */
    } finally {
      late.removeEventListener("abort", close);
      this.#silent.delete(conn);
      close();
    }
  }

  /** Answers nobody any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#stop.abort();
    await this.#accepting;
    await Promise.all(this.#asked);
  }
}

/** The head of a request, up to its empty line. */
async function readHead(conn: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(QUESTION_MAX);
  let text = "";
  while (text.length < QUESTION_MAX && !text.includes("\r\n\r\n")) {
    const read = await conn.read(buffer);
    if (read === null) break;
    text += decoder.decode(buffer.subarray(0, read), { stream: true });
  }
  return text;
}

function portOf(head: string): number | undefined {
  const [, digits] = /^GET \/ports\/(\d{1,5}) HTTP\/1\.[01]\r\n/.exec(head) ??
    [];
  const port = Number(digits);
  return port >= ALL_PORTS.first && port <= ALL_PORTS.last ? port : undefined;
}

/** Why the port takes no connection; nothing if it does. */
async function dial(
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    // A listener for both families sees IPv4 as ::ffff:10.0.0.1.
    const address = hostname.replace(/^::ffff:/, "");
    closeQuietly(await Deno.connect({ hostname: address, port, signal }));
    return undefined;
  } catch (error) {
    return `port ${port}: ${(error as Error).message}`;
  }
}

async function reply(
  conn: Deno.Conn,
  status: string,
  text: string,
): Promise<void> {
  const body = `${text}\n`;
  const bytes = new TextEncoder().encode(
    `HTTP/1.1 ${status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${
      new TextEncoder().encode(body).length
    }\r\nconnection: close\r\n\r\n${body}`,
  );
  for (let at = 0; at < bytes.length;) {
    at += await conn.write(bytes.subarray(at));
  }
}

function closeQuietly(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch { /* it is closed */ }
}
