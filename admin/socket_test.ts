/** Where sockets are put and looked for, in real folders. */
import {
  deepStrictEqual as assertEquals,
  rejects as assertRejects,
} from "node:assert/strict";
import {
  defaultPath,
  findSockets,
  listenAt,
  thisUser,
  type User,
} from "./socket.ts";

const ignore = Deno.build.os === "windows";

/** Lends out a folder, and a user whose folders are in it. */
async function withUser(
  test: (folder: string, user: User) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const { uid } = thisUser();
    await Deno.mkdir(`${folder}/run`);
    await test(folder, {
      uid,
      runtime: `${folder}/run`,
      temporary: folder,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What others may have put where a user's folder is to be. */
const DISTRUSTED: readonly {
  readonly name: string;
  readonly says: RegExp;
  readonly plant: (path: string, folder: string) => Promise<void>;
  /** Only root may do it. */
  readonly asRoot?: boolean;
}[] = [
  {
    name: "that others may read",
    says: /may be used by others/,
    plant: (path) => makeFolder(path, 0o750),
  },
  {
    name: "that others may write to",
    says: /may be used by others/,
    plant: (path) => makeFolder(path, 0o702),
  },
  {
    name: "that is a link to one's own",
    says: /is no folder/,
    plant: async (path, folder) => {
      await makeFolder(`${folder}/elsewhere`, 0o700);
      await Deno.symlink(`${folder}/elsewhere`, path);
    },
  },
  {
    name: "that is a file",
    says: /is no folder/,
    plant: (path) => Deno.writeTextFile(path, ""),
  },
  {
    name: "of another user",
    says: /belongs to user 12345/,
    plant: async (path) => {
      await makeFolder(path, 0o700);
      await Deno.chown(path, 12345, 12345);
    },
    asRoot: true,
  },
];

async function makeFolder(path: string, mode: number): Promise<void> {
  await Deno.mkdir(path);
  await Deno.chmod(path, mode); // whatever the umask
}

for (const { name, says, plant, asRoot = false } of DISTRUSTED) {
  Deno.test({
    name: `a folder ${name} is not used, by sidecars or by commands`,
    ignore: ignore || (asRoot && Deno.uid() !== 0),
    fn: () =>
      withUser(async (folder, user) => {
        const [first, second] = [
          `${folder}/run/parley`,
          `${folder}/parley-${user.uid}`,
        ];
        await plant(first, folder);
        assertEquals(await defaultPath(user, 7), `${second}/7.sock`);
        const there = await Deno.realPath(first);
        if ((await Deno.stat(there)).isDirectory) {
          using _ = await listenAt(`${there}/1.sock`);
          assertEquals(await findSockets(user), []);
        }
        await Deno.remove(second, { recursive: true });
        await plant(second, `${folder}/run`);
        await assertRejects(defaultPath(user, 7), says);
      }),
  });
}

Deno.test({
  name:
    "defaultPath() sweeps sockets at which nobody listens, and nothing else",
  ignore,
  fn: () =>
    withUser(async (folder, user) => {
      const path = await defaultPath(user, 1);
      const own = `${folder}/run/parley`;
      (await listenAt(path)).close();
      (await listenAt(`${own}/named.sock`)).close();
      using _ = await listenAt(`${own}/2.sock`);
      await Deno.writeTextFile(`${own}/3.sock`, "");
      await Deno.symlink(`${own}/named.sock`, `${own}/4.sock`);
      assertEquals(await defaultPath(user, 5), `${own}/5.sock`);
      const left = (await Array.fromAsync(Deno.readDir(own)))
        .map(({ name }) => name).sort();
      assertEquals(left, ["2.sock", "3.sock", "4.sock", "named.sock"]);
    }),
});

Deno.test({
  name:
    "findSockets() finds those that are served, in the runtime's folder and in the temporary one",
  ignore,
  fn: () =>
    withUser(async (folder, user) => {
      assertEquals(await findSockets(user), []);
      const path = await defaultPath(user, 1);
      const other = await defaultPath({ ...user, runtime: undefined }, 2);
      assertEquals(other, `${folder}/parley-${user.uid}/2.sock`);
      {
        using _first = await listenAt(path);
        using _second = await listenAt(other);
        assertEquals(await findSockets(user), [path, other]);
      }
      assertEquals(await findSockets(user), []);
    }),
});

Deno.test({
  name: "listenAt() leaves no draft behind, also when it fails",
  ignore,
  fn: () =>
    withUser(async (folder) => {
      const names = async () =>
        (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name)
          .sort();
      using _ = await listenAt(`${folder}/a.sock`);
      assertEquals(await names(), ["a.sock", "run"]);
      await assertRejects(listenAt(`${folder}/a.sock`), /listens at/);
      await assertRejects(listenAt(`${folder}/run`), /no socket/);
      await assertRejects(listenAt(`${folder}/none/a.sock`));
      await assertRejects(listenAt(`${folder}/${"x".repeat(200)}/a.sock`));
      assertEquals(await names(), ["a.sock", "run"]);
    }),
});
