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
    const licence = "org.opencontainers.image.licenses";
    assertEquals(await image.label(licence), "Apache-2.0");
    // Its user can write below /tmp only, as in a pod whose root is read-only.
    const listening = ["run", "--listen", "127.0.0.1:0"];
    const sidecar = [...entrypoint, ...listening, "--upstream", "127.0.0.1:9"];
    const said = await image.run([
      "sh",
      "-c",
      'timeout 8 "$0" "$@" 2>&1; true',
      ...sidecar,
    ]);
    match(said, /listener listener-1 .* at 127\.0\.0\.1:\d+/);
    match(said, /SIGTERM: no new connections/);
    // The webhook's packages are there too.
    const webhook = [...entrypoint.slice(0, -2), "-P=webhook", "main.ts"];
    match(await image.run([...webhook, "webhook", "--help"]), /--certificate/);
  },
});
