/**
 * Random inputs in, around and beside memcached's meta commands.
 *
 * @module
 */
import fc from "fast-check";
import {
  base64,
  endsSoon,
  join,
  mostly,
  noise,
  oddNumber,
  repeated,
  type Text,
  type Vocabulary,
} from "./arbitraries.ts";
import { keyIn } from "./text_inputs.ts";

/** Base64 that decoders differ on, or that none takes. */
const oddBase64: Text = fc.constantFrom(
  ...["YQ", "YQ=", "Y", "YR==", "Y Q==", "YQ==YQ==", "====", "Y===", "-_-_"],
  ...["Y!Q==", "YWI", "YWJj\t", "\xff\xff\xff\xff"],
);

/** A key with what must be said of its encoding; or must not. */
function keyWith(vocabulary: Vocabulary): fc.Arbitrary<[string, string]> {
  const plain = keyIn(vocabulary);
  const encoded = plain.map(base64);
  const pair = (key: Text, flag: Text) => fc.tuple(key, flag);
  return fc.oneof(
    { weight: 12, arbitrary: pair(plain, fc.constant("")) },
    { weight: 4, arbitrary: pair(encoded, fc.constant(" b")) },
    { weight: 1, arbitrary: pair(encoded, fc.constant("")) },
    { weight: 1, arbitrary: pair(plain, fc.constant(" b")) },
    { weight: 1, arbitrary: pair(oddBase64, fc.constant(" b")) },
    { weight: 1, arbitrary: pair(oddNumber, fc.constantFrom("", " b", " bb")) },
  );
}

/** One piece of an input: a meta command in order, or one that is not quite. */
export function metaPiece(vocabulary: Vocabulary): Text {
  const number = vocabulary.unfinished ? oddNumber : oddNumber.filter(endsSoon);
  const lineEnd = mostly("\r\n", "\n", " \r\n", "\0\r\n", "\r\r\n");
  const space = mostly(" ", "  ", "\t", "\0", "");
  const mode = fc.constantFrom(..."SEAPRID+-sexi");
  const flag = fc.oneof(
    {
      weight: 6,
      arbitrary: mostly(
        fc.constantFrom(..."kstcfvhulqI"),
        ...["q1", "kk", "vv", "b"],
      ),
    },
    {
      weight: 2,
      arbitrary: join("O", fc.constantFrom("", "1", "abc", "\xff", "O1")),
    },
    { weight: 1, arbitrary: fc.constantFrom("P", "Pa", "L", "L1") },
    {
      weight: 3,
      arbitrary: join(
        fc.constantFrom(..."NTR"),
        mostly(fc.constantFrom("0", "1000", "-1"), "", number),
      ),
    },
    {
      weight: 3,
      arbitrary: join(
        fc.constantFrom(..."FCJD"),
        mostly(fc.constantFrom("0", "1", "41"), "", number),
      ),
    },
    {
      weight: 3,
      arbitrary: join("M", mostly(mode, "", "SS", "\xff", "switch")),
    },
  );
  const odd = fc.constantFrom("x", "9", "\xff", "\x7f", "W", "-", "noreply");
  const flags = repeated(
    join(space, fc.oneof({ weight: 40, arbitrary: flag }, odd)),
    0,
    5,
  );
  const manyFlags = repeated(flag.map((flag) => ` ${flag}`), 15, 24);
  const flagged = mostly(flags, manyFlags);

  const value = mostly(
    fc.oneof(fc.constantFrom("41", "1"), fc.string({ maxLength: 20 })),
    ...["", "EN\r\nVA 1\r\n", "\r\nmn\r\n", "mn\r\nmd x\r\n"],
    ...["x\r\n".repeat(100), "z".repeat(3000)],
    fc.constantFrom(...vocabulary.keyless).map((line) => `${line}\r\n`),
    noise,
  );
  const slip = fc.oneof(
    { weight: 12, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -3, max: 3 }) },
  );
  const length = (data: string) =>
    mostly(slip.map((by) => String(data.length + by)), number);
  const key = keyWith(vocabulary);

  const set = fc.tuple(key, value).chain(([[key, flag], data]) =>
    join(
      mostly("ms", " ms", "MS"),
      ...[space, key, space, length(data), flag, flagged, lineEnd],
      ...[data, mostly("\r\n", "\n", "", "XX")],
    )
  );
  const other = key.chain(([key, flag]) =>
    join(
      fc.constantFrom("mg", "mg", "mg", "md", "ma", "ma", " mg"),
      ...[space, key, flag, flagged, lineEnd],
    )
  );
  const debug = key.chain(([key, flag]) =>
    join("me", space, key, flag, mostly("", " v", " b"), lineEnd)
  );
  const scrap = fc.constantFrom(
    ...["mn\r\n", "mn\r\n", "mn\n", "mn x\r\n", "mn q O1\r\n", "mnx\r\n"],
    ...["mg\r\n", "ms\r\n", "md\r\n", "ma\r\n", "me\r\n", "m\r\n", "mx a\r\n"],
    ...["mg \r\n", "ms a\r\n", "ms a S2\r\n", "ms a 1 S\r\nx\r\n"],
  );
  return fc.oneof(
    { weight: 6, arbitrary: set },
    { weight: 8, arbitrary: other },
    { weight: 1, arbitrary: debug },
    { weight: 2, arbitrary: scrap },
  );
}
