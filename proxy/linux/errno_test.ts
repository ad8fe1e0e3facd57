/** Numbers and texts of the system's errors, against what others know of them. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { constants } from "node:os";
import * as errno from "./errno.ts";
import { openLibc } from "./libc.ts";

const ignore = Deno.build.os !== "linux";
const numbers = Object.entries(errno).filter(([, value]) =>
  typeof value === "number"
) as [keyof typeof constants.errno, number][];

Deno.test({
  name: "every number is the one that the runtime has for the name",
  ignore,
  fn() {
    assert(numbers.length > 10);
    const known = numbers.filter(([name]) => name in constants.errno);
    assert(known.length > 10);
    assertEquals(
      known,
      known.map(([name]) => [name, constants.errno[name]]),
    );
  },
});

Deno.test("a SystemError says call, text and number", () => {
  const error = new errno.SystemError("bind", 98, "Address already in use");
  assertEquals(
    `${error}`,
    "SystemError: bind: Address already in use (os error 98)",
  );
  assertEquals([error.call, error.errno], ["bind", 98]);
});

Deno.test({
  name: "the text of a number is the one that the system's own programs print",
  ignore,
  fn() {
    const libc = openLibc({});
    try {
      // What the runtime prints of a file that is not there comes from the system too.
      let own = "";
      try {
        Deno.readTextFileSync("/nowhere/at/all");
      } catch (error) {
        own = (error as Error).message;
      }
      const text = `${libc.text(errno.ENOENT)} (os error ${errno.ENOENT})`;
      assert(own.includes(text), `${own} has not ${text}`);
      const texts = numbers.map(([, number]) => libc.text(number));
      assertEquals(new Set(texts).size, numbers.length, `${texts}`);
    } finally {
      libc.close();
    }
  },
});

Deno.test({
  name: "a number that the system does not know has a text too",
  ignore,
  fn() {
    const libc = openLibc({});
    try {
      for (const number of [123_456, -1]) {
        assert(libc.text(number).includes(String(number)));
      }
    } finally {
      libc.close();
    }
  },
});
