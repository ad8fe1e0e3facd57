/**
 * The Containerfile, built for real on a base image that is made here, since no
 * image registry may be at hand: nothing but Deno and the libraries it needs.
 */
import { match, strictEqual as assertEquals } from "node:assert/strict";
import { Image, missingTool } from "./image.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const missing = await missingTool();

Deno.test({
  name:
    "the image runs as a plain user, has no tests in it and fetches nothing at start" +
    (missing ? ` (skipped: ${missing})` : ""),
  ignore: missing !== undefined,
  async fn() {
    await using image = await Image.build(ROOT);
    assertEquals(await image.configuredUser(), "1337:1337");
    match(await image.run(["id"]), /^uid=1337 gid=1337/);
    const files = await image.run(["find", "/parley", "-name", "*_test.ts"]);
    assertEquals(files, "");
    // --cached-only is in the entrypoint: what had to be fetched would fail.
    const entrypoint = await image.entrypoint();
    assertEquals(entrypoint.includes("--cached-only"), true);
    const list = await image.run([...entrypoint, "parsers", "list", "--json"]);
    const names = JSON.parse(list).map(({ name }: { name: string }) => name);
    assertEquals(names.includes("memcache"), true);
  },
});
