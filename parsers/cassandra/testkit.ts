/**
 * Frames and segments for tests, made from the specifications
 * (native_protocol_v3.spec to _v5.spec) and not with the parser's own code.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { bytes } from "parley/proxylib";

export function joined(...parts: (Uint8Array | string)[]): Uint8Array {
  const all = parts.map((part) =>
    typeof part === "string" ? bytes(part) : part
  );
  const whole = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Big-endian number of `size` bytes. */
export function big(value: number, size: number): Uint8Array {
  return Uint8Array.from(
    { length: size },
    (_, i) => Math.floor(value / 2 ** (8 * (size - 1 - i))) & 0xff,
  );
}

function little(value: number, size: number): Uint8Array {
  return big(value, size).reverse();
}

export const byte = (value: number) => big(value, 1);
export const short = (value: number) => big(value, 2);
export const int = (value: number) => big(value >>> 0, 4);

export function string(text: string | Uint8Array): Uint8Array {
  const data = joined(text);
  return joined(short(data.length), data);
}

export function longString(text: string | Uint8Array): Uint8Array {
  const data = joined(text);
  return joined(int(data.length), data);
}

/** [value]: null is -1, undefined not set. */
export function value(data: string | Uint8Array | null | undefined) {
  if (data === null) return int(-1);
  return data === undefined ? int(-2) : longString(data);
}

export function values(list: readonly (string | null | undefined)[]) {
  return joined(short(list.length), ...list.map(value));
}

export interface FrameOptions {
  readonly version?: number;
  readonly stream?: number;
  readonly flags?: number;
  /** What the header says; the body's length if absent. */
  readonly length?: number;
}

/** A frame of a client. */
export function frame(
  opcode: number,
  body: Uint8Array | string = "",
  { version = 4, stream = 1, flags = 0, length }: FrameOptions = {},
): Uint8Array {
  const data = joined(body);
  return joined(
    byte(version),
    byte(flags),
    short(stream & 0xffff),
    byte(opcode),
    int(length ?? data.length),
    data,
  );
}

/** A frame of the server. */
export function reply(
  opcode: number,
  body: Uint8Array | string = "",
  options: FrameOptions = {},
): Uint8Array {
  return frame(opcode, body, {
    ...options,
    version: 0x80 | (options.version ?? 4),
  });
}

/** Consistency ONE and flags, with what they announce. */
function parameters(version: number, flags: number, rest: Uint8Array) {
  return joined(short(1), version >= 5 ? int(flags) : byte(flags), rest);
}

export interface QueryOptions extends FrameOptions {
  readonly keyspace?: string;
  readonly values?: readonly (string | null | undefined)[];
}

export function query(
  text: string | Uint8Array,
  options: QueryOptions = {},
): Uint8Array {
  const { version = 4, keyspace } = options;
  const flags = (options.values ? 1 : 0) | (keyspace === undefined ? 0 : 0x80);
  const rest = joined(
    options.values ? values(options.values) : "",
    keyspace === undefined ? "" : string(keyspace),
  );
  const body = joined(longString(text), parameters(version, flags, rest));
  return frame(0x07, body, options);
}

export function prepare(
  text: string,
  options: QueryOptions = {},
): Uint8Array {
  const { version = 4, keyspace } = options;
  const flags = version < 5
    ? ""
    : keyspace === undefined
    ? int(0)
    : joined(int(1), string(keyspace));
  return frame(0x09, joined(longString(text), flags), options);
}

export function execute(
  id: string | Uint8Array,
  options: QueryOptions = {},
): Uint8Array {
  const { version = 4, values: list = [] } = options;
  const body = joined(
    string(id),
    version >= 5 ? string("metadata id") : "",
    parameters(version, 1, values(list)),
  );
  return frame(0x0a, body, options);
}

/** A part of a batch: a text, or an id. */
export type Part =
  | { readonly text: string; readonly values?: (string | null | undefined)[] }
  | {
    readonly id: string | Uint8Array;
    readonly values?: (string | null | undefined)[];
  };

export function batch(
  parts: readonly Part[],
  options: QueryOptions = {},
): Uint8Array {
  const { version = 4, keyspace } = options;
  const body = joined(
    byte(0),
    short(parts.length),
    ...parts.map((part) =>
      joined(
        "text" in part
          ? joined(byte(0), longString(part.text))
          : joined(byte(1), string(part.id)),
        values(part.values ?? []),
      )
    ),
    parameters(
      version,
      keyspace === undefined ? 0 : 0x80,
      joined(keyspace === undefined ? "" : string(keyspace)),
    ),
  );
  return frame(0x0d, body, options);
}

export function startup(
  options: Readonly<Record<string, string>> = {},
  frameOptions: FrameOptions = {},
): Uint8Array {
  const all = Object.entries({ CQL_VERSION: "3.0.0", ...options });
  const body = joined(
    short(all.length),
    ...all.flatMap(([name, value]) => [string(name), string(value)]),
  );
  return frame(0x01, body, frameOptions);
}

export function ready(options: FrameOptions = {}): Uint8Array {
  return reply(0x02, "", options);
}

/** RESULT Void. */
export function done(options: FrameOptions = {}): Uint8Array {
  return reply(0x08, int(1), options);
}

export function setKeyspace(
  keyspace: string,
  options: FrameOptions = {},
): Uint8Array {
  return reply(0x08, joined(int(3), string(keyspace)), options);
}

export function preparedReply(
  id: string,
  options: FrameOptions = {},
): Uint8Array {
  const body = joined(int(4), string(id), int(0), int(0), int(0), int(0));
  return reply(0x08, body, options);
}

export function errorReply(
  code: number,
  message: string,
  options: FrameOptions & { readonly rest?: Uint8Array } = {},
): Uint8Array {
  const { rest = "" } = options;
  return reply(0x00, joined(int(code), string(message), rest), options);
}

/** The denial of `what`. */
export function denied(
  what: string,
  options: FrameOptions = {},
): Uint8Array {
  return errorReply(0x2100, `access denied by policy: ${what}`, options);
}

function crc24(data: Uint8Array): number {
  let crc = 0x875060;
  for (const byte of data) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1;
      if (crc & 0x1000000) crc ^= 0x1974f0b;
    }
  }
  return crc;
}

export interface SegmentOptions {
  readonly contained?: boolean;
  /** The header's form; `packed` packs the payload too. */
  readonly lz4?: boolean;
  readonly packed?: boolean;
  /** What the header says of the unpacked size. */
  readonly unpacked?: number;
}

/** A segment of version 5. */
export function segment(
  frames: Uint8Array,
  { contained = true, lz4 = false, packed = false, unpacked }: SegmentOptions =
    {},
): Uint8Array {
  const payload = packed ? packLz4(frames) : frames;
  const size = unpacked ?? (packed ? frames.length : 0);
  const flag = contained ? 1 : 0;
  const head = lz4
    ? little(payload.length + size * 2 ** 17 + flag * 2 ** 34, 5)
    : little(payload.length + flag * 2 ** 17, 3);
  const sum = crc32(payload, crc32(Uint8Array.of(0xfa, 0x2d, 0x55, 0xca)));
  return joined(head, little(crc24(head), 3), payload, little(sum, 4));
}

/** A frame split over segments of so many bytes each. */
export function split(
  frame: Uint8Array,
  size: number,
  options: SegmentOptions = {},
): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < frame.length; at += size) {
    const part = frame.subarray(at, at + size);
    parts.push(segment(part, { ...options, contained: false }));
  }
  return joined(...parts);
}

/** An LZ4 block: literals, and runs of one byte as matches. */
export function packLz4(data: Uint8Array): Uint8Array {
  const out: number[] = [];
  const sizes = (length: number) => {
    if (length < 15) return;
    let rest = length - 15;
    for (; rest >= 255; rest -= 255) out.push(255);
    out.push(rest);
  };
  let literals = 0;
  let at = 0;
  while (at < data.length) {
    let run = 0;
    while (
      at > 0 && data[at + run] === data[at - 1] && at + run < data.length
    ) {
      run++;
    }
    if (run < 8 || at + run >= data.length - 5) {
      at++;
      continue;
    }
    const length = at - literals;
    out.push(Math.min(length, 15) << 4 | Math.min(run - 4, 15));
    sizes(length);
    out.push(...data.subarray(literals, at), 1, 0);
    sizes(run - 4);
    at += run;
    literals = at;
  }
  const length = data.length - literals;
  out.push(Math.min(length, 15) << 4);
  sizes(length);
  return joined(Uint8Array.from(out), data.subarray(literals));
}

/** The body of a frame, as version 3 and 4 pack it. */
export function packed(
  frame: Uint8Array,
  compression: "lz4" | "snappy",
): Uint8Array {
  const body = frame.subarray(9);
  const packed = compression === "lz4"
    ? joined(int(body.length), packLz4(body))
    : packSnappy(body);
  return joined(
    frame.subarray(0, 1),
    byte(frame[1]! | 0x01),
    frame.subarray(2, 5),
    int(packed.length),
    packed,
  );
}

/** A Snappy block of literals, of 60 bytes at most each. */
function packSnappy(data: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = data.length;
  for (; length >= 0x80; length = Math.floor(length / 0x80)) {
    parts.push(byte(length & 0x7f | 0x80));
  }
  parts.push(byte(length));
  for (let at = 0; at < data.length; at += 60) {
    const part = data.subarray(at, at + 60);
    parts.push(byte(part.length - 1 << 2), part);
  }
  return joined(...parts);
}
