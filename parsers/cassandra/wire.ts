/**
 * Numbers of the native protocol (native_protocol_v5.spec, sections 2 and 9;
 * v3 and v4 have the same).
 *
 * @module
 */

/** Versions that are read here. */
export const OLDEST = 3;
export const NEWEST = 5;
/** From this version on frames travel in segments once STARTUP is accepted. */
export const SEGMENTED = 5;

/** The first bit of a frame: it comes from the server. */
export const RESPONSE = 0x80;

/** Opcodes (section 2.4). */
export const ERROR = 0x00;
export const STARTUP = 0x01;
export const READY = 0x02;
export const AUTHENTICATE = 0x03;
export const OPTIONS = 0x05;
export const QUERY = 0x07;
export const RESULT = 0x08;
export const PREPARE = 0x09;
export const EXECUTE = 0x0a;
export const REGISTER = 0x0b;
export const EVENT = 0x0c;
export const BATCH = 0x0d;
export const AUTH_RESPONSE = 0x0f;

/** What the log calls the requests. An opcode that is not here is no request. */
export const REQUESTS: ReadonlyMap<number, string> = new Map([
  [STARTUP, "startup"],
  [OPTIONS, "options"],
  [QUERY, "query"],
  [PREPARE, "prepare"],
  [EXECUTE, "execute"],
  [REGISTER, "register"],
  [BATCH, "batch"],
  [AUTH_RESPONSE, "auth-response"],
]);

/** Flags of a frame (section 2.2). Others are ignored, as the server does. */
export const COMPRESSED = 0x01;
export const TRACING = 0x02;
export const CUSTOM_PAYLOAD = 0x04;
export const WARNING = 0x08;

/** Kinds of a RESULT (section 4.2.5). */
export const SET_KEYSPACE = 3;
export const PREPARED = 4;

/** Error codes (section 9). */
export const PROTOCOL_ERROR = 0x000a;
export const UNAUTHORIZED = 0x2100;
export const UNPREPARED = 0x2500;

/** A frame is limited to 256 MB (section 2.5). */
export const FRAME_MAX = 256 * 1024 * 1024;

/** Bytes before a frame's body. */
export const HEADER = 9;
