import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  throws as assertThrows,
} from "node:assert/strict";
import { BUILT_IN_PARSERS } from "../exit.ts";
import { misspelled, NEW_WORDS, onTouch, reworded } from "./edits.ts";

const source = await Deno.readTextFile(`${BUILT_IN_PARSERS}/memcache/mod.ts`);

function lineOf(text: string, line: number): string {
  return text.split("\n")[line - 1]!.trim();
}

Deno.test("onTouch() tells the line of the statement that it adds", () => {
  const { text, line } = onTouch(source, "for (;;);");
  assertEquals(lineOf(text, line), "for (;;);");
  assertEquals(text.length > source.length, true);
});

Deno.test("onTouch() does not let an edit go unnoticed that changes nothing", () => {
  assertThrows(() => onTouch("export default {};", "for (;;);"), /no line/);
});

Deno.test("misspelled() tells the line of the slip", () => {
  const { text, line } = misspelled(reworded(source));
  assertMatch(lineOf(text, line), /policy "says" no/);
});

Deno.test("reworded() leaves none of the old words", () => {
  const text = reworded(source);
  assertEquals(text.includes(NEW_WORDS), true);
  assertEquals(reworded(text), text);
});
