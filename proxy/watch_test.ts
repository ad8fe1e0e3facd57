/** Following files and folders as editors, deployments and ConfigMaps change them. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  throws as assertThrows,
} from "node:assert/strict";
import { constants, openSync } from "node:fs";
import { type Watch, watch } from "./watch.ts";

const DEADLINE_MS = 60_000;

/** Counts the calls, and waits for the next one. */
class Calls {
  count = 0;
  #next = Promise.withResolvers<void>();

  readonly changed = (): Promise<void> => {
    this.count++;
    this.#next.resolve();
    this.#next = Promise.withResolvers();
    return Promise.resolve();
  };

  /** The next call; fails past the deadline. */
  async next(what: string): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`no call after ${what}`)),
      DEADLINE_MS,
    );
    await Promise.race([this.#next.promise, late.promise])
      .finally(() => clearTimeout(timer));
  }
}

/** A watch that looks again when it is told to, and not by itself: all else was told by the system. */
function watchByHand(
  path: string,
  changed: () => Promise<void>,
): { readonly running: Watch; readonly rescan: () => void } {
  let rescan: (() => void) | undefined;
  const { setInterval } = globalThis;
  globalThis.setInterval = ((run: () => void, every: number) => {
    assertEquals([rescan, every], [undefined, 5000]);
    rescan = run;
  }) as unknown as typeof setInterval;
  try {
    const running = watch([path], changed);
    assert(rescan, "it never looks again");
    return { running, rescan };
  } finally {
    globalThis.setInterval = setInterval;
  }
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "parley watch " });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Replaces a file as careful editors do. */
async function replace(file: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${file}.new`, text);
  await Deno.rename(`${file}.new`, file);
}

const CHANGES: readonly {
  readonly name: string;
  readonly change: (folder: string) => Promise<void>;
}[] = [
  {
    name: "a file that is written",
    change: (folder) => Deno.writeTextFile(`${folder}/a.yaml`, "new"),
  },
  {
    name: "a file that comes",
    change: (folder) => Deno.writeTextFile(`${folder}/b.yaml`, "new"),
  },
  {
    name: "a file that is replaced",
    change: (folder) => replace(`${folder}/a.yaml`, "new"),
  },
  {
    name: "a file that goes",
    change: (folder) => Deno.remove(`${folder}/a.yaml`),
  },
  {
    name: "a file in a folder below",
    change: (folder) => Deno.writeTextFile(`${folder}/below/c.yaml`, "new"),
  },
  {
    name: "a swapped ConfigMap",
    async change(folder) {
      await Deno.mkdir(`${folder}/..2`);
      await Deno.symlink("..2", `${folder}/..data_tmp`);
      await Deno.rename(`${folder}/..data_tmp`, `${folder}/..data`);
    },
  },
];

for (const { name, change } of CHANGES) {
  Deno.test(`watch() notices ${name}`, () =>
    inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/below`);
      await Deno.mkdir(`${folder}/..1`);
      await Deno.symlink("..1", `${folder}/..data`);
      await Deno.writeTextFile(`${folder}/a.yaml`, "old");
      const calls = new Calls();
      const running = watch([folder], calls.changed);
      const called = calls.next(name);
      await change(folder);
      await called;
      await running.close();
    }));
}

Deno.test("watch() follows a single file through one replacement after the other", () =>
  inFolder(async (folder) => {
    const file = `${folder}/only.yaml`;
    await Deno.writeTextFile(file, "0");
    const calls = new Calls();
    const { running } = watchByHand(file, calls.changed);
    for (let turn = 1; turn <= 3; turn++) {
      const called = calls.next(`replacement ${turn}`);
      await replace(file, String(turn));
      await called;
    }
    await running.close();
  }));

Deno.test("watch() follows a folder that is deleted and made again", () =>
  inFolder(async (folder) => {
    const path = `${folder}/policies`;
    await Deno.mkdir(path);
    const calls = new Calls();
    const { running } = watchByHand(path, calls.changed);
    const gone = calls.next("the deletion");
    Deno.removeSync(path);
    Deno.mkdirSync(path); // before anybody has looked
    await gone;
    const called = calls.next("a file in the new folder");
    await Deno.writeTextFile(`${path}/a.yaml`, "new");
    await called;
    await running.close();
  }));

Deno.test("watch() reads a burst of changes once it is over", () =>
  inFolder(async (folder) => {
    const calls = new Calls();
    const running = watch([folder], calls.changed);
    const called = calls.next("the burst");
    for (let i = 0; i < 200; i++) {
      Deno.writeTextFileSync(`${folder}/${i}.yaml`, "x");
    }
    await called;
    assert(calls.count <= 2, `${calls.count} calls`);
    await running.close();
  }));

Deno.test("watch() makes one call at a time, and one more for what happened meanwhile", () =>
  inFolder(async (folder) => {
    const began = [0, 1].map(() => Promise.withResolvers<void>());
    const go = Promise.withResolvers<void>();
    let active = 0;
    let most = 0;
    let count = 0;
    const { running } = watchByHand(folder, async () => {
      most = Math.max(most, ++active);
      began[count++]?.resolve();
      if (count === 1) {
        // Long enough for another change's call to come, were it let in.
        await Deno.writeTextFile(`${folder}/meanwhile`, "x");
        await new Promise((resolve) => setTimeout(resolve, 200));
        await go.promise;
      }
      active--;
    });
    await Deno.writeTextFile(`${folder}/first`, "x");
    await began[0]!.promise;
    go.resolve();
    await began[1]!.promise;
    await running.close();
    assertEquals(most, 1);
  }));

Deno.test("watch() makes no call after close, whatever was under way", () =>
  inFolder(async (folder) => {
    const began = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    let count = 0;
    const running = watch([folder], async () => {
      count++;
      began.resolve();
      await go.promise;
    });
    await Deno.writeTextFile(`${folder}/first`, "x");
    await began.promise;
    await Deno.writeTextFile(`${folder}/second`, "x");
    // Until the second change's call is due, and waits for the first.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const closed = running.close();
    go.resolve();
    await closed; // a timer that is left behind fails the test's sanitizer
    await new Promise((resolve) => setTimeout(resolve, 100));
    assertEquals(count, 1);
  }));

Deno.test({
  name: "watch() opens no pipe, and goes on",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    inFolder(async (folder) => {
      const calls = new Calls();
      const { running } = watchByHand(folder, calls.changed);
      const seen = calls.next("the pipe");
      const pipe = `${folder}/pipe.yaml`;
      await new Deno.Command("mkfifo", { args: [pipe] }).output();
      await seen;
      const called = calls.next("a file beside it");
      await Deno.writeTextFile(`${folder}/a.yaml`, "new");
      await called;
      const { O_WRONLY, O_NONBLOCK } = constants;
      assertThrows(() => openSync(pipe, O_WRONLY | O_NONBLOCK), /ENXIO/);
      await running.close();
    }),
});

Deno.test("watch() looks again for a path that comes later", () =>
  inFolder(async (folder) => {
    const path = `${folder}/later`;
    const calls = new Calls();
    const { running, rescan } = watchByHand(path, calls.changed);
    const rescanned = calls.next("the rescan");
    await Deno.mkdir(path);
    rescan();
    await rescanned;
    const called = calls.next("a file in it");
    await Deno.writeTextFile(`${path}/a.yaml`, "new");
    await called;
    await running.close();
  }));
