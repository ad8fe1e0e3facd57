import {
  deepStrictEqual as assertEquals,
  ok as assert,
  rejects,
} from "node:assert/strict";
import { cached } from "./cache.ts";
import { missing, onPath } from "./tool.ts";

/** An empty cache for one test. */
async function withCache(
  fn: (root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "parley-cache-" });
  try {
    await fn(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("cached() fills a key once, however many ask at a time", () =>
  withCache(async (root) => {
    let fills = 0;
    const fill = async (folder: string) => {
      fills++;
      await Deno.writeTextFile(`${folder}/half`, "");
      await new Promise((resolve) => setTimeout(resolve, 20));
      await Deno.writeTextFile(`${folder}/whole`, "");
    };
    const folders = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const folder = await cached("tool-1.0", fill, root);
        return (await Array.fromAsync(Deno.readDir(folder))).length;
      }),
    );
    assertEquals(folders, [2, 2, 2, 2, 2]);
    assertEquals(fills, 1);
  }));

Deno.test("cached() leaves nothing half filled, and does not try twice", () =>
  withCache(async (root) => {
    let tries = 0;
    const fill = () => {
      tries++;
      return Promise.reject(new Error("no network"));
    };
    await rejects(cached("tool-1.0", fill, root), /no network/);
    await rejects(cached("tool-1.0", fill, root), /no network/);
    assertEquals(tries, 1);
    const left = await Array.fromAsync(Deno.readDir(root));
    assertEquals(left.filter(({ isDirectory }) => isDirectory), []);
  }));

Deno.test("cached() tries again what another run failed at", () =>
  withCache(async (root) => {
    await Deno.writeTextFile(
      `${root}/tool-1.0.failed.json`,
      JSON.stringify({ run: "another", reason: "no network then" }),
    );
    const folder = await cached("tool-1.0", () => Promise.resolve(), root);
    assert((await Deno.stat(folder)).isDirectory);
  }));

Deno.test("onPath() finds programs and nothing else", () => {
  assert(onPath("sh")?.endsWith("/sh"));
  assertEquals(onPath("no-such-program-of-parley"), undefined);
});

Deno.test("missing() keeps its reason", () => {
  assertEquals(missing("no network").reason, "no network");
});
