/** The catalog of the commands that run in a cluster. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { discover } from "../proxy/registry/discover.ts";
import { builtInCatalog } from "./built_in_catalog.ts";
import { BUILT_IN_PARSERS } from "./exit.ts";

Deno.test("builtInCatalog() knows every parser that comes with Parley", async () => {
  const found = await discover(BUILT_IN_PARSERS);
  assertEquals(
    [...builtInCatalog().names()].sort(),
    found.map(({ name }) => name).sort(),
  );
});

Deno.test("builtInCatalog() judges rules as their parsers do", () => {
  const { errors } = builtInCatalog().check("memcache", { command: "gett" });
  assertMatch(errors[0]!.mend, /"gets?"/);
});
