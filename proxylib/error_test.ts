import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { ParleyError } from "./error.ts";

Deno.test("ParleyError says what, where, what was found and how to mend it", () => {
  const fault = {
    blame: "operator",
    where: "parley.yaml listeners[0].port",
    found: "expected 1 to 65535, current value is 0",
    mend: "name a port",
  } as const;
  const cause = new Error("below");
  const error = new ParleyError("Cannot listen", fault, { cause });
  assertEquals(
    error.message,
    "Cannot listen at parley.yaml listeners[0].port: " +
      "expected 1 to 65535, current value is 0; name a port",
  );
  assertEquals([error.name, error.fault, error.cause], [
    "ParleyError",
    fault,
    cause,
  ]);
});
