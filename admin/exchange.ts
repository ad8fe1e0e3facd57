/**
 * One exchange on the admin socket: a request is read, carried out and answered.
 *
 * @module
 */
import { encodeResponse, type Head, readHead } from "./http.ts";
import { problemResponse, RequestError } from "./problem.ts";

/** Answers requests. What it throws beside `RequestError`s is a defect of ours. */
export type Handle = (request: Request) => Promise<Response>;

/** How long a request may take to arrive, and an answer to leave. */
const PATIENCE_MS = 5000;
const METHODS: ReadonlySet<string> = new Set([
  ...["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
]);

/** Serves a connection until it is answered; never rejects. The caller closes it. */
export async function exchange(conn: Deno.Conn, handle: Handle): Promise<void> {
  const reader = new RequestReader();
  try {
    const response = await answer(conn, reader, handle);
    if (!response) return; // the client has gone
    const bytes = await encodeResponse(response, reader.method);
    await inTime(write(conn, bytes));
  } catch { /* the client has gone, or does not read its answer */ }
}

async function answer(
  conn: Deno.Conn,
  reader: RequestReader,
  handle: Handle,
): Promise<Response | undefined> {
  try {
    const request = await inTime(receive(conn, reader));
    return request && await handle(request);
  } catch (error) {
    if (error instanceof RequestError) return problemResponse(error);
    if (isOfSystem(error)) return undefined;
    const text = error instanceof Error ? error.message : String(error);
    return problemResponse(new RequestError(500, text));
  }
}

/** Whether it is the connection that failed. */
function isOfSystem(error: unknown): boolean {
  return OF_CONNECTIONS.some((Kind) => error instanceof Kind);
}

const OF_CONNECTIONS = [
  Deno.errors.BadResource,
  Deno.errors.BrokenPipe,
  Deno.errors.ConnectionReset,
  Deno.errors.Interrupted,
];

async function receive(
  conn: Deno.Conn,
  reader: RequestReader,
): Promise<Request | undefined> {
  const buffer = new Uint8Array(4096);
  for (;;) {
    const read = await conn.read(buffer);
    if (read === null) return undefined;
    const request = reader.push(buffer.subarray(0, read));
    if (request) return request;
  }
}

/** Puts a request together from the pieces that arrive. */
export class RequestReader {
  #buffer = new Uint8Array(1024);
  #held = 0;
  #head: Head | undefined;

  /** Of the request, once it is known. */
  get method(): string {
    return this.#head?.method ?? "";
  }

  /** The request, once it is whole; what comes after it is ignored. @throws {RequestError} when it is wrong */
  push(bytes: Uint8Array): Request | undefined {
    this.#take(bytes);
    const held = this.#buffer.subarray(0, this.#held);
    this.#head ??= readHead(held);
    if (!this.#head) return undefined;
    const end = this.#head.bytes + this.#head.length;
    if (held.length < end) return undefined;
    return requestOf(this.#head, held.slice(this.#head.bytes, end));
  }

  #take(bytes: Uint8Array): void {
    const length = this.#held + bytes.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#held);
    this.#held = length;
  }
}

function requestOf(
  { method, target, headers }: Head,
  body: Uint8Array<ArrayBuffer>,
): Request {
  if (!METHODS.has(method)) {
    throw new RequestError(501, `${method} is no method here; use GET or POST`);
  }
  return new Request(`http://parley${target}`, {
    method,
    headers: [...headers],
    ...(body.length > 0 ? { body } : {}),
  });
}

async function write(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await conn.write(bytes.subarray(at));
  }
}

/** @throws {RequestError} when it takes too long; what was waited for ends when the connection is closed */
async function inTime<T>(promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      late.reject(
        new RequestError(
          408,
          `the request was not whole after ${PATIENCE_MS} ms; send it at once`,
        ),
      ),
    PATIENCE_MS,
  );
  promise.catch(() => {}); // when it fails later, nobody waits for it
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
