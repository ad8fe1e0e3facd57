/**
 * The patches of tests/kube's pods, as files, so that a change of them is seen
 * in a review. `PARLEY_GOLDEN=write` writes them anew.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { pod, PODS } from "../../tests/kube/pods.ts";
import { inject } from "./inject.ts";
import { difference } from "./patch.ts";
import { OPTIONS } from "./testing.ts";

const FOLDER = new URL("../../tests/kube/patches/", import.meta.url);

/** Those whose patches differ. */
const NAMES = [
  "a pod of its own",
  "a pod of a StatefulSet",
  "a pod with init containers, and a sidecar of its own",
  "a pod with probes of every kind",
  "a pod whose author asks for much",
  "a pod without redirection",
];

for (const name of NAMES) {
  const { metadata, spec } = PODS[name]!;
  Deno.test(`the patch of ${name} is the one on file`, async () => {
    const given = pod("guarded", metadata, spec);
    const injection = inject(given, OPTIONS);
    assert(injection.kind === "injected");
    const patch = difference(given, injection.pod);
    const file = new URL(`${name.replaceAll(/\W+/g, "-")}.json`, FOLDER);
    if (Deno.env.get("PARLEY_GOLDEN") === "write") {
      const text = `${JSON.stringify(patch, null, 2)}\n`;
      await Deno.mkdir(FOLDER, { recursive: true });
      await Deno.writeTextFile(file, text);
    }
    assertEquals(patch, JSON.parse(await Deno.readTextFile(file)));
  });
}
