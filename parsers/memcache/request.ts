/**
 * Text requests, read as memcached 1.6 reads them (proto_text.c):
 *
 * - a line ends at LF; one CR before it is cut off, unless the line is nothing
 *   but CR; a NUL ends what is read of it;
 * - words are separated by spaces only, so a tab is part of a key;
 * - a storage command takes its data block (length + 2 bytes) only if the server
 *   would: right number of words, key of at most 250 bytes, numbers that parse.
 *
 * Where the server would not, it answers an error at once and reads what
 * follows as the next command. Such a request is *refused* here, in the
 * server's words: it cannot do anything, so it need not travel.
 *
 * @module
 */
import { latin1 } from "parley/proxylib";
import { type Command, COMMANDS } from "./commands.ts";
import { isPlain, isUnsigned, signed32 } from "./numbers.ts";

/** One request. Texts have one character a byte. */
export interface Request {
  /** The name on the wire; `unknown` if no server command has it. */
  readonly name: string;
  /** The command; absent if unknown. */
  readonly command?: Command;
  readonly keys: readonly string[];
  /** Whether the command takes keys at all. */
  readonly keyed: boolean;
  /** Bytes of the data block behind the line, its CRLF included. */
  readonly body: number;
  /** The client asked for no answer. */
  readonly noreply: boolean;
  /** The first argument, for commands whose reply depends on it. */
  readonly argument: string;
  /** Other servers, or other versions, may read this line differently: only the rule `{}` covers it. */
  readonly ambiguous: boolean;
  /** The server's own error, without CRLF, when it is known to refuse the line. */
  readonly refusal?: string;
}

const KEY_MAX = 250;
/** The server's `tokenize_command` stops at 23 words; only the get family reads on. */
const WORDS_MAX = 23;
const INT_MAX = 2147483647;
const BAD_FORMAT = "CLIENT_ERROR bad command line format";
const BAD_EXPTIME = "CLIENT_ERROR invalid exptime argument";

/** The parts that most requests share. */
const PLAIN = {
  keys: [] as readonly string[],
  keyed: false,
  body: 0,
  noreply: false,
  argument: "",
  ambiguous: false,
};

/** Reads one line, its LF included. */
export function readRequest(head: Uint8Array): Request {
  const { text, cut } = lineText(head);
  const words = text.split(" ").filter((word) => word !== "");
  const request = readWords(words);
  return cut ? { ...request, ambiguous: true } : request;
}

/** The line as the server sees it, and whether a NUL cut it short. */
function lineText(head: Uint8Array): { text: string; cut: boolean } {
  const lf = head.length - 1;
  const end = lf > 1 && head[lf - 1] === 0x0d ? lf - 1 : lf;
  const text = latin1(head, 0, end);
  const nul = text.indexOf("\0");
  return nul < 0
    ? { text, cut: false }
    : { text: text.slice(0, nul), cut: true };
}

function readWords(words: readonly string[]): Request {
  const name = words[0] ?? "";
  if (name.length < 2) return { ...PLAIN, name: "unknown", refusal: "ERROR" };
  const command = COMMANDS.get(name);
  if (!command) return { ...PLAIN, name: "unknown" };
  const last = words[Math.min(words.length, WORDS_MAX) - 1];
  const request = {
    ...PLAIN,
    name,
    command,
    noreply: command.noreply && words.length > 1 && last === "noreply",
  };
  switch (command.rule) {
    case "get":
      return readGet(request, words.slice(1));
    case "gat":
      return readGat(request, words);
    case "set":
    case "add":
    case "replace":
    case "append":
    case "prepend":
      return readStorage(request, words, 5);
    case "cas":
      return readStorage(request, words, 6);
    case "incr":
    case "decr":
      return readNumeric(
        request,
        words,
        isUnsigned,
        "CLIENT_ERROR invalid numeric delta argument",
      );
    case "touch":
      return readNumeric(request, words, isSigned, BAD_EXPTIME);
    case "delete":
      return readDelete(request, words);
    case "slabs":
      // Only `slabs automove` looks at `noreply`.
      return {
        ...request,
        argument: words[1] ?? "",
        noreply: words[1] === "automove" && words.length > 2 &&
          last === "noreply",
      };
    default:
      return { ...request, argument: words[1] ?? "" };
  }
}

function readGet(request: Request, keys: readonly string[]): Request {
  const keyed = { ...request, keys, keyed: true };
  if (keys.length === 0) return refused(keyed, "ERROR");
  // The server throws away the replies of earlier requests with this error;
  // kept from it, the order of replies stays known.
  if (keys.some((key) => key.length > KEY_MAX)) {
    return refused(keyed, BAD_FORMAT);
  }
  return keyed;
}

function readGat(request: Request, words: readonly string[]): Request {
  if (words.length < 2) return refused({ ...request, keyed: true }, "ERROR");
  const keyed = { ...request, keys: words.slice(2), keyed: true };
  if (!isSigned(words[1]!)) return refused(keyed, BAD_EXPTIME);
  if (keyed.keys.some((key) => key.length > KEY_MAX)) {
    return refused(keyed, BAD_FORMAT);
  }
  return keyed;
}

/** `<command> <key> <flags> <exptime> <bytes> [<cas unique>] [noreply]` */
function readStorage(
  request: Request,
  words: readonly string[],
  wanted: 5 | 6,
): Request {
  const keyed = { ...request, keys: words.slice(1, 2), keyed: true };
  if (words.length !== wanted && words.length !== wanted + 1) {
    return refused({ ...keyed, noreply: false }, "ERROR");
  }
  const [, key, flags, exptime, length, unique] = words as string[];
  const bytes = signed32(length!);
  const taken = key!.length <= KEY_MAX && isUnsigned(flags!) &&
    isSigned(exptime!) && (wanted === 5 || isUnsigned(unique!)) &&
    bytes !== undefined && bytes >= 0 && bytes <= INT_MAX - 2;
  if (!taken) return refused(keyed, BAD_FORMAT);
  return { ...keyed, body: bytes + 2, ambiguous: !isPlain(length!) };
}

/** `incr|decr|touch <key> <number> [noreply]` */
function readNumeric(
  request: Request,
  words: readonly string[],
  isNumber: (word: string) => boolean,
  badNumber: string,
): Request {
  const keyed = { ...request, keys: words.slice(1, 2), keyed: true };
  if (words.length !== 3 && words.length !== 4) {
    return refused({ ...keyed, noreply: false }, "ERROR");
  }
  if (words[1]!.length > KEY_MAX) return refused(keyed, BAD_FORMAT);
  return isNumber(words[2]!) ? keyed : refused(keyed, badNumber);
}

/** `delete <key> [0] [noreply]` */
function readDelete(request: Request, words: readonly string[]): Request {
  const keyed = { ...request, keys: words.slice(1, 2), keyed: true };
  if (words.length < 2 || words.length > 4) {
    return refused({ ...keyed, noreply: false }, "ERROR");
  }
  // A key named `noreply` asks for nothing.
  const noreply = words.length > 2 && request.noreply;
  const holdIsZero = words[2] === "0";
  const valid = words.length === 2 ||
    (words.length === 3 && (holdIsZero || noreply)) ||
    (words.length === 4 && holdIsZero && noreply);
  const asked = { ...keyed, noreply };
  if (!valid) {
    return refused(asked, `${BAD_FORMAT}.  Usage: delete <key> [noreply]`);
  }
  return words[1]!.length > KEY_MAX ? refused(asked, BAD_FORMAT) : asked;
}

function isSigned(word: string): boolean {
  return signed32(word) !== undefined;
}

function refused(request: Request, refusal: string): Request {
  return { ...request, refusal };
}
