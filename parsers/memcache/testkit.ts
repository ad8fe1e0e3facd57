/**
 * What the tests of this folder share: a request in a few words, and packets.
 *
 * @module
 */
import { bytes, fromLatin1, latin1 } from "parley/proxylib";
import type { Request } from "./request.ts";

/**
 * A request on one line, as tables show it:
 * `NAME(ASK) KEYS +BODY ANSWERED ambiguous also MORE O=TOKEN: REFUSAL`.
 * What is as usual is left out; an `ask` of `-` is none.
 */
export function shown(request: Request): string {
  const { name, ask, keys, body, answered, ambiguous, also, token } = request;
  const words = [
    ask === name ? name : `${name}(${ask ?? "-"})`,
    keys.join(","),
    body > 0 ? `+${body}` : "",
    answered === "always" ? "" : answered,
    ambiguous ? "ambiguous" : "",
    also.length > 0 ? `also ${also.join(",")}` : "",
    token === "" ? "" : `O=${token}`,
  ];
  return words.filter((word) => word !== "").join(" ") + refusal(request);
}

function refusal({ refusal, protocol }: Request): string {
  if (!refusal) return "";
  if (!refusal.answer) return ": silence";
  const text = protocol === "binary"
    ? `${refusal.answer[7]} ${latin1(refusal.answer, 24)}`
    : latin1(refusal.answer).replace(/\r\n$/, "");
  return `: ${text}${refusal.close === undefined ? "" : ", closes"}`;
}

/** Parts of a packet; lengths follow from them unless they are given. */
export interface PacketParts {
  /** Bytes, or how many zeros. */
  readonly extras?: Uint8Array | number;
  readonly key?: string;
  readonly value?: string;
  readonly opaque?: number;
  readonly keyBytes?: number;
  readonly bodyBytes?: number;
}

/** A request packet. */
export function packet(opcode: number, parts: PacketParts = {}): Uint8Array {
  return assemble(0x80, opcode, 0, parts);
}

/** A response packet. */
export function response(
  opcode: number,
  parts: PacketParts & { readonly status?: number } = {},
): Uint8Array {
  return assemble(0x81, opcode, parts.status ?? 0, parts);
}

/** The packet of a denial. */
export function denial(opcode: number, opaque = 0): Uint8Array {
  return response(opcode, { opaque, status: 8, value: "access denied" });
}

function assemble(
  magic: number,
  opcode: number,
  status: number,
  { extras = 0, key = "", value = "", opaque = 0, ...given }: PacketParts,
): Uint8Array {
  const ahead = typeof extras === "number" ? new Uint8Array(extras) : extras;
  const body = joined(ahead, fromLatin1(key), fromLatin1(value));
  const header = new Uint8Array(24);
  const view = new DataView(header.buffer);
  header.set([magic, opcode]);
  view.setUint16(2, given.keyBytes ?? key.length);
  header[4] = ahead.length;
  view.setUint16(6, status);
  view.setUint32(8, given.bodyBytes ?? body.length);
  view.setUint32(12, opaque);
  return joined(header, body);
}

/** All pieces in one array; texts stand for their UTF-8 bytes. */
export function joined(...pieces: (Uint8Array | string)[]): Uint8Array {
  const all = pieces.map((piece) =>
    typeof piece === "string" ? bytes(piece) : piece
  );
  const whole = new Uint8Array(
    all.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const piece of all) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
