/**
 * One exchange on an admin listener: a request is read, carried out and
 * answered. An answer of server-sent events is written as it comes.
 *
 * @module
 */
import { encodeHead, encodeResponse, type Head, readHead } from "./http.ts";
import { problemResponse, RequestError } from "./problem.ts";

/** Answers requests. What it throws beside `RequestError`s is a defect of ours. */
export type Handle = (request: Request) => Promise<Response>;

/** What an exchange is of. */
export interface Server {
  readonly handle: Handle;
  /** Lets a request in by its head, before its body is read. @throws {RequestError} when it is not let in */
  admit(head: Head, conn: Deno.Conn): Promise<void>;
  /** Whether one more answer may be a stream; it is counted as one from then on. */
  startStream(exchange: Exchange): boolean;
}

/** How long clients may take, in milliseconds. */
export interface Patience {
  /** A request to arrive, and an answer to leave; and an answer to be there, for a client that has ended its side. */
  readonly whole: number;
  /** A request to be carried out before it is looked whether anybody is there still. */
  readonly prompt: number;
  /** A request to be carried out at all. */
  readonly handled: number;
  /** A reader of a stream to read what was sent. */
  readonly stall: number;
  /** The rest of a request that was refused before it was whole to arrive. */
  readonly rest: number;
}

const PATIENCE: Patience = {
  whole: 5000,
  prompt: 500,
  handled: 30_000,
  stall: 30_000,
  rest: 1000,
};
/** So much of what was refused is taken, and passed over. */
const REST_BYTES = 8 * 1024 * 1024;
const METHODS: ReadonlySet<string> = new Set([
  ...["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
]);
/** A `Request` of these has no body; what its operation says of one goes by its length. */
const BODILESS: ReadonlySet<string> = new Set(["GET", "HEAD"]);
/** The client waits to be asked for the body (RFC 9110 section 10.1.1). */
const EXPECTS = /^100-continue$/i;
const CONTINUE = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");
/** Answers of this type have no end that is known before. */
const STREAMED = /^text\/event-stream *(;|$)/i;

/** The client has to make way. */
const DISPLACED = "displaced";
/** What it is told: many are, so that it is written once. */
const AWAY = encodeResponse(
  problemResponse(
    new RequestError(
      503,
      "the request was not whole and others wait; send it at once",
      { "retry-after": "1" },
    ),
  ),
  "",
);

/** An exchange with one client. */
export class Exchange {
  readonly #conn: Deno.Conn;
  readonly #server: Server;
  readonly #patience: Patience;
  /** Aborted when nobody waits for what was asked any more. */
  readonly #abandoned = new AbortController();
  readonly #reader = new RequestReader(this.#abandoned.signal);
  /** See {@linkcode Exchange.#readOn}. */
  #after: Promise<After> | undefined;
  readonly #displaced = Promise.withResolvers<typeof DISPLACED>();
  #isReceiving = true;
  /** The request is answered before it is whole: it was wrong, or nobody's. */
  #isRefused = false;

  constructor(conn: Deno.Conn, server: Server, patience = PATIENCE) {
    this.#conn = conn;
    this.#server = server;
    this.#patience = patience;
  }

  /** The request is not whole yet. */
  get isReceiving(): boolean {
    return this.#isReceiving;
  }

  /** Ends an exchange that is still receiving: others need its place. */
  makeWay(): void {
    this.#displaced.resolve(DISPLACED);
  }

  /** Serves the client until it is answered; never rejects. The caller closes the connection. */
  async run(): Promise<void> {
    try {
      const response = await this.#answer();
      if (!response) return; // the client has gone
      if (response === DISPLACED) return await this.#write(await AWAY);
      if (isStream(response)) await this.#stream(response);
      else await this.#send(response);
      if (this.#isRefused) await this.#passOver();
    } catch { /* the client has gone, or does not read its answer */ }
  }

  async #answer(): Promise<Response | typeof DISPLACED | undefined> {
    try {
      const request = await this.#receive();
      return request instanceof Request
        ? await this.#carryOut(request)
        : request;
    } catch (error) {
      if (error instanceof RequestError) return problemResponse(error);
      if (isOfSystem(error)) return undefined;
      const text = error instanceof Error ? error.message : String(error);
      return problemResponse(
        new RequestError(500, `${text}; try again, and report it if it lasts`),
      );
    }
  }

  async #receive(): Promise<Request | typeof DISPLACED | undefined> {
    try {
      return await inTime(
        Promise.race([this.#readRequest(), this.#displaced.promise]),
        this.#patience.whole,
      );
    } finally {
      this.#isReceiving = false;
    }
  }

  async #readRequest(): Promise<Request | undefined> {
    try {
      return await this.#readWhole();
    } catch (error) {
      this.#isRefused = true;
      throw error;
    }
  }

  async #readWhole(): Promise<Request | undefined> {
    const buffer = new Uint8Array(4096);
    let isAdmitted = false;
    for (;;) {
      const read = await this.#conn.read(buffer);
      if (read === null) return undefined;
      const request = this.#reader.push(buffer.subarray(0, read));
      const { head } = this.#reader;
      if (head && !isAdmitted) {
        await this.#server.admit(head, this.#conn);
        isAdmitted = true;
        if (!request && EXPECTS.test(head.headers.get("expect") ?? "")) {
          await write(this.#conn, CONTINUE);
        }
      }
      if (request) return request;
    }
  }

  /** Waits for an answer while somebody is there who wants it, and not for too long. What was not begun by then never is. */
  async #carryOut(request: Request): Promise<Response | undefined> {
    const { prompt, whole, handled } = this.#patience;
    const over = Promise.withResolvers<undefined>();
    const giveUp = () => over.reject(tooLong(handled));
    let isWaiting = true;
    let timer = setTimeout(() => {
      timer = setTimeout(giveUp, handled - prompt);
      void this.#readOn().then((after) => {
        if (!isWaiting) return;
        if (after === "lost") over.resolve(undefined);
        if (after !== "end") return;
        // Whoever says no more may still listen.
        clearTimeout(timer);
        timer = setTimeout(giveUp, whole);
      });
    }, prompt);
    const answer = this.#server.handle(request);
    try {
      const response = await Promise.race([answer, over.promise]);
      if (!response) this.#abandon(answer);
      return response;
    } catch (error) {
      this.#abandon(answer);
      throw error;
    } finally {
      isWaiting = false;
      clearTimeout(timer);
    }
  }

  #abandon(answer: Promise<Response>): void {
    this.#abandoned.abort();
    answer.then(({ body }) => body?.cancel()).catch(() => {});
  }

  /** What comes from the client after its request, once something does. */
  #readOn(): Promise<After> {
    return this.#after ??= this.#conn.read(new Uint8Array(1)).then(
      (read) => read === null ? "end" : "more",
      () => "lost",
    );
  }

  async #send(response: Response): Promise<void> {
    const bytes = await encodeResponse(
      response,
      this.#reader.head?.method ?? "",
    );
    await this.#write(bytes);
  }

  #write(bytes: Uint8Array): Promise<void> {
    return inTime(write(this.#conn, bytes), this.#patience.whole);
  }

  /** Writes a stream until it ends, its reader has gone, or leaves it unread for too long. */
  async #stream(response: Response): Promise<void> {
    const body = response.body!.getReader();
    try {
      if (this.#reader.head?.method === "HEAD") {
        return await this.#begin(response);
      }
      if (!this.#server.startStream(this)) {
        return await this.#send(problemResponse(tooManyStreams()));
      }
      // What ends the body ends the loop.
      void this.#readOn().then(() => body.cancel()).catch(() => {});
      await this.#begin(response);
      for (;;) {
        const { value } = await body.read();
        if (!value) return;
        await inTime(write(this.#conn, value), this.#patience.stall);
      }
    } finally {
      await body.cancel().catch(() => {});
    }
  }

  /**
   * Takes the rest of a refused request. Were the connection closed over it,
   * the client, who is still sending, might not see its answer (RFC 9112
   * section 9.6).
   */
  async #passOver(): Promise<void> {
    await this.#conn.closeWrite();
    const buffer = new Uint8Array(16 * 1024);
    const read = async () => {
      for (let left = REST_BYTES; left > 0;) {
        const count = await this.#conn.read(buffer);
        if (count === null) return;
        left -= count;
      }
    };
    await inTime(read(), this.#patience.rest);
  }

  #begin(response: Response): Promise<void> {
    return this.#write(encodeHead(response));
  }
}

/** The client has ended its side, has said more than it was asked for, or is gone. */
type After = "end" | "more" | "lost";

function isStream({ headers, body }: Response): boolean {
  return body !== null && STREAMED.test(headers.get("content-type") ?? "");
}

function tooLong(ms: number): RequestError {
  return new RequestError(
    503,
    `it is not done after ${ms} ms, and may still be under way; see what is in force before you try again`,
    { "retry-after": "5" },
  );
}

function tooManyStreams(): RequestError {
  return new RequestError(
    503,
    "too many clients follow a stream here already; end one, or try again later",
    { "retry-after": "5" },
  );
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

/** Puts a request together from the pieces that arrive. */
export class RequestReader {
  #buffer = new Uint8Array(1024);
  #held = 0;
  #head: Head | undefined;
  readonly #signal: AbortSignal | undefined;

  /** @param signal of the request */
  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** Of the request, once it is whole. */
  get head(): Head | undefined {
    return this.#head;
  }

  /** The request, once it is whole; what comes after it is ignored. @throws {RequestError} when it is wrong */
  push(bytes: Uint8Array): Request | undefined {
    this.#take(bytes);
    const held = this.#buffer.subarray(0, this.#held);
    this.#head ??= readHead(held);
    if (!this.#head) return undefined;
    const end = this.#head.bytes + this.#head.length;
    if (held.length < end) return undefined;
    const body = held.slice(this.#head.bytes, end);
    return requestOf(this.#head, body, this.#signal);
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
  signal: AbortSignal | undefined,
): Request {
  if (!METHODS.has(method)) {
    throw new RequestError(
      405,
      `${method} is taken nowhere here; use GET, POST, PUT or DELETE`,
      { allow: [...METHODS].join(", ") },
    );
  }
  return new Request(`http://parley${target}`, {
    method,
    headers: [...headers],
    ...(body.length > 0 && !BODILESS.has(method) ? { body } : {}),
    ...(signal ? { signal } : {}),
  });
}

async function write(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await conn.write(bytes.subarray(at));
  }
}

/** @throws {RequestError} when it takes too long; what was waited for ends when the connection is closed */
async function inTime<T>(promise: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      late.reject(
        new RequestError(
          408,
          `the request was not whole after ${ms} ms; send it at once`,
        ),
      ),
    ms,
  );
  promise.catch(() => {}); // when it fails later, nobody waits for it
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
