/**
 * Meta commands `mn mg ms md ma me`, read as memcached 1.6 reads them
 * (proto_text.c, `_meta_flag_preparse` and the functions that call it).
 *
 * A meta command belongs to the group of what it does: `ms` in append mode is
 * an append, `mg` with a TTL is also a touch.
 *
 * @module
 */
import { bytes } from "parley/proxylib";
import { decodeKey, isCanonical } from "./base64.ts";
import { isPlain, isSigned, isUnsigned, signed32 } from "./numbers.ts";
import { BODY_MAX, KEY_MAX, REQUEST, type Request } from "./request.ts";

/** `MFLAG_MAX_OPT_LENGTH`, less the terminal token that the server counts. */
const WORDS_MAX = 19;
const BAD_FORMAT = "CLIENT_ERROR bad command line format";
const BAD_TOKEN = "CLIENT_ERROR bad token in command line format";
const BAD_FLAG = "CLIENT_ERROR invalid or duplicate flag";

/** Reads the words of a line; nothing if the first is no meta command. */
export function readMeta(words: readonly string[]): Request | undefined {
  switch (words[0]) {
    case "mn":
      return { ...meta("mn", "noop"), shape: "mn" };
    case "mg":
      return readGet(words);
    case "ms":
      return readSet(words);
    case "md":
      return readDelete(words);
    case "ma":
      return readArithmetic(words);
    case "me":
      return readDebug(words);
    default:
      return undefined;
  }
}

function readGet(words: readonly string[]): Request {
  const request = keyed("mg", "get", words);
  const early = misshapen(words, "CLIENT_ERROR options flags are too long");
  if (early) return refused(request, early);
  const flags = readFlags(words, 2);
  const also = [...flags.has("T") ? ["touch"] : [], ...vivifies(flags)];
  const asked = { ...flagged(request, words, flags), also };
  return flags.error ? refused(asked, flags.error) : asked;
}

const SET_MODES: ReadonlyMap<string, string> = new Map([
  ["", "set"],
  ["S", "set"],
  ["E", "add"],
  ["A", "append"],
  ["P", "prepend"],
  ["R", "replace"],
]);

/** `ms <key> <length> <flags>*`, then the data block. */
function readSet(words: readonly string[]): Request {
  const request = keyed("ms", "set", words);
  const early = misshapen(words, "CLIENT_ERROR options flags too long") ??
    (words.length === 2 ? BAD_FORMAT : undefined);
  if (early) return refused(request, early);
  const size = signed32(words[2]!);
  if (size === undefined || size < 0 || size > BODY_MAX) {
    return refused(request, BAD_FORMAT);
  }
  // From here on the server takes the data block, also behind an error.
  const flags = readFlags(words, 3);
  const mode = SET_MODES.get(flags.mode);
  const isCas = flags.has("C") && (mode === "set" || mode === "replace");
  const extends_ = mode === "append" || mode === "prepend";
  const read = flagged(request, words, flags);
  const asked: Request = {
    ...read,
    ask: isCas ? "cas" : mode ?? "set",
    also: extends_ ? vivifies(flags) : [],
    body: size + 2,
    ambiguous: read.ambiguous || !isPlain(words[2]!),
  };
  const error = flags.error ??
    (mode ? undefined : "CLIENT_ERROR invalid mode for ms M token");
  return error ? refused(asked, error) : asked;
}

function readDelete(words: readonly string[]): Request {
  const request = keyed("md", "delete", words);
  const early = misshapen(words, "CLIENT_ERROR options flags too long");
  if (early) return refused(request, early);
  const flags = readFlags(words, 2);
  const also = flags.has("T") ? ["touch"] : [];
  const asked = { ...flagged(request, words, flags), also };
  return flags.error ? refused(asked, BAD_FLAG) : asked;
}

const ARITHMETIC_MODES: ReadonlyMap<string, string> = new Map([
  ["", "incr"],
  ["I", "incr"],
  ["+", "incr"],
  ["D", "decr"],
  ["-", "decr"],
]);

function readArithmetic(words: readonly string[]): Request {
  const request = keyed("ma", "incr", words);
  const early = misshapen(words, "CLIENT_ERROR options flags too long");
  if (early) return refused(request, early);
  const flags = readFlags(words, 2);
  const mode = ARITHMETIC_MODES.get(flags.mode);
  const also = [...flags.has("T") ? ["touch"] : [], ...vivifies(flags)];
  const asked = {
    ...flagged(request, words, flags),
    ask: mode ?? "incr",
    also,
  };
  if (flags.error) return refused(asked, BAD_FLAG);
  return mode
    ? asked
    : refused(asked, "CLIENT_ERROR invalid mode for ma M token");
}

/** `me` shows an item's metadata; it belongs to no group, so only `{}` covers it. */
function readDebug(words: readonly string[]): Request {
  const request = keyed("me", undefined, words);
  const key = words[1];
  if (key === undefined || key.length > KEY_MAX) {
    return refused(request, BAD_FORMAT);
  }
  if (words[2] !== "b") return request;
  const decoded = decodeKey(key);
  if (decoded === undefined) return refused(request, BAD_FORMAT);
  return { ...request, keys: [decoded], ambiguous: !isCanonical(key) };
}

/** The flags of a command, as far as they matter here. */
class Flags {
  readonly #seen = new Map<string, string>();
  /** The server's error, if it refuses the flags. */
  error: string | undefined;

  has(flag: string): boolean {
    return this.#seen.has(flag);
  }

  /** A flag's argument. */
  get(flag: string): string | undefined {
    return this.#seen.get(flag);
  }

  add(flag: string, argument: string): void {
    this.#seen.set(flag, argument);
  }

  get mode(): string {
    return this.#seen.get("M") ?? "";
  }
}

/** Flags without an argument that the server looks at, and those whose argument is free. */
const FREE = new Set("OPLkstcfvhulqI");

/**
 * Reads flags from a word on. The first unknown or repeated flag ends the
 * reading; of other errors the last one is answered.
 */
function readFlags(words: readonly string[], start: number): Flags {
  const flags = new Flags();
  for (const word of words.slice(start)) {
    const flag = word[0]!;
    if (flag.charCodeAt(0) >= 127 || flags.has(flag)) {
      flags.error = "CLIENT_ERROR duplicate flag";
      return flags;
    }
    flags.add(flag, word.slice(1));
    const check = CHECKS[flag];
    if (!check && !FREE.has(flag)) {
      flags.error = "CLIENT_ERROR invalid flag";
      return flags;
    }
    flags.error = check?.(word.slice(1), words[1]!, flags.error) ?? flags.error;
  }
  return flags;
}

type Check = (
  argument: string,
  key: string,
  before: string | undefined,
) => string | undefined;

const seconds: Check = (argument) => isSigned(argument) ? undefined : BAD_TOKEN;

function unsigned(error: string): Check {
  return (argument) => isUnsigned(argument) ? undefined : error;
}

/** Flags whose argument the server checks; each yields its error. */
const CHECKS: Readonly<Record<string, Check>> = {
  b: (_, key) => decodeKey(key) ? undefined : "CLIENT_ERROR error decoding key",
  N: seconds,
  T: seconds,
  R: seconds,
  // The server leaves the error that was there, or its first one.
  F: (argument, _, before) =>
    isUnsigned(argument) ? undefined : before ?? BAD_FORMAT,
  C: unsigned(BAD_TOKEN),
  M: (argument) =>
    argument.length === 1
      ? undefined
      : "CLIENT_ERROR incorrect length for M token",
  J: unsigned("CLIENT_ERROR invalid numeric initial value"),
  D: unsigned("CLIENT_ERROR invalid numeric delta value"),
};

/** What goes wrong before the server looks at the flags. */
function misshapen(
  words: readonly string[],
  tooManyFlags: string,
): string | undefined {
  if (words.length < 2) return "ERROR";
  if (words[1]!.length > KEY_MAX) return BAD_FORMAT;
  return words.length > WORDS_MAX ? tooManyFlags : undefined;
}

function meta(name: string, ask: string | undefined): Request {
  return {
    ...REQUEST,
    protocol: "meta",
    name,
    ...(ask === undefined ? {} : { ask }),
  };
}

function keyed(
  name: string,
  ask: string | undefined,
  words: readonly string[],
): Request {
  return { ...meta(name, ask), keys: words.slice(1, 2), keyed: true };
}

/** What flags change of any request: the key's encoding, quiet mode, the denial's identity. */
function flagged(
  request: Request,
  words: readonly string[],
  flags: Flags,
): Request {
  const decoded = flags.has("b") ? decodeKey(words[1]!) : undefined;
  return {
    ...request,
    ...(decoded ? { keys: [decoded], ambiguous: !isCanonical(words[1]!) } : {}),
    token: flags.get("O") ?? "",
    answered: flags.has("q") ? "perhaps" : "always",
  };
}

/** A miss that makes an item is an add. */
function vivifies(flags: Flags): string[] {
  return flags.has("N") ? ["add"] : [];
}

function refused(request: Request, error: string): Request {
  return { ...request, refusal: { answer: bytes(`${error}\r\n`) } };
}
