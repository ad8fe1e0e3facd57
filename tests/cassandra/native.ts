/**
 * A client of the native protocol that says just what a test wants, one request
 * after the other.
 *
 * @module
 */
import { ok } from "node:assert/strict";
import {
  frame,
  type FrameOptions,
  joined,
  longString,
  segment,
  startup,
} from "../../parsers/cassandra/testkit.ts";

/** A busy server takes long to change its schema. */
const PATIENCE_MS = 120_000;
const HEADER = 9;
/** Of a segment that is not packed: 17 bits length, a flag, and a checksum. */
const SEGMENT_HEADER = 6;
const SEGMENT_TRAILER = 4;
const SEGMENT_LENGTH = 0x1ffff;

/** The flag of a reply that begins with warnings. */
const WARNING = 0x08;
const ERROR = 0x00;
const READY = 0x02;
const AUTHENTICATE = 0x03;
const AUTH_RESPONSE = 0x0f;
const AUTH_SUCCESS = 0x10;

/** What came back for a request. */
export interface Reply {
  readonly opcode: number;
  readonly body: Uint8Array;
}

/** An ERROR's code and message; nothing of any other reply. */
export function errorOf(
  { opcode, body }: Reply,
): { code: number; message: string } | undefined {
  if (opcode !== ERROR) return undefined;
  const view = viewOf(body);
  const end = 6 + view.getUint16(4);
  const message = new TextDecoder().decode(body.subarray(6, end));
  return { code: view.getUint32(0), message };
}

/** A connection whose session has begun. */
export class Native implements Disposable {
  readonly #conn: Deno.TcpConn | Deno.UnixConn;
  readonly version: number;
  #isSegmented = false;
  /** What came and was not taken yet: bytes, and of those that are segments the frames. */
  #received: Uint8Array = new Uint8Array(0);
  #payload: Uint8Array = new Uint8Array(0);

  private constructor(conn: Deno.TcpConn | Deno.UnixConn, version: number) {
    this.#conn = conn;
    this.version = version;
  }

  /** Opens one, as the role that `Cassandra` lets in. */
  static async connect(port: number, version: number): Promise<Native> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    return await Native.over(conn, version);
  }

  /** Begins a session on a connection, which is closed with it. */
  static async over(
    conn: Deno.TcpConn | Deno.UnixConn,
    version: number,
  ): Promise<Native> {
    const native = new Native(conn, version);
    await native.#begin();
    return native;
  }

  /** For the frames of this connection, whose requests are all on one stream. */
  get options(): FrameOptions {
    return { version: this.version, stream: 1 };
  }

  /** This end's address, as access logs write it. */
  get address(): string {
    const { hostname, port } = this.#conn.localAddr as Deno.NetAddr;
    return `${hostname}:${port}`;
  }

  /** Sends a frame, and takes the next one that comes. */
  async ask(request: Uint8Array): Promise<Reply> {
    const patience = setTimeout(() => this.#conn.close(), PATIENCE_MS);
    try {
      await this.#send(this.#isSegmented ? segment(request) : request);
      const header = await this.#read(HEADER);
      const body = await this.#read(viewOf(header).getUint32(5));
      const isWarned = (header[1]! & WARNING) !== 0;
      return { opcode: header[4]!, body: isWarned ? unwarned(body) : body };
    } finally {
      clearTimeout(patience);
    }
  }

  async #begin(): Promise<void> {
    const { opcode } = await this.ask(startup({}, this.options));
    this.#isSegmented = this.version >= 5;
    if (opcode === READY) return;
    ok(opcode === AUTHENTICATE, `STARTUP was answered with ${opcode}`);
    const credentials = longString("\0cassandra\0cassandra");
    const answer = await this.ask(
      frame(AUTH_RESPONSE, credentials, this.options),
    );
    ok(answer.opcode === AUTH_SUCCESS, errorOf(answer)?.message);
  }

  async #send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.#conn.write(bytes.subarray(at));
    }
  }

  /** Bytes of frames. */
  async #read(bytes: number): Promise<Uint8Array> {
    if (!this.#isSegmented) return await this.#receive(bytes);
    while (this.#payload.length < bytes) {
      const header = await this.#receive(SEGMENT_HEADER);
      const frames = await this.#receive(lengthOf(header, 0));
      await this.#receive(SEGMENT_TRAILER);
      this.#payload = joined(this.#payload, frames);
    }
    const taken = this.#payload.subarray(0, bytes);
    this.#payload = this.#payload.subarray(bytes);
    return taken;
  }

  async #receive(bytes: number): Promise<Uint8Array> {
    const buffer = new Uint8Array(64 * 1024);
    while (this.#received.length < bytes) {
      const read = await this.#conn.read(buffer);
      ok(read !== null, "the connection was closed");
      this.#received = joined(this.#received, buffer.subarray(0, read));
    }
    const taken = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }

  [Symbol.dispose](): void {
    try {
      this.#conn.close();
    } catch { /* its patience was over */ }
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A body behind its warnings, which are a list of texts. */
function unwarned(body: Uint8Array): Uint8Array {
  const view = viewOf(body);
  let at = 2;
  for (let n = view.getUint16(0); n > 0; n--) at += 2 + view.getUint16(at);
  return body.subarray(at);
}

/** The frames of all that such a connection has sent. */
export function framesOf(sent: Uint8Array): Uint8Array[] {
  const version = sent[0];
  const [startup] = plainFrames(sent);
  if (startup === undefined || version! < 5) return plainFrames(sent);
  return [startup, ...plainFrames(payloads(sent.subarray(startup.length)))];
}

function plainFrames(bytes: Uint8Array): Uint8Array[] {
  const view = viewOf(bytes);
  const frames: Uint8Array[] = [];
  for (let at = 0; at + HEADER <= bytes.length;) {
    const end = at + HEADER + view.getUint32(at + 5);
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return frames;
}

function payloads(segments: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at + SEGMENT_HEADER <= segments.length;) {
    const start = at + SEGMENT_HEADER;
    const end = start + lengthOf(segments, at);
    parts.push(segments.subarray(start, end));
    at = end + SEGMENT_TRAILER;
  }
  return joined(...parts);
}

function lengthOf(segment: Uint8Array, at: number): number {
  const [low, middle, high] = segment.subarray(at, at + 3);
  return (low! | middle! << 8 | high! << 16) & SEGMENT_LENGTH;
}
