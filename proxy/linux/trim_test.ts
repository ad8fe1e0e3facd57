/** Memory that the C library keeps is given back. */
import { ok as assert } from "node:assert/strict";
import { openTrim } from "./trim.ts";

Deno.test({
  name: "openTrim(): can be called, with whatever C library there is",
  ignore: Deno.build.os !== "linux",
  // The library is meant to stay open as long as the process.
  sanitizeResources: false,
  fn() {
    const trim = openTrim();
    trim();
    assert(Deno.memoryUsage().rss > 0);
  },
});
