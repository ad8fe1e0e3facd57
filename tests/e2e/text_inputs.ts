/**
 * Random inputs in, around and beside memcached's text protocol, as fast-check
 * arbitraries. Texts have one character a byte; {@linkcode KEY} stands for the
 * beginning of the keys of one case.
 *
 * @module
 */
import fc from "fast-check";

/** Stands for a case's own key prefix. */
export const KEY = "\u0100";

type Text = fc.Arbitrary<string>;

/** Mostly the first, now and then one of the others. */
function mostly(usual: Text | string, ...others: (Text | string)[]): Text {
  return fc.oneof(
    { weight: 15 * others.length, arbitrary: text(usual) },
    ...others.map((other) => ({ weight: 1, arbitrary: text(other) })),
  );
}

function text(item: Text | string): Text {
  return typeof item === "string" ? fc.constant(item) : item;
}

function join(...items: (Text | string)[]): Text {
  return fc.tuple(...items.map(text)).map((texts) => texts.join(""));
}

function repeated(item: Text, minLength: number, maxLength: number): Text {
  return fc.array(item, { minLength, maxLength }).map((texts) =>
    texts.join("")
  );
}

/** Bytes of any kind. */
const noise: Text = fc.array(fc.nat(255), { minLength: 1, maxLength: 60 })
  .map((bytes) => String.fromCharCode(...bytes));

/** Words that servers have been known to read as numbers, or not to. */
const oddNumber: Text = fc.constantFrom(
  ...["-1", "+3", "007", "-0", "1x", "x", "0x10", "1e3", "1.5", "--1", "+"],
  ...["4294967295", "4294967296", "2147483647", "2147483648", "-2147483648"],
  ...["18446744073709551615", "18446744073709551616"],
  ...["9223372036854775807", "-9223372036854775809", "noreply"],
  ...["\t5", "5\t", "5\t9", "5\v", "\f5", "5\0", "5\r", "\r5"],
);

/** Too big, or not at all, to leave the server waiting for a value that never comes. */
const endsSoon = (number: string) => !/\d{4}/.test(number) || /^-/.test(number);

/** Where commands and keys come from, for one family of inputs. */
export interface Vocabulary {
  /** Beginnings of keys. */
  readonly keys: readonly string[];
  /** Commands without keys. */
  readonly keyless: readonly string[];
  /** Whether a value may be left unfinished at the end of the input. */
  readonly unfinished: boolean;
}

/** One piece of an input: a request in order, one that is not quite, or noise. */
export function piece(vocabulary: Vocabulary): Text {
  const number = vocabulary.unfinished ? oddNumber : oddNumber.filter(endsSoon);
  const space = mostly(" ", "  ", "\t", "\0", "");
  const lineEnd = mostly(
    "\r\n",
    "\n",
    " \r\n",
    "\r\r\n",
    "\0\r\n",
    "\0get x\r\n",
    "\r",
  );
  const start = mostly("", " ", "   ", "\t", "\r");

  const key = join(
    fc.constantFrom(...vocabulary.keys),
    mostly(
      fc.constantFrom("a", "b"),
      "",
      "x\ty",
      "x\0y",
      "\xff\x80",
      "k".repeat(240),
      "k".repeat(250),
      "x\r",
    ),
  );
  const keyword = mostly(key, "", "noreply", number);
  const flags = mostly("0", "7", number);
  const exptime = mostly("0", "1000", number);
  const noreply = mostly("", " noreply", " noreply ", " NOREPLY", " x", " 0");

  /** What stands where a value is expected. */
  const value = mostly(
    fc.oneof(fc.constantFrom("41", "1"), fc.string({ maxLength: 20 })),
    "",
    fc.constantFrom(...vocabulary.keyless).map((line) => `${line}\r\n`),
    join("get ", key, "\r\n"),
    join("\r\nset ", key, " 0 0 1\r\nx"),
    "END\r\nVALUE x 0 1\r\n",
    "x\r\n".repeat(100),
    noise,
  );
  const slip = fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.integer({ min: -3, max: 3 }) },
  );
  const length = (data: string) =>
    fc.oneof(
      { weight: 9, arbitrary: slip.map((by) => String(data.length + by)) },
      { weight: 1, arbitrary: number },
    );
  const storage = value.chain((data) =>
    join(
      start,
      fc.constantFrom("set", "set", "add", "replace", "append", "prepend"),
      ...[space, keyword, space, flags, space, exptime, space, length(data)],
      ...[noreply, lineEnd, data, mostly("\r\n", "\n", "", "XX", "\r\r\n")],
    )
  );
  const cas = value.chain((data) =>
    join(
      ...["cas ", keyword, " ", flags, " ", exptime, " ", length(data), space],
      ...[mostly("1", number, ""), noreply, lineEnd, data, "\r\n"],
    )
  );
  const get = join(
    start,
    fc.constantFrom("get", "get", "gets", "bget", "GET"),
    repeated(join(space, keyword), 0, 30),
    lineEnd,
  );
  const gat = join(
    fc.constantFrom("gat", "gats"),
    ...[space, exptime, repeated(join(space, keyword), 0, 5), lineEnd],
  );
  const change = join(
    start,
    fc.constantFrom("incr", "decr", "touch"),
    ...[space, keyword, space, mostly("1", "1000", number), noreply, lineEnd],
  );
  const remove = join(
    "delete",
    ...[space, keyword, mostly("", " 0", " 1", " x"), noreply, lineEnd],
  );
  const keyless = join(
    start,
    fc.constantFrom(...vocabulary.keyless),
    noreply,
    lineEnd,
  );
  const scrap = fc.oneof(
    fc.constantFrom("\r\n", "\n", " \r\n", "\0\r\n", "x\r\n", "é\r\n", "\r"),
    join(noise, lineEnd),
    join(repeated(keyword.map((word) => `${word} `), 20, 30), lineEnd),
    join("get ", repeated(key.map((word) => `${word} `), 10, 150), lineEnd),
  );
  return fc.oneof(
    ...[storage, storage, cas, get, get, gat, change, remove, keyless, scrap],
  );
}

/** Whether a text is for the binary protocol, a meta command or TLS: refused by design. */
export function isOther(input: string): boolean {
  return input[0] === "\x80" || input[0] === "\x16" ||
    /m[gsdnae](?:[ \r\n]|\0|$)/.test(input);
}

/** Whether a line is longer than memcached takes in any but the get family: there the number of reads decides. */
export function hasLongLine(input: string): boolean {
  return input.split("\n").some((line) =>
    line.length > 1900 && !/^ *gets? /.test(line)
  );
}
