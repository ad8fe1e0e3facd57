/** What a sidecar keeps of its controller's words, and what it believes of that when it starts again. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { poll } from "../../tests/e2e/wait.ts";
import { Bench, C_IS_B, field, kept } from "./source_harness_test.ts";
import { STATE_AGE_MAX_MS, StateFile } from "./state_file.ts";

Deno.test("a source that starts again goes on without the controller", async () => {
  await using controller = await field();
  {
    await using it = new Bench(controller.folder, controller.url);
    await it.start();
    await kept(controller.folder, 1);
    controller.cluster.setPod(C_IS_B);
    await kept(controller.folder, 2);
  }
  const { mode } = await Deno.stat(`${controller.folder}/state`);
  assertEquals(mode! & 0o777, 0o600);
  await controller.hangUp();
  await using it = new Bench(controller.folder, controller.url);
  it.now += 60_000;
  await it.start();
  assertEquals(it.cidrs, ["10.0.0.2", "10.0.0.3"]);
  assertEquals(it.policies, ["controller: ParleyPolicy/default/in"]);
  assertMatch(it.status, /: stale, last heard 6\d s ago: /);
});

Deno.test("a source that starts again does not go on with what is not true any more", async () => {
  await using controller = await field();
  {
    await using it = new Bench(controller.folder, controller.url);
    await it.start();
    await kept(controller.folder, 1);
  }
  controller.cluster.setPod(C_IS_B);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  assertEquals(it.cidrs, ["10.0.0.2", "10.0.0.3"]);
});

/** What may stand where a state was, and what is said of it. */
const UNFIT: readonly {
  readonly name: string;
  readonly spoil: (path: string, text: string) => Promise<void>;
  readonly said: RegExp;
}[] = [
  {
    name: "that is torn",
    spoil: (path, text) =>
      Deno.writeTextFile(path, text.slice(0, text.length - 20)),
    said: /is not used: it is not whole/,
  },
  {
    name: "that is empty",
    spoil: (path) => Deno.writeTextFile(path, ""),
    said: /is not used: it is not whole/,
  },
  {
    name: "in which one label was changed",
    spoil: (path, text) =>
      Deno.writeTextFile(path, text.replace('"app":"b"', '"app":"c"')),
    said: /is not used: it is not whole/,
  },
  {
    name: "of bytes that are no text",
    spoil: (path) => Deno.writeFile(path, new Uint8Array(5000).fill(0xff)),
    said: /is not used: /,
  },
  {
    name: "that is larger than any",
    spoil: (path) => Deno.truncate(path, 17 * 2 ** 20),
    said: /is not used: it has more than 16777216 bytes/,
  },
  {
    name: "that is a folder",
    spoil: async (path) => {
      await Deno.remove(path);
      await Deno.mkdir(path);
    },
    said: /is not used: it is not a regular file/,
  },
  {
    name: "that is a link",
    spoil: async (path) => {
      await Deno.rename(path, `${path}.other`);
      await Deno.symlink(`${path}.other`, path);
    },
    said: /is not used: it is not a regular file/,
  },
  {
    name: "that is too old",
    spoil: async (path) => {
      const then = (Date.now() - STATE_AGE_MAX_MS - 3_600_000) / 1000;
      await Deno.utime(path, then, then);
    },
    said: /is not used: it is 25 hours old/,
  },
];

for (const { name, spoil, said } of UNFIT) {
  Deno.test(`a state ${name} is not believed, and told of; the controller is waited for`, async () => {
    await using controller = await field();
    {
      await using it = new Bench(controller.folder, controller.url);
      await it.start();
      await kept(controller.folder, 1);
    }
    const path = `${controller.folder}/state`;
    await spoil(path, await Deno.readTextFile(path));
    await controller.hangUp();
    await using it = new Bench(controller.folder, controller.url);
    const started = it.start();
    await it.becomes(/: starting, never heard: /);
    assertMatch(it.warnings.join("\n"), said);
    await controller.listen(controller.port);
    await started;
    assertEquals(it.cidrs, ["10.0.0.2"]);
  });
}

Deno.test("a state of a time that has not come is used with a warning, and ages from then on", async () => {
  await using controller = await field();
  {
    await using it = new Bench(controller.folder, controller.url);
    await it.start();
    await kept(controller.folder, 1);
  }
  await controller.hangUp();
  const path = `${controller.folder}/state`;
  const later = new Date(Date.now() + STATE_AGE_MAX_MS);
  await Deno.utime(path, later, later);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  assertEquals(it.cidrs, ["10.0.0.2"]);
  assertMatch(it.warnings.join(), /a time that has not come yet/);
  assertMatch(it.status, /: stale, last heard 0 s ago: /);
  assertEquals((await Deno.stat(path)).mtime!.getTime(), it.now);
});

Deno.test("a state is not written where a link leads that lies in its way", async () => {
  await using controller = await field();
  const other = `${controller.folder}/other`;
  await Deno.writeTextFile(other, "somebody's");
  await Deno.symlink(other, `${controller.folder}/state.draft`);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await kept(controller.folder, 1);
  assertEquals(await Deno.readTextFile(other), "somebody's");
  assert((await Deno.lstat(`${controller.folder}/state`)).isFile);
});

Deno.test("whatever bytes a state file has, it is whole or not believed", async () => {
  const folder = await Deno.makeTempDir();
  const file = new StateFile(`${folder}/state`);
  const lines = ['{"event":"endpoint"}', '{"event":"identity"}'];
  await file.write(lines, Date.now());
  const good = await Deno.readFile(`${folder}/state`);
  assertEquals((await file.read(Date.now()))?.lines, lines);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(good.length),
      fc.nat(8),
      fc.uint8Array({ maxLength: 8 }),
      async (at, cut, put) => {
        const bytes = new Uint8Array([
          ...good.slice(0, at),
          ...put,
          ...good.slice(at + cut),
        ]);
        await Deno.writeFile(`${folder}/state`, bytes);
        const kept = await file.read(Date.now()).catch(() => undefined);
        // The order of lines says nothing, so it is not held against them.
        if (kept) assertEquals([...kept.lines].sort(), lines);
      },
    ),
    { numRuns: 200 },
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a state that cannot be kept is told of once, and the source goes on", async () => {
  await using controller = await field();
  await Deno.mkdir(`${controller.folder}/state.draft/in-the-way`, {
    recursive: true,
  });
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await poll(
    () => it.warnings.length > 0 || undefined,
    () => "nothing is told",
  );
  controller.cluster.setPod(C_IS_B);
  await it.knows("10.0.0.2", "10.0.0.3");
  assertMatch(it.warnings[0]!, /state cannot be kept in .*state: /);
});

Deno.test("a state that could not be kept is kept later, as old as it is", async () => {
  await using controller = await field();
  await Deno.mkdir(`${controller.folder}/state`);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await poll(
    () => /cannot be kept/.test(it.warnings.join()) || undefined,
    () => "nothing is told",
  );
  const heard = it.now;
  await controller.hangUp();
  it.now += 3_600_000;
  await Deno.remove(`${controller.folder}/state`);
  await kept(controller.folder, 1);
  const { mtime } = await Deno.stat(`${controller.folder}/state`);
  assertEquals(mtime!.getTime(), heard);
});
