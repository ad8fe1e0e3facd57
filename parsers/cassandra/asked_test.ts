import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { nothingAsked, readAsked } from "./asked.ts";
import { Reader } from "./reader.ts";
import {
  byte,
  int,
  joined,
  longString,
  short,
  string,
  value,
} from "./testkit.ts";

/** Each parameter of a query with its flag, in the order of the wire; all but the keyspace. */
const PARAMETERS: [flag: number, data: Uint8Array][] = [
  [0x01, joined(short(2), value("a"), value(null))],
  [0x02, joined()],
  [0x04, int(100)],
  [0x08, longString("paging state")],
  [0x10, short(8)],
  [0x20, joined(int(1), int(2))],
];
const KEYSPACE = 0x80;

function keyspaceOf(version: number, flags: number, rest: Uint8Array) {
  const body = joined(
    longString("SELECT"),
    short(1),
    version < 5 ? byte(flags) : int(flags),
    rest,
  );
  const reader = new Reader();
  const asked = nothingAsked();
  reader.open(body, 0, body.length, body.length);
  readAsked(reader, version, 0, 0x07, asked);
  assertEquals(reader.isGood, true);
  assertEquals(asked.text, "SELECT");
  return asked.keyspace;
}

for (const version of [3, 4, 5]) {
  Deno.test(`readAsked() finds the keyspace behind any other parameters, in version ${version}`, () => {
    for (let set = 0; set < 2 ** PARAMETERS.length; set++) {
      const given = PARAMETERS.filter((_, i) => set >> i & 1);
      const flags = given.reduce((sum, [flag]) => sum | flag, 0);
      const rest = joined(...given.map(([, data]) => data));
      assertEquals(keyspaceOf(version, flags, rest), undefined);
      assertEquals(
        keyspaceOf(
          version,
          flags | KEYSPACE | (version < 5 ? 0 : 0x100),
          joined(rest, string("ks"), int(7)),
        ),
        "ks",
      );
    }
  });

  Deno.test(`readAsked() finds the keyspace behind named values, in version ${version}`, () => {
    const rest = joined(
      short(2),
      string("one"),
      value("a"),
      string("two"),
      value(undefined),
      string("ks"),
    );
    assertEquals(keyspaceOf(version, 0x01 | 0x40 | KEYSPACE, rest), "ks");
  });
}

Deno.test("readAsked() takes any negative length for null in version 3", () => {
  const rest = joined(short(1), int(-9), string("ks"));
  assertEquals(keyspaceOf(3, 0x01 | KEYSPACE, rest), "ks");
});

Deno.test("Reader says which bytes it wants, and never beyond the body", () => {
  const reader = new Reader();
  const body = joined(short(3), "abc", int(2));
  for (let have = 0; have <= body.length; have++) {
    reader.open(body, 0, have, body.length);
    const text = reader.string();
    const number = reader.int();
    const wanted = have < 2 ? 2 : have < 5 ? 5 : have < 9 ? 9 : 0;
    assertEquals([reader.wanted, reader.isLying], [wanted, false]);
    if (wanted === 0) assertEquals([text, number], ["abc", 2]);
  }
  reader.open(body, 0, 2, 4);
  reader.string();
  assertEquals([reader.wanted, reader.isLying], [0, true]);
});
