/** What becomes of requests that fail for no fault of the client's. */
import {
  deepStrictEqual as assertEquals,
  rejects as assertRejects,
} from "node:assert/strict";
import { type Administered, STOPPING } from "../proxy/administered.ts";
import { createFront } from "./front.ts";

/** A sidecar that answers nothing, ready or not. */
function failing(reasons: readonly string[]): Administered {
  return {
    unready: () => reasons,
    trace: () => Promise.reject(new Error("its checker ended")),
  } as unknown as Administered;
}

const request = () =>
  new Request("http://parley/v1/trace?port=1&from=10.0.0.1");

Deno.test("what fails while the sidecar stops is a 503, which says so", async () => {
  const response = await createFront(failing(["no worker", STOPPING]))(
    request(),
  );
  assertEquals(
    [response.status, (await response.json()).detail],
    [503, "the sidecar is stopping; ask again when it runs again"],
  );
});

Deno.test("what fails otherwise is a defect, which is not hidden", () =>
  assertRejects(
    createFront(failing(["listener a is down"]))(request()),
    /its checker ended/,
  ));
