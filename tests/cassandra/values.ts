/**
 * Values, selectors and relations for the columns of the fixture.
 *
 * @module
 */
import type { Random } from "../random.ts";
import { ADDRESS, COLUMNS } from "./fixture.ts";
import { commas, cql, name, raw, type Token, type Tokens } from "./spelling.ts";

const STRINGS = [
  "''",
  "'x'",
  "'it''s'",
  "'-- no comment'",
  "'/* neither'",
  "' from secret.t '",
  "$$x$$",
  "$$it's$$",
  "$$ $ from secret.t; -- $$",
  `'"'`,
  "'ünï ☃'",
];

const LITERALS: Readonly<Record<string, readonly string[]>> = {
  text: STRINGS,
  int: ["0", "1", "-1", "42", "7", "(int)3", "(int) 4"],
  bigint: ["0", "-9", "1234567890123"],
  boolean: ["true", "FALSE", "True"],
  double: [
    "1.5",
    "-0.25",
    "1e3",
    "1.",
    "1.5E-3",
    "NaN",
    "-nan",
    "Infinity",
    "-INFINITY",
    "3",
  ],
  duration: [
    "1h30m",
    "-1mo",
    "1y2mo3w4d5h6m7s8ms9us10ns",
    "P1Y2M3DT4H5M6S",
    "P2W",
    "PT5S",
    "-P1D",
    "P0001-02-03T04:05:06",
    "1µs",
  ],
  uuid: [
    "12345678-1234-1234-1234-123456789abc",
    "ABCDEF01-0000-4000-8000-00000000000F",
    "uuid()",
  ],
  blob: ["0x", "0xCAFE", "0Xff00", "textAsBlob('x')"],
  timestamp: [
    "1",
    "'2020-01-02'",
    "'2020-01-02T03:04:05Z'",
    "toTimestamp(now())",
  ],
  float: ["1.0", "-2", "0.5"],
};

/** A value that a column of this type takes. */
export function value(random: Random, type: string): Tokens {
  if (random.below(20) === 0) return "NULL";
  return constant(random, type);
}

/** As {@linkcode value}, but never null. */
export function constant(random: Random, type: string): Tokens {
  const literals = LITERALS[type];
  if (literals) return raw(random.pick(literals));
  const many = random.below(3) + 1;
  const of = (element: string) =>
    commas(Array.from({ length: many }, () => constant(random, element)));
  switch (type) {
    case "set<text>":
      return cql`{ ${of("text")} }`;
    case "list<int>":
      return cql`[ ${of("int")} ]`;
    case "vector<float, 3>":
      return cql`[ ${commas([1, 2, 3].map(() => constant(random, "float")))} ]`;
    case "map<text, int>":
      return cql`{ ${
        commas(Array.from({ length: many }, () =>
          cql`${constant(random, "text")} : ${constant(random, "int")}`))
      } }`;
    case "tuple<int, text>":
      return cql`( ${constant(random, "int")} , ${constant(random, "text")} )`;
  }
  const fields = Object.entries(ADDRESS).map(([field, type]) =>
    cql`${name(random, field)} : ${value(random, type)}`
  );
  return cql`{ ${commas(fields)} }`;
}

/** A column of the fixture, spelled. */
export function column(random: Random, column: string): Token {
  return name(random, column);
}

/** Columns that are not of the key, nor static. */
export const PLAIN_COLUMNS = Object.keys(COLUMNS).filter((c) =>
  !["k", "C", "fixed"].includes(c)
);

/** `*`, or things selected. */
export function selection(random: Random, keyspace: () => Tokens): Tokens {
  if (random.below(5) === 0) return "*";
  const one = () => {
    const it = selector(random, 2, keyspace);
    return random.below(4) === 0
      ? cql`${it} AS ${
        name(random, random.pick(["x", "From", "as", "ttl", "count"]))
      }`
      : it;
  };
  return commas(Array.from({ length: 1 + random.below(4) }, one));
}

function selector(
  random: Random,
  depth: number,
  keyspace: () => Tokens,
): Tokens {
  const n = (c: string) => name(random, c);
  const inner = () =>
    depth > 0 ? selector(random, depth - 1, keyspace) : n("a");
  switch (random.below(depth > 0 ? 30 : 4)) {
    case 4:
      return cql`COUNT ( * )`;
    case 5:
      return cql`WRITETIME ( ${n("a")} )`;
    case 6:
      return cql`TTL ( ${n("text")} )`;
    case 7:
      return cql`MAXWRITETIME ( ${n("tags")} )`;
    case 8:
      return cql`CAST ( ${n("a")} AS TEXT )`;
    case 9:
      return cql`TOKEN ( ${n("k")} )`;
    case 10:
      return cql`${n("place")} . ${n("street")}`;
    case 11:
      return cql`${n("counts")} [ ${constant(random, "text")} ]`;
    case 12:
      return cql`${n("tags")} [ ${raw("'a'")} .. ${raw("'b'")} ]`;
    case 13:
      return cql`${n("a")} + ${n("k")} * ${raw("2")} - ( ${n("a")} )`;
    case 14:
      return cql`- ${n("a")}`;
    case 15:
      return cql`( INT ) ${raw("5")}`;
    case 16:
      return cql`${keyspace()} . ${name(random, "plus")} ( ${n("a")} , ${
        raw("1")
      } )`;
    case 17:
      return cql`system . ${name(random, "plus")} ( ${n("a")} )`; // refused: no such function
    case 18:
      return cql`( ${n("a")} , ${n("text")} )`;
    case 19:
      return cql`[ ${n("a")} , ${n("k")} ]`;
    case 20:
      return cql`( map < text , int > ) { ${raw("'a'")} : ${n("a")} }`;
    case 21:
      return cql`${
        raw(
          random.pick([
            "toJson",
            "min",
            "MAX",
            "mask_null",
            "blobAsText",
            "typeAsBlob",
            "to_json",
          ]),
        )
      } ( ${inner()} )`;
    case 22:
      return cql`mask_inner ( ${n("text")} , ${raw("1")} , NULL )`;
    case 23:
      return cql`similarity_cosine ( ${n("vec")} , [ ${raw("1.0")} , ${
        raw("2")
      } , ${raw("3")} ] )`;
    case 24:
      return cql`( ${inner()} )`;
    case 25:
      return cql`${keyspace()} . ${name(random, "total")} ( ${n("a")} )`;
    case 26:
      return cql`( ${n("a")} % ${raw("3")} ) / ${n("k")}`;
  }
  return n(random.pick(Object.keys(COLUMNS)));
}

/** What a WHERE says of the partition, and perhaps of more. @returns and whether it needs ALLOW FILTERING */
export function condition(
  random: Random,
): { tokens: Tokens; filtering: boolean } {
  const n = (c: string) => name(random, c);
  const int = () => constant(random, "int");
  const key = random.pick([
    () => cql`${n("k")} = ${int()}`,
    () => cql`${n("k")} IN ( ${commas([int(), int(), raw("9")])} )`,
    () => cql`( ${n("k")} = ${int()} )`,
    () => cql`( ( ${n("k")} = ${int()} ) )`,
    () => cql`${n("k")} IN ( )`,
    () => cql`TOKEN ( ${n("k")} ) > ${raw("-5")}`,
    () => cql`TOKEN ( ${n("k")} ) <= TOKEN ( ${int()} )`,
  ])();
  const comparison = random.pick(["=", "<", "<=", ">", ">="]);
  const more = random.pick<() => Tokens>([
    () => [],
    () => [],
    () => cql`AND ${n("C")} ${comparison} ${int()}`,
    () => cql`AND ( ${n("C")} ) ${comparison} ( ${int()} )`,
    () => cql`AND ( ${n("C")} ) IN ( ( ${int()} ) , ( ${int()} ) )`,
    () => cql`AND ${n("C")} IN ( ${int()} , ${int()} )`,
    () => cql`AND ${n("tags")} CONTAINS ${constant(random, "text")}`,
    () => cql`AND ${n("counts")} CONTAINS KEY ${constant(random, "text")}`,
    () => cql`AND ${n("counts")} [ ${constant(random, "text")} ] = ${int()}`,
    () => cql`AND ${n("a")} ${comparison} ${int()}`,
    () =>
      cql`AND ${n("text")} = ${constant(random, "text")} AND ${n("flag")} = ${
        constant(random, "boolean")
      }`,
    () => cql`AND ${n("C")} > ${raw("1")} AND ${n("C")} < ${raw("9")}`,
    () => cql`AND ${n("id")} = ${constant(random, "uuid")}`,
    () => cql`AND ${n("a")} BETWEEN ${raw("1")} AND ${raw("2")}`, // of later versions
    () => cql`AND ${n("text")} LIKE ${raw("'x%'")}`, // wants an index
  ])();
  return { tokens: [key, more], filtering: true };
}
