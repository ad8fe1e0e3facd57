/** The C library as a capability: what it tells of failures, and what is said when it cannot be had. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
  throws as assertThrows,
} from "node:assert/strict";
import { ParleyError } from "parley/proxylib";
import { EBADF_TEXT, runProgram } from "./program_test.ts";
import { SystemError } from "./errno.ts";
import { openLibc } from "./libc.ts";

const ignore = Deno.build.os !== "linux";
const SYMBOLS = {
  close: { parameters: ["i32"], result: "i32" },
  getpid: { parameters: [], result: "i32" },
} as const;

Deno.test({
  name:
    "a call that fails leaves its number, and is told in the system's words",
  ignore,
  fn() {
    const libc = openLibc(SYMBOLS);
    try {
      assertEquals(libc.symbols.close(-1), -1);
      const EBADF = 9;
      assertEquals(libc.errno(), EBADF);
      const error = libc.error("close");
      assert(error instanceof SystemError);
      assertEquals([error.call, error.errno], ["close", EBADF]);
      assertEquals(error.text, libc.text(EBADF));
      assertMatch(error.text, EBADF_TEXT);
    } finally {
      libc.close();
    }
  },
});

Deno.test({
  name: "two openings see the same number: it is the thread's",
  ignore,
  fn() {
    const one = openLibc(SYMBOLS);
    const other = openLibc(SYMBOLS);
    one.symbols.close(-1);
    assertEquals(other.errno(), 9);
    one.close();
    assertEquals(other.symbols.getpid(), Deno.pid, "closed is the one alone");
    other.close();
  },
});

Deno.test({
  name: "a function that the library has not is refused at once",
  ignore,
  fn() {
    assertThrows(() =>
      openLibc({ no_such_function: { parameters: [], result: "i32" } })
    );
  },
});

/** Opens the library as every part of Parley does, and says what comes of it. */
const OPENING = `
import { openLibc } from ${JSON.stringify(import.meta.resolve("./libc.ts"))};
try {
  openLibc({}).close();
  console.log("opened");
} catch (error) {
  console.log(error.name + ": " + error.message);
}`;

Deno.test({
  name:
    "without the permission for foreign functions it is said which is missing",
  ignore,
  async fn() {
    const said = await runProgram(OPENING, ["--allow-read"]);
    assertMatch(said, /^ParleyError: Cannot open the C library at /);
    assertMatch(said, /--allow-ffi/);
    assertMatch(said, /; run on Linux with glibc or musl .*or use --portable/);
  },
});

Deno.test({
  name: "a permission for another library alone is not enough",
  ignore,
  async fn() {
    const said = await runProgram(OPENING, [
      "--allow-read",
      "--allow-ffi=/nowhere/other.so",
    ]);
    assertMatch(said, /^ParleyError: Cannot open the C library at /);
  },
});

Deno.test({
  name:
    "where there is no C library under any known name, the loader's own words and all names are said",
  ignore,
  async fn() {
    // Under names that nobody has, the real loader finds what it finds elsewhere: nothing.
    const said = await runProgram(
      `const dlopen = Deno.dlopen;
       Deno.dlopen = (name, symbols) => dlopen("absent-" + name, symbols);
       ${
        OPENING.replace("import {", "const {").replace(
          "} from ",
          "} = await import(",
        ).replace(";", ");")
      }`,
      ["--allow-all"],
    );
    assertMatch(said, /^ParleyError: Cannot open the C library at /);
    for (const name of ["libc.so.6", "libc.musl-x86_64", "libc.musl-aarch64"]) {
      assert(said.includes(name), `${name} in ${said}`);
    }
    assertMatch(said, /absent-libc\.so\.6/);
    assertMatch(said, /--portable/);
  },
});

Deno.test({
  name:
    "what was opened goes on after the permission was revoked; nothing more is opened",
  ignore,
  async fn() {
    const said = await runProgram(
      `import { openLibc } from ${
        JSON.stringify(import.meta.resolve("./libc.ts"))
      };
       const libc = openLibc({ close: { parameters: ["i32"], result: "i32" } });
       await Deno.permissions.revoke({ name: "ffi" });
       libc.symbols.close(-1);
       console.log(libc.error("close").message);
       try {
         openLibc({});
       } catch (error) {
         console.log(error.name);
       }`,
      ["--allow-ffi", "--allow-read"],
    );
    assertMatch(said, /^close: .*\(os error 9\)\nParleyError\n$/);
  },
});

Deno.test("a ParleyError of it blames the operator", { ignore }, () => {
  const { dlopen } = Deno;
  Deno.dlopen = (() => {
    throw new Error("refused for this test");
  }) as unknown as typeof dlopen;
  try {
    assertThrows(() => openLibc({}), (error: unknown) => {
      assert(error instanceof ParleyError);
      assertEquals(error.fault.blame, "operator");
      assertEquals(error.fault.found, "refused for this test");
      return true;
    });
  } finally {
    Deno.dlopen = dlopen;
  }
});
