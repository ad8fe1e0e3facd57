/** Pipes, devices and sockets among parsers and policies: told of by name, and never opened. */
import { constants, openSync } from "node:fs";
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  throws as assertThrows,
} from "node:assert/strict";
import { ignore, type Options, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";
import { allowing, PORT, words } from "./words.ts";

/** What stands where a file should; the answer takes it away. */
const SPECIAL: readonly {
  readonly name: string;
  readonly put: (path: string) => Promise<() => void>;
}[] = [
  {
    name: "a pipe",
    async put(path) {
      await new Deno.Command("mkfifo", { args: [path] }).output();
      return () => {
        assertUnread(path);
        Deno.removeSync(path);
      };
    },
  },
  {
    name: "a device without end",
    async put(path) {
      await Deno.symlink("/dev/zero", path);
      return () => Deno.removeSync(path);
    },
  },
  {
    name: "a socket",
    put(path) {
      const listener = Deno.listen({ transport: "unix", path });
      return Promise.resolve(() => listener.close()); // and it is gone
    },
  },
];

/** Nobody has a pipe open to read, or waits to. */
function assertUnread(path: string): void {
  const { O_WRONLY, O_NONBLOCK } = constants;
  assertThrows(
    () => openSync(path, O_WRONLY | O_NONBLOCK),
    /ENXIO|os error 6/,
  );
}

const options = (server: LineServer): Options => ({
  config: {
    listeners: [{
      name: "a",
      upstream: server.address,
      port: PORT,
      l7proto: "words",
    }],
    policies: ["policies/"],
  },
  parsers: { "words.ts": words() },
  policies: { "words.json": allowing("word1") },
});

for (const { name, put } of SPECIAL) {
  Deno.test({
    name:
      `${name} among the parsers is refused by name, alone or inside a parser's folder, and the others serve and change`,
    ignore,
    async fn() {
      await using server = new LineServer();
      await using parley = await Parley.start(options(server));
      const parsers = `${parley.folder}/parsers`;
      await Deno.mkdir(`${parsers}/folder`);
      await Deno.writeTextFile(`${parsers}/folder/mod.ts`, words());
      const takeAway = [
        await put(`${parsers}/special.ts`),
        await put(`${parsers}/folder/part.ts`),
      ];
      for (const path of ["special.ts", "folder/part.ts"]) {
        const told = await parley.until(new RegExp(`parsers/${path} is not`));
        assertMatch(told, /Cannot load parser (?:special|folder) at .*: /);
        assertMatch(told, /is not a regular file/);
      }
      const from = parley.said.length;
      await parley.saveParser("words.ts", words({ edition: 2 }));
      await parley.until(/parser words@\w+ serves new connections/, from);
      using wire = await parley.connect("a");
      assertEquals(await wire.ask("word2\n", "\n"), "denied 2\n");
      for (const take of takeAway) take();
    },
  });

  Deno.test({
    name:
      `${name} among the policies is told of by name; what is in force stays until it is gone`,
    ignore,
    async fn() {
      await using server = new LineServer();
      await using parley = await Parley.start(options(server));
      const take = await put(`${parley.folder}/policies/special.yaml`);
      const told = await parley.until(/Cannot read the policy/);
      assertMatch(told, /policies\/special\.yaml: it is not a regular file/);
      assertMatch(told, /the policy in force stays/);
      using wire = await parley.connect("a");
      assertEquals(await wire.ask("word1\n", "\n"), "word1\n");
      assertEquals(await wire.ask("word2\n", "\n"), "denied 1\n");
      take();
      await parley.savePolicy("words.json", allowing("word2"));
      await parley.until(/policy version 2 is in force/);
      assertEquals(await wire.ask("word2\n", "\n"), "word2\n");
    },
  });

  Deno.test({
    name: `a sidecar that starts with ${name} among its policies does not`,
    ignore,
    async fn() {
      const folder = await Deno.makeTempDir({ prefix: "parley-special-" });
      const take = await put(`${folder}/special.yaml`);
      const { code, said } = await Parley.refused({
        config: {
          listeners: [{ name: "a", upstream: "127.0.0.1:1" }],
          policies: [folder],
        },
      });
      take();
      await Deno.remove(folder, { recursive: true });
      assertEquals(code, 1, said);
      assertMatch(said, /special\.yaml: it is not a regular file/);
    },
  });
}
