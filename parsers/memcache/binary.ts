/**
 * The binary protocol, read as memcached 1.6 reads it (proto_bin.c).
 *
 * A packet is a header of 24 bytes, extras, a key and a value. The header says
 * how long each is; which lengths an opcode allows, and what the server does
 * with bytes that it did not ask for, decides where the next request begins.
 *
 * @module
 */
import {
  bytes,
  error,
  fixed,
  latin1,
  part,
  pass,
  unsigned,
  type Verdict,
} from "parley/proxylib";
import { FOREIGN_OPCODES, type Opcode, OPCODES } from "./opcodes.ts";
import { BODY_MAX, KEY_MAX, REQUEST, type Request } from "./request.ts";

const HEADER = 24;
const REQUEST_MAGIC = 0x80;
const RESPONSE_MAGIC = 0x81;
const NOOP = 0x0a;
/** Status codes of doc/protocol-binary.txt, and the server's words for them. */
type Status = readonly [code: number, text: string];
const INVALID_ARGUMENTS: Status = [0x0004, "Invalid arguments"];
const UNKNOWN_COMMAND: Status = [0x0081, "Unknown command"];
const ACCESS_DENIED: Status = [0x0008, "access denied"];

/** Whether a connection's first byte makes the server speak binary. */
export function isBinary(first: number): boolean {
  return first === REQUEST_MAGIC;
}

/** The head of a packet: header, extras and key, which the server waits for. */
export function packetHead(data: Uint8Array): Verdict {
  if (data[0] !== REQUEST_MAGIC) return error("binary-magic");
  const header = fixed(data, HEADER);
  if (header.op !== "pass") return header;
  return fixed(data, HEADER + data[4]! + unsigned(data, 2, 2));
}

/** Reads the head of a packet. */
export function readPacket(head: Uint8Array): Request {
  const code = head[1]!;
  const extras = head[4]!;
  const keyBytes = unsigned(head, 2, 2);
  const bodyBytes = unsigned(head, 8, 4);
  const opcode = OPCODES.get(code);
  const request: Request = {
    ...REQUEST,
    protocol: "binary",
    name: opcode?.name ?? FOREIGN_OPCODES.get(code) ?? "unknown",
    ...(opcode ? { ask: opcode.name } : {}),
    ...keysOf(opcode, head, HEADER + extras),
    answered: opcode?.answered ?? "always",
    shape: opcode?.name === "stats" ? "packets" : "packet",
    opcode: code,
    opaque: unsigned(head, 12, 4),
  };
  const rest = bodyBytes - extras - keyBytes;
  if (rest < 0) return closing(request, UNKNOWN_COMMAND);
  // A longer body overflows the server's `int`: how much it skips varies.
  if (keyBytes > KEY_MAX || rest > BODY_MAX) {
    return closing(request, INVALID_ARGUMENTS);
  }
  if (!opcode) return foreign(request, bodyBytes);
  return isTaken(opcode, extras, keyBytes, rest)
    ? withRest(request, opcode, rest)
    : closing(request, INVALID_ARGUMENTS);
}

/**
 * The server answers an unknown opcode and then skips as many bytes as the body
 * has, though it has read extras and key of it already: where these are not
 * empty it skips into the next request. Forwarding one would put server and
 * parser out of step, so none is.
 */
function foreign(request: Request, body: number): Request {
  return {
    ...request,
    body,
    refusal: { answer: response(request, UNKNOWN_COMMAND) },
  };
}

function isTaken(
  { extras, key, rest }: Opcode,
  extraBytes: number,
  keyBytes: number,
  restBytes: number,
): boolean {
  const isKeyRight = key === "maybe" || (key === "none") === (keyBytes === 0);
  return extras.includes(extraBytes) && isKeyRight &&
    (rest !== "none" || restBytes === 0);
}

/** Bytes that the server does not look at are its next request, and other versions may differ. */
function withRest(request: Request, { rest }: Opcode, length: number): Request {
  if (rest === "value") return { ...request, body: length };
  return length > 0 ? { ...request, ambiguous: true } : request;
}

function keysOf(opcode: Opcode | undefined, head: Uint8Array, at: number) {
  const isKeyed = opcode?.key === "one";
  const key = isKeyed && at < head.length ? [latin1(head, at)] : [];
  return { keyed: isKeyed, keys: key };
}

/** The server answers an error and hangs up. */
function closing(request: Request, status: Status): Request {
  const answer = response(request, status);
  return { ...request, refusal: { answer, close: "malformed" } };
}

/** A denial: status 8, with the request's opcode and opaque. */
export function packetDenial(request: Request): Uint8Array {
  return response(request, ACCESS_DENIED);
}

function response(
  { opcode, opaque }: Request,
  [status, text]: Status,
): Uint8Array {
  const packet = new Uint8Array(HEADER + text.length);
  const view = new DataView(packet.buffer);
  packet[0] = RESPONSE_MAGIC;
  packet[1] = opcode;
  view.setUint16(6, status);
  view.setUint32(8, text.length);
  view.setUint32(12, opaque);
  packet.set(bytes(text), HEADER);
  return packet;
}

const BARRIER_OPAQUE = 0x70617279;

/** A NOOP: its reply shows that quiet requests before it are done. */
export const BARRIER: {
  readonly bytes: Uint8Array;
  readonly request: Request;
} = {
  bytes: noop(),
  request: {
    ...REQUEST,
    protocol: "binary",
    name: "noop",
    opcode: NOOP,
    opaque: BARRIER_OPAQUE,
    shape: "packet",
  },
};

function noop(): Uint8Array {
  const packet = new Uint8Array(HEADER);
  packet[0] = REQUEST_MAGIC;
  packet[1] = NOOP;
  new DataView(packet.buffer).setUint32(12, BARRIER_OPAQUE);
  return packet;
}

/**
 * Frames a response. It carries its request's opcode and opaque; `undefined` if
 * they are another's.
 */
export function packetReply(
  data: Uint8Array,
  request: Request | undefined,
): Verdict | undefined {
  const header = fixed(data, HEADER);
  if (header.op !== "pass") return header;
  if (data[0] !== RESPONSE_MAGIC) return error("binary-reply-magic");
  const isIts = !request ||
    (data[1] === request.opcode && unsigned(data, 12, 4) === request.opaque);
  if (!isIts) return undefined;
  const length = HEADER + unsigned(data, 8, 4);
  // Statistics end with a packet without a key, or with an error.
  const goesOn = request?.shape === "packets" && unsigned(data, 2, 2) > 0 &&
    unsigned(data, 6, 2) === 0;
  return goesOn ? part(length) : pass(length);
}
