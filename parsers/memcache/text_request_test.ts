import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { bytes, fromLatin1, latin1 } from "parley/proxylib";
import type { ReplyShape } from "./request.ts";
import { shown } from "./testkit.ts";
import { readLine } from "./text_request.ts";

/** Lines, without their CRLF, and what must be read of them: see `shown`. */
type Row = [line: string, want: string];

function reads(behaviour: string, rows: readonly Row[]): void {
  for (const [line, want] of rows) {
    const name = line.length > 60 ? `${line.slice(0, 60)}…` : line;
    Deno.test(`readLine ${behaviour}: ${JSON.stringify(name)}`, () => {
      assertEquals(shown(readLine(fromLatin1(`${line}\r\n`))), want);
    });
  }
}

const LONGEST = "k".repeat(250);
const LONGER = "k".repeat(251);
const MANY = Array.from({ length: 40 }, (_, i) => `k${i}`);
const FORMAT = "CLIENT_ERROR bad command line format";
const EXPTIME = "CLIENT_ERROR invalid exptime argument";
const DELTA = "CLIENT_ERROR invalid numeric delta argument";
const USAGE = `${FORMAT}.  Usage: delete <key> [noreply]`;

reads("knows every command", [
  ["get a", "get a"],
  ["get a b a", "get a,b,a"],
  ["gets a", "gets(get) a"],
  ["bget a", "bget(get) a"],
  ["gat 0 a b", "gat a,b"],
  ["gats -1 a", "gats(gat) a"],
  ["set a 1 2 3", "set a +5"],
  ["add a 1 2 3", "add a +5"],
  ["replace a 1 2 3", "replace a +5"],
  ["append a 1 2 3", "append a +5"],
  ["prepend a 1 2 3", "prepend a +5"],
  ["cas a 1 2 3 4", "cas a +5"],
  ["incr a 1", "incr a"],
  ["decr a 1", "decr a"],
  ["touch a 1", "touch a"],
  ["delete a", "delete a"],
  ["flush_all", "flush_all"],
  ["flush_all 10", "flush_all"],
  ["cache_memlimit 64", "cache_memlimit"],
  ["lru mode flat", "lru"],
  ["lru_crawler enable", "lru_crawler"],
  ["misbehave", "misbehave"],
  ["quit", "quit never"],
  ["quit now", "quit never"],
  ["slabs automove 1", "slabs"],
  ["stats items", "stats"],
  ["verbosity 1", "verbosity"],
  ["version", "version"],
  ["watch fetchers", "watch"],
]);

reads("has no rule name for what belongs to no group", [
  ["debugtime p", "debugtime(-)"],
  ["extstore item_age 1", "extstore(-)"],
  ["refresh_certs", "refresh_certs(-)"],
  ["shutdown graceful", "shutdown(-)"],
  ["GET a", "unknown(-)"],
  ["getx a", "unknown(-)"],
  ["get\ta", "unknown(-)"],
  ["mx a", "unknown(-)"],
  ["constructor a", "unknown(-)"],
]);

reads("knows which commands `noreply` silences", [
  ["set a 0 0 3 noreply", "set a +5 never"],
  ["cas a 0 0 3 4 noreply", "cas a +5 never"],
  ["incr a 1 noreply", "incr a never"],
  ["touch a 1 noreply", "touch a never"],
  ["delete a noreply", "delete a never"],
  ["delete a 0 noreply", "delete a never"],
  ["flush_all noreply", "flush_all never"],
  ["flush_all 1 noreply", "flush_all never"],
  ["cache_memlimit 64 noreply", "cache_memlimit never"],
  ["verbosity 1 noreply", "verbosity never"],
  ["lru mode flat noreply", "lru never"],
  ["watch noreply", "watch never"],
  ["extstore item_age 1 noreply", "extstore(-) never"],
  ["slabs automove 1 noreply", "slabs never"],
  ["slabs automove noreply", "slabs never"],
  ["refresh_certs noreply", "refresh_certs(-) perhaps"],
]);

reads("knows where `noreply` is a word like others", [
  ["get noreply", "get noreply"],
  ["get a noreply", "get a,noreply"],
  ["delete noreply", "delete noreply"],
  ["set a 0 0 3 NOREPLY", "set a +5"],
  ["set noreply 0 0 3", "set noreply +5"],
  ["slabs automove", "slabs"],
  ["slabs reassign 1 noreply", "slabs"],
  ["lru_crawler sleep noreply", "lru_crawler"],
  ["stats noreply", "stats"],
  ["version noreply", "version"],
  ["lru", "lru"],
  [`watch${" fetchers".repeat(22)} noreply`, "watch"],
  [`watch${" fetchers".repeat(21)} noreply more`, "watch never"],
]);

reads("answers as the server does if the number of words is wrong", [
  ["get", "get: ERROR"],
  ["gets", "gets(get): ERROR"],
  ["gat", "gat: ERROR"],
  ["set a 0 0", "set a: ERROR"],
  ["set", "set: ERROR"],
  ["set a 0 0 3 noreply noreply", "set a: ERROR"],
  ["cas a 0 0 3", "cas a: ERROR"],
  ["cas a 0 0 3 4 noreply noreply", "cas a: ERROR"],
  ["incr a", "incr a: ERROR"],
  ["decr a 1 2 noreply", "decr a: ERROR"],
  ["touch a", "touch a: ERROR"],
  ["delete", "delete: ERROR"],
  ["delete a 0 0 noreply", "delete a: ERROR"],
  ["flush_all 1 2 noreply", "flush_all: ERROR"],
  ["cache_memlimit 1 2 noreply", "cache_memlimit: ERROR"],
  ["verbosity 1 2 noreply", "verbosity: ERROR"],
  ["", "unknown(-): ERROR"],
  ["   ", "unknown(-): ERROR"],
  ["g", "unknown(-): ERROR"],
  ["\0get a", "unknown(-) ambiguous: ERROR"],
]);

reads("takes no data block where the server would take none", [
  ["set a x 0 3", `set a: ${FORMAT}`],
  ["set a -1 0 3", `set a: ${FORMAT}`],
  ["set a 0 x 3", `set a: ${FORMAT}`],
  ["set a 0 0 x", `set a: ${FORMAT}`],
  ["set a 0 0 3x", `set a: ${FORMAT}`],
  ["set a 0 0 -1", `set a: ${FORMAT}`],
  ["set a 0 0 2147483646", `set a: ${FORMAT}`],
  ["set a 0 0 4294967295", `set a: ${FORMAT}`],
  ["set a 0 0 99999999999999999999", `set a: ${FORMAT}`],
  ["cas a 0 0 3 x", `cas a: ${FORMAT}`],
  [`set ${LONGER} 0 0 3`, `set ${LONGER}: ${FORMAT}`],
  ["set a x 0 3 noreply", "set a never: silence"],
  ["set a 0 0 noreply", "set a never: silence"],
  ["cas a 0 0 3 noreply", "cas a never: silence"],
]);

reads("takes the length that the server takes, and says where that is odd", [
  ["set a 0 0 0", "set a +2"],
  ["set a 0 0 007", "set a +9"],
  ["set a 18446744073709551615 -1 3", "set a +5"],
  ["set a -18446744073709551615 9999999999 3", "set a +5"],
  [`set ${LONGEST} 0 0 3`, `set ${LONGEST} +5`],
  ["set a 0 0 2147483645", "set a +2147483647 ambiguous"],
  ["set a 0 0 4294967299", "set a +5 ambiguous"],
  ["set a 0 0 +3", "set a +5 ambiguous"],
  ["set a 0 0 \t3", "set a +5 ambiguous"],
  ["set a 0 0 3\tx", "set a +5 ambiguous"],
  ["set a 0 0 3\r", "set a +5 ambiguous"],
  ["set a 0 0 -0", "set a +2 ambiguous"],
]);

reads("checks a number after the key, but before the keys of gat", [
  ["incr a x", `incr a: ${DELTA}`],
  ["decr a -1", `decr a: ${DELTA}`],
  ["incr a 18446744073709551616", `incr a: ${DELTA}`],
  ["incr a noreply", "incr a never: silence"],
  [`incr ${LONGER} x`, `incr ${LONGER}: ${FORMAT}`],
  ["touch a x", `touch a: ${EXPTIME}`],
  ["touch a noreply", "touch a never: silence"],
  [`touch ${LONGER} x`, `touch ${LONGER}: ${FORMAT}`],
  ["gat x a", `gat a: ${EXPTIME}`],
  [`gat x ${LONGER}`, `gat ${LONGER}: ${EXPTIME}`],
  [`gat 0 a ${LONGER}`, `gat a,${LONGER}: ${FORMAT}`],
  ["gat 0", "gat"],
  ["gats noreply", `gats(gat): ${EXPTIME}`],
]);

reads("checks the words of delete before its key", [
  ["delete a 0", "delete a"],
  ["delete a 1", `delete a: ${USAGE}`],
  ["delete a 00", `delete a: ${USAGE}`],
  ["delete a 0 0", `delete a: ${USAGE}`],
  ["delete a noreply 0", `delete a: ${USAGE}`],
  ["delete a 1 noreply", "delete a never: silence"],
  [`delete ${LONGER} 1`, `delete ${LONGER}: ${USAGE}`],
  [`delete ${LONGER}`, `delete ${LONGER}: ${FORMAT}`],
  [`delete ${LONGER} noreply`, `delete ${LONGER} never: silence`],
]);

reads("takes any number of keys, none of more than 250 bytes", [
  [`get ${MANY.join(" ")}`, `get ${MANY}`],
  [`gat 0 ${MANY.join(" ")}`, `gat ${MANY}`],
  [`get ${LONGEST}`, `get ${LONGEST}`],
  [`get ${LONGER}`, `get ${LONGER}: ${FORMAT}`],
  [`get ${MANY.join(" ")} ${LONGER}`, `get ${MANY},${LONGER}: ${FORMAT}`],
]);

reads("separates words at spaces alone", [
  ["  get   a  b  ", "get a,b"],
  ["get a\tb", "get a\tb"],
  ["get a\u00a0b", "get a\u00a0b"],
  ["get a\rb", "get a\rb"],
  ["\tget a", "unknown(-)"],
]);

reads("reads nothing behind a NUL, and says so", [
  ["get a\0b c", "get a ambiguous"],
  ["get a \0", "get a ambiguous"],
  ["set a 0 0 3\0noreply", "set a +5 ambiguous"],
  ["ge\0t a", "unknown(-) ambiguous"],
]);

const ENDS: [line: string, want: string][] = [
  ["get a\r\n", "get a"],
  ["get a\n", "get a"],
  ["get a\r\r\n", "get a\r"],
  ["get a \r\n", "get a"],
  ["set a 0 0 3 noreply\n", "set a +5 never"],
  ["\r\n", "unknown(-): ERROR"],
  ["\r\r\n", "unknown(-): ERROR"],
  ["\n", "unknown(-): ERROR"],
  ["a\n", "unknown(-): ERROR"],
  ["mn\n", "mn(noop)"],
  ["mn\r\n", "mn(noop)"],
];

for (const [line, want] of ENDS) {
  Deno.test(`readLine cuts off LF and one CR before it: ${JSON.stringify(line)}`, () => {
    assertEquals(shown(readLine(bytes(line))), want);
  });
}

Deno.test("readLine keeps the bytes of a key", () => {
  const { keys } = readLine(bytes("get é\r\n"));
  assertEquals(keys, [latin1(bytes("é"))]);
});

Deno.test("readLine tells commands with keys from those without", () => {
  const keyed = ["get", "gat 0", "set", "incr", "touch", "delete", "ms", "me"];
  const keyless = ["stats a", "flush_all 1", "slabs a", "mn", "quit", "nope a"];
  const read = (line: string) => readLine(bytes(`${line}\r\n`)).keyed;
  assertEquals(keyed.filter(read), keyed);
  assertEquals(keyless.filter(read), []);
});

const SHAPES: [line: string, shape: ReplyShape][] = [
  ["get a", "values"],
  ["gats 0 a", "values"],
  ["bget a", "values"],
  ["set a 0 0 1", "line"],
  ["stats", "stats"],
  ["lru_crawler metadump all", "dump"],
  ["lru_crawler mgdump all", "dump"],
  ["lru_crawler metadump", "dump"],
  ["lru_crawler crawl all", "line"],
  ["watch", "watch"],
  ["version", "line"],
  ["mn", "mn"],
  ["mg a v", "line"],
  ["nope", "line"],
];

for (const [line, shape] of SHAPES) {
  Deno.test(`readLine expects a reply of kind ${shape} to ${line}`, () => {
    assertEquals(readLine(bytes(`${line}\r\n`)).shape, shape);
  });
}
