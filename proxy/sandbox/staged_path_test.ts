import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { authorsPath, stagedPath } from "./staged_path.ts";

Deno.test("authorsPath() undoes stagedPath(), also within a stack trace", () => {
  assertEquals(authorsPath(stagedPath("lib/a.ts")), "lib/a.ts");
  assertEquals(
    authorsPath("at f (file:///s/mod.ts.js:3:4)"),
    "at f (file:///s/mod.ts:3:4)",
  );
});
