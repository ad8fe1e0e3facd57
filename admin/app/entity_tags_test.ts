/** RFC 9110 section 8.8.3.2: weak tags are equal for `If-None-Match`, and to nothing for `If-Match`. */
import {
  deepStrictEqual as assertEquals,
  throws as assertThrows,
} from "node:assert/strict";
import { isAtHand, preconditionOf } from "./entity_tags.ts";

function asking(headers: Record<string, string>): Request {
  return new Request("http://parley/", { headers });
}

const LISTS = [
  { field: '"a"', weak: true, strong: true },
  { field: 'W/"a"', weak: true, strong: false },
  { field: '"b", W/"a"', weak: true, strong: false },
  { field: 'W/"b","a"', weak: true, strong: true },
  { field: "*", weak: true, strong: true },
  { field: '"b"', weak: false, strong: false },
  { field: '"A"', weak: false, strong: false },
  { field: '"x,"', weak: false, strong: false },
] as const;

for (const { field, weak, strong } of LISTS) {
  Deno.test(`"a" against ${field}`, () => {
    assertEquals(isAtHand(asking({ "if-none-match": field }), '"a"'), weak);
    const none = preconditionOf(asking({ "if-none-match": field }));
    assertEquals(none('"a"'), !weak);
    assertEquals(none(undefined), true);
    const match = preconditionOf(asking({ "if-match": field }));
    assertEquals(match('"a"'), strong);
    assertEquals(match(undefined), false);
  });
}

Deno.test("a tag with a comma is one tag", () => {
  const request = asking({ "if-match": '"a,b", "c"' });
  assertEquals(['"a,b"', '"a', 'b"', '"c"'].map(preconditionOf(request)), [
    true,
    false,
    false,
    true,
  ]);
});

Deno.test("what is no list of tags meets no condition of a change", () => {
  for (const field of ["a", '"a', '"a",', 'w/"a"', "**"]) {
    assertThrows(
      () => preconditionOf(asking({ "if-match": field })),
      /no list/,
    );
    assertEquals(isAtHand(asking({ "if-none-match": "a" }), '"a"'), false);
  }
});
