/**
 * Random inputs in, around and beside memcached's classic text protocol.
 *
 * @module
 */
import fc from "fast-check";
import {
  endsSoon,
  join,
  KEY_BYTES,
  mostly,
  noise,
  oddNumber,
  repeated,
  type Text,
  type Vocabulary,
} from "./arbitraries.ts";

/** A key, as a rule a good one. */
export function keyIn({ keys }: Vocabulary): Text {
  return join(
    fc.constantFrom(...keys),
    mostly(
      fc.constantFrom("a", "b"),
      "",
      "x\ty",
      "x\0y",
      "\xff\x80",
      "k".repeat(250 - KEY_BYTES),
      "k".repeat(251 - KEY_BYTES),
      "x\r",
    ),
  );
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

  const key = keyIn(vocabulary);
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
    "z".repeat(3000), // more than the servers of these tests keep
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

/** Whether a text's first byte is for the binary protocol, or TLS, which is refused by design. */
export function isOther(input: string): boolean {
  return input[0] === "\x80" || input[0] === "\x16";
}

/** Whether a line is longer than memcached takes in any but the get family: there the number of reads decides. */
export function hasLongLine(input: string): boolean {
  return input.split("\n").some((line) =>
    line.length > 1900 && !/^ *gets? /.test(line)
  );
}
