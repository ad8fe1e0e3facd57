/**
 * HTTP/1.1 as far as the admin listeners speak it: one request, one answer, then
 * the connection is closed. Bodies have a `Content-Length`, and everything has a
 * bound. What could be read in two ways is refused (RFC 9112).
 *
 * @module
 */
import { RequestError, TITLES } from "./problem.ts";

/** Of the request line and the header fields together. */
export const HEAD_MAX = 16 * 1024;
/** Of a body. */
export const BODY_MAX = 64 * 1024;
/** Of the body of a policy. */
const POLICY_MAX = 1024 * 1024;

/** What stands before the body. */
export interface Head {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** `host:port` that the request is meant for, as the client has it. */
  readonly host: string;
  /** By lower-case name; fields that come twice are joined by a comma. */
  readonly headers: ReadonlyMap<string, string>;
  /** Bytes of the body. */
  readonly length: number;
  /** Bytes of the head itself. */
  readonly bytes: number;
}

/** In origin form, or in the absolute form that clients use towards a proxy (RFC 9112 section 3.2): its host counts. */
const REQUEST_LINE =
  /^([A-Z]+) (?:https?:\/\/([^/?#\s]+))?(\/[!-~]*) HTTP\/(\d\.\d)$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([ -~\t]*?)[ \t]*$/;
/** Fields that must not come twice: what they say would be open. */
const ONCE: ReadonlySet<string> = new Set(["host", "content-length"]);

/**
 * The head at the start of what has arrived; nothing while it is not whole.
 *
 * @throws {RequestError} when it is wrong, or too long
 */
export function readHead(bytes: Uint8Array): Head | undefined {
  const end = endOfHead(bytes);
  if (end > HEAD_MAX || (end < 0 && bytes.length > HEAD_MAX)) {
    throw new RequestError(
      431,
      `the request line and header fields have more than ${HEAD_MAX} bytes; send fewer or shorter ones`,
    );
  }
  if (end < 0) return undefined;
  const [line, ...fields] = latin1(bytes.subarray(0, end)).split("\r\n");
  const { method, authority, target, version } = requestLine(line!);
  const headers = readFields(fields);
  if (version === "1.1" && !headers.has("host")) {
    throw new RequestError(400, "there is no Host field; send one");
  }
  return {
    method,
    target,
    host: authority ?? headers.get("host") ?? "",
    headers,
    length: bodyLength(method, target, headers),
    bytes: end + 4,
  };
}

/** Where the empty line begins; -1: it has not arrived. */
function endOfHead(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(CR); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    const isEnd = bytes[at + 1] === LF && bytes[at + 2] === CR &&
      bytes[at + 3] === LF;
    if (isEnd) return at;
  }
  return -1;
}

const CR = 0x0d;
const LF = 0x0a;

/** One character a byte: what is no ASCII matches nothing here. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function requestLine(line: string) {
  const [, method, authority, target, version] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined || target === undefined) {
    throw new RequestError(
      400,
      "the request line is none of HTTP/1.1; send METHOD /path HTTP/1.1",
    );
  }
  if (version !== "1.1" && version !== "1.0") {
    throw new RequestError(
      505,
      `HTTP/${version} is not spoken here; use HTTP/1.1`,
    );
  }
  return { method, authority, target, version };
}

function readFields(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const [index, line] of lines.entries()) {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new RequestError(
        400,
        `header field ${
          index + 1
        } is none; send NAME: VALUE in printable ASCII, on one line`,
      );
    }
    const key = name.toLowerCase();
    const before = headers.get(key);
    if (before !== undefined && ONCE.has(key)) {
      throw new RequestError(400, `${name} comes twice; send it once`);
    }
    headers.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

function bodyLength(
  method: string,
  target: string,
  headers: ReadonlyMap<string, string>,
): number {
  if (headers.has("transfer-encoding")) {
    throw new RequestError(
      411,
      "Transfer-Encoding is not read here; send the body with a Content-Length",
    );
  }
  const written = headers.get("content-length");
  if (written === undefined) return 0;
  if (!/^\d+$/.test(written)) {
    throw new RequestError(400, "Content-Length is no number; send the bytes");
  }
  const length = Number(written);
  const max = method === "PUT" && POLICY.test(target) ? POLICY_MAX : BODY_MAX;
  if (length > max) {
    throw new RequestError(
      413,
      `the body has more than ${max} bytes; send a shorter one`,
    );
  }
  return length;
}

const POLICY = /^\/v1\/policies\/./;

/** The answer as bytes. Its body is read whole. */
export async function encodeResponse(
  response: Response,
  method: string,
): Promise<Uint8Array> {
  const body = new Uint8Array(await response.arrayBuffer());
  const head = encodeHead(
    response,
    BODILESS_ANSWERS.has(response.status) ? undefined : body.length,
  );
  const shown = method === "HEAD" ? body.subarray(0, 0) : body;
  const bytes = new Uint8Array(head.length + shown.length);
  bytes.set(head);
  bytes.set(shown, head.length);
  return bytes;
}

/** They have no body, and no length (RFC 9110 section 8.6). */
const BODILESS_ANSWERS: ReadonlySet<number> = new Set([204, 304]);

/** What stands before the body of an answer. Without a `length` the body, if there is one, ends with the connection. */
export function encodeHead(response: Response, length?: number): Uint8Array {
  return new TextEncoder().encode(
    [
      `HTTP/1.1 ${response.status} ${TITLES[response.status] ?? ""}`,
      ...[...response.headers].map(([name, value]) => `${name}: ${value}`),
      ...(length === undefined ? [] : [`content-length: ${length}`]),
      "connection: close",
      "\r\n",
    ].join("\r\n"),
  );
}
