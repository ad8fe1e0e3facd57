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
import { bytes, find, latin1 } from "parley/proxylib";
import { type Command, COMMANDS } from "./commands.ts";
import { readMeta } from "./meta_request.ts";
import { isPlain, isSigned, isUnsigned, signed32 } from "./numbers.ts";
import { BODY_MAX, KEY_MAX, REQUEST, type Request } from "./request.ts";

/** The server's `tokenize_command` stops at 23 words; only the get family reads on. */
const WORDS_MAX = 23;
const BINARY_MAGIC = 0x80;
const SPACE = 0x20;
const NUL = 0;
const BAD_FORMAT = "CLIENT_ERROR bad command line format";
const BAD_EXPTIME = "CLIENT_ERROR invalid exptime argument";
const BAD_DELTA = "CLIENT_ERROR invalid numeric delta argument";

/** One for each command: what a line of it has in common with all others. */
const COMMON = new Map(
  [...COMMANDS].map(([name, { rule, shape }]): [string, Request] => [name, {
    ...REQUEST,
    name,
    ...(rule === undefined ? {} : { ask: rule }),
    shape,
  }]),
);

/** Reads one line, its LF included. */
export function readLine(head: Uint8Array): Request {
  // Text to a server that has read text before, but binary to one whose first
  // byte this is, since what came before was not forwarded.
  if (head[0] === BINARY_MAGIC) return refused(REQUEST, "ERROR");
  const lf = head.length - 1;
  const end = lf > 1 && head[lf - 1] === 0x0d ? lf - 1 : lf;
  const nul = find(head, NUL, 0, end);
  if (nul === end) return readWords(words(head, end));
  return { ...readWords(words(head, nul)), ambiguous: true };
}

/** Words between spaces. */
function words(line: Uint8Array, end: number): string[] {
  const found: string[] = [];
  for (let start = 0; start < end;) {
    const space = find(line, SPACE, start, end);
    if (space > start) found.push(latin1(line, start, space));
    start = space + 1;
  }
  return found;
}

function readWords(words: readonly string[]): Request {
  const name = words[0] ?? "";
  if (name.length < 2) return refused(REQUEST, "ERROR");
  const common = COMMON.get(name);
  if (!common) return readMeta(words) ?? REQUEST;
  switch (common.ask) {
    case "get":
      return readGet(common, words);
    case "gat":
      return readGat(common, words);
    case "set":
    case "add":
    case "replace":
    case "append":
    case "prepend":
      return readStorage(common, words, 5);
    case "cas":
      return readStorage(common, words, 6);
    case "incr":
    case "decr":
      return readNumeric(common, words, isUnsigned, BAD_DELTA);
    case "touch":
      return readNumeric(common, words, isSigned, BAD_EXPTIME);
    case "delete":
      return readDelete(common, words);
    case "quit":
      return silent(common);
    case "slabs": // only `slabs automove` looks at `noreply`
      return words[1] === "automove" && words.length > 2 && endsQuiet(words)
        ? silent(common)
        : common;
    case "lru_crawler":
      return DUMPS.has(words[1] ?? "") ? { ...common, shape: "dump" } : common;
    default:
      return readOther(common, words, COMMANDS.get(name)!);
  }
}

function readOther(
  common: Request,
  words: readonly string[],
  { noreply, wordsMax = Infinity }: Command,
): Request {
  if (words.length > wordsMax) return refused(common, "ERROR");
  return noreply && endsQuiet(words)
    ? { ...common, answered: noreply }
    : common;
}

const DUMPS = new Set(["metadump", "mgdump"]);

/** The server looks at the last word that its tokenizer yields. */
function endsQuiet(words: readonly string[]): boolean {
  return words.length > 1 &&
    words[Math.min(words.length, WORDS_MAX) - 1] === "noreply";
}

function readGet(common: Request, words: readonly string[]): Request {
  return keyed(common, words.slice(1), words.length < 2 ? "ERROR" : undefined);
}

function readGat(common: Request, words: readonly string[]): Request {
  const keys = words.slice(2);
  if (words.length < 2) return keyed(common, keys, "ERROR");
  return keyed(common, keys, isSigned(words[1]!) ? undefined : BAD_EXPTIME);
}

function keyed(
  common: Request,
  keys: readonly string[],
  error: string | undefined,
): Request {
  const request: Request = { ...common, keys, keyed: true };
  if (error !== undefined) return refused(request, error);
  // The server throws away the replies of earlier requests with this error;
  // kept from it, the order of replies stays known.
  const isTooLong = keys.some((key) => key.length > KEY_MAX);
  return isTooLong ? refused(request, BAD_FORMAT) : request;
}

/** `<command> <key> <flags> <exptime> <bytes> [<cas unique>] [noreply]` */
function readStorage(
  common: Request,
  words: readonly string[],
  wanted: 5 | 6,
): Request {
  const request = withKey(common, words);
  if (words.length !== wanted && words.length !== wanted + 1) {
    return refused(request, "ERROR");
  }
  const [, key, flags, exptime, length, unique] = words as string[];
  const size = signed32(length!);
  const asked = endsQuiet(words) ? silent(request) : request;
  const isTaken = key!.length <= KEY_MAX && isUnsigned(flags!) &&
    isSigned(exptime!) && (wanted === 5 || isUnsigned(unique!)) &&
    size !== undefined && size >= 0 && size <= BODY_MAX;
  if (!isTaken) return refused(asked, BAD_FORMAT);
  return { ...asked, body: size + 2, ambiguous: !isPlain(length!) };
}

/** `incr|decr|touch <key> <number> [noreply]` */
function readNumeric(
  common: Request,
  words: readonly string[],
  isNumber: (word: string) => boolean,
  badNumber: string,
): Request {
  const request = withKey(common, words);
  if (words.length !== 3 && words.length !== 4) {
    return refused(request, "ERROR");
  }
  const asked = endsQuiet(words) ? silent(request) : request;
  if (words[1]!.length > KEY_MAX) return refused(asked, BAD_FORMAT);
  return isNumber(words[2]!) ? asked : refused(asked, badNumber);
}

/** `delete <key> [0] [noreply]` */
function readDelete(common: Request, words: readonly string[]): Request {
  const request = withKey(common, words);
  if (words.length < 2 || words.length > 4) return refused(request, "ERROR");
  // A key named `noreply` asks for nothing.
  const isQuiet = words.length > 2 && endsQuiet(words);
  const holdIsZero = words[2] === "0";
  const isValid = words.length === 2 ||
    (words.length === 3 && (holdIsZero || isQuiet)) ||
    (words.length === 4 && holdIsZero && isQuiet);
  const asked = isQuiet ? silent(request) : request;
  if (!isValid) {
    return refused(asked, `${BAD_FORMAT}.  Usage: delete <key> [noreply]`);
  }
  return words[1]!.length > KEY_MAX ? refused(asked, BAD_FORMAT) : asked;
}

function withKey(common: Request, words: readonly string[]): Request {
  return { ...common, keys: words.slice(1, 2), keyed: true };
}

/** Neither a reply nor a denial. */
function silent(request: Request): Request {
  return { ...request, answered: "never" };
}

function refused(request: Request, error: string): Request {
  const answer = request.answered === "never"
    ? undefined
    : bytes(`${error}\r\n`);
  return { ...request, refusal: { answer } };
}
