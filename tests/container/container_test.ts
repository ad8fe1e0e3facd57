/**
 * The Containerfile, built for real on a base image that is made here, since no
 * image registry may be at hand: nothing but Deno and the programs it needs.
 */
import { match, strictEqual as assertEquals } from "node:assert/strict";
import { iproute, nftables, testWith } from "../setup/mod.ts";
import { parleyImage } from "./images.ts";
import { containerTools, Store } from "./store.ts";

/** Runs a sidecar until it has said that it listens, a minute at most, and then ends it; what it said. */
const UNTIL_IT_LISTENS = `"$0" "$@" >/tmp/said 2>&1 & looks=0
until grep -q "listener listener-1" /tmp/said || [ $looks -ge 600 ]; do
  looks=$((looks + 1)); sleep 0.1
done
kill $!; wait $!; cat /tmp/said`;

testWith(
  { ...await containerTools(), nft: await nftables(), ip: await iproute() },
  "the image runs as a plain user, has no tests in it and fetches nothing at start",
  async (tools) => {
    await using store = await Store.open(tools.podman);
    const image = await parleyImage(store, tools);
    const run = (...command: readonly string[]) =>
      store.podman(
        ...["run", "--rm", "--no-healthcheck", "--network", "none"],
        ...["--read-only"],
        ...["--entrypoint", JSON.stringify(command), image],
      );
    const [{ Config: config, Healthcheck: health }] = JSON.parse(
      await store.podman("image", "inspect", image),
    );

    assertEquals(config.User, "1337:1337");
    match(await run("id"), /^uid=1337\b.* gid=1337\b/);
    assertEquals(await run("find", "/parley", "-name", "*_test.ts"), "");
    assertEquals(
      config.Labels["org.opencontainers.image.licenses"],
      "Apache-2.0",
    );
    assertEquals(health.Test[0], "CMD");
    const entrypoint: string[] = config.Entrypoint;
    // What had to be fetched would fail.
    match(entrypoint.join(" "), /^deno run .*--cached-only/);
    const list = await run(...entrypoint, "parsers", "list", "--json");
    const names = JSON.parse(list).map(({ name }: { name: string }) => name);
    assertEquals(names.includes("memcache"), true);
    // Its root is read-only, as in a pod; /tmp is not.
    const listening = ["run", "--listen", "127.0.0.1:0"];
    const sidecar = [...entrypoint, ...listening, "--upstream", "127.0.0.1:9"];
    const said = await run(
      "sh",
      "-c",
      UNTIL_IT_LISTENS,
      ...sidecar,
    );
    match(said, /listener listener-1 .* at 127\.0\.0\.1:\d+/);
    match(said, /SIGTERM: no new connections/);
    // The webhook's packages are there too.
    const deno = ["deno", "run", "--cached-only", "--no-prompt"];
    const webhook = [...deno, "-P=webhook", "main.ts", "webhook", "--help"];
    match(await run(...webhook), /--certificate/);
    match(await run("nft", "--version"), /^nftables v/);
  },
);
