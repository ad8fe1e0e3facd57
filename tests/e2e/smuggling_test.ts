/**
 * Nothing gets past the policy inside something else: memcached's own log shows
 * which commands it read, and no input makes it read one that is denied.
 *
 * The classes are those in which parsers before this one failed.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { memcachedServer, testWith, type Tool } from "../setup/mod.ts";
import {
  countFrom,
  cut,
  encode,
  Memcached,
  memcachePolicy,
  Sidecar,
} from "./harness.ts";
import { piece } from "./text_inputs.ts";

const tools = { memcached: await memcachedServer() };
const CASES = countFrom("PARLEY_SMUGGLE_CASES", 1500);
const SEED = countFrom("PARLEY_SMUGGLE_SEED", 20_261_124);

const RULES = [
  { command: "get", keyPrefix: "pub:" },
  { command: "set", keyPrefix: "pub:" },
];

/** Each class once, and all that the server may be told. */
const ATTACKS: readonly {
  readonly name: string;
  readonly input: string;
  readonly told: readonly string[];
}[] = [
  {
    name: "behind a bare LF",
    input: "get pub:a\nflush_all\r\n",
    told: ["get pub:a"],
  },
  {
    name: "behind a bare CR, which ends nothing",
    input: "get pub:a\rflush_all\r\n",
    told: ["get pub:a\rflush_all"],
  },
  {
    name: "in the body of a set with bad flags",
    input: "set pub:a x 0 11\r\nflush_all\r\n\r\n",
    told: [],
  },
  {
    name: "in the body of a set with a bad exptime",
    input: "set pub:a 0 x 11\r\nflush_all\r\n\r\n",
    told: [],
  },
  {
    name: "in the body of a set with too long a key",
    input: `set pub:${"k".repeat(250)} 0 0 11\r\nflush_all\r\n\r\n`,
    told: [],
  },
  {
    name: "in the body of a set with too many words",
    input: "set pub:a 0 0 11 noreply 1\r\nflush_all\r\n\r\n",
    told: [],
  },
  {
    name: "in the body of a set with a word too few",
    input: "set pub:a 0 11\r\nflush_all\r\n\r\n",
    told: [],
  },
  {
    name: "in the body of a set with a negative length",
    input: "set pub:a 0 0 -19 set pub:b 0 0 9\r\nflush_all\r\n",
    told: [],
  },
  {
    name: "in the body of a set whose length is too big for the server",
    input: "set pub:a 0 0 2147483646\r\nflush_all\r\n",
    told: [],
  },
  {
    name: "in the body of a set whose length overflows to a small one",
    input: "set pub:a 0 0 4294967297\r\nflush_all\r\n",
    told: [],
  },
  {
    name: "in the body of a set whose length has letters behind it",
    input: "set pub:a 0 0 11x\r\nflush_all\r\n\r\n",
    told: [],
  },
  {
    name: "in the body of a set whose length has a tab and more behind it",
    input: "set pub:a 0 0 1\t9\r\nx\r\nflush_all\r\n",
    told: [],
  },
  {
    name: "in the body of a set whose line is cut by a NUL",
    input: "set pub:a 0 0 1\x001\r\nx\r\nflush_all\r\n",
    told: [],
  },
  {
    name: "behind a body that is shorter than it says",
    input: "set pub:a 0 0 3\r\nx\r\nflush_all\r\n",
    told: ["set pub:a 0 0 3"],
  },
  {
    name: "behind a body that is longer than it says",
    input: "set pub:a 0 0 1\r\nxyz\r\nflush_all\r\n",
    told: ["set pub:a 0 0 1"],
  },
  {
    name: "behind a body that the server has no room for",
    input: `set pub:a 0 0 5000\r\n${
      "flush_all\r\n".repeat(1000).slice(0, 5000)
    }\r\nflush_all\r\n`,
    told: ["set pub:a 0 0 5000"],
  },
  {
    name: "in the body of a denied set",
    input: "set priv:a 0 0 11\r\nflush_all\r\n\r\nget pub:a\r\n",
    told: ["get pub:a"],
  },
  {
    name: "in the body of a denied set that never ends",
    input: "set priv:a 0 0 1000\r\nflush_all\r\n\r\nset pub:a 0 0 1\r\nx\r\n",
    told: [],
  },
  {
    name: "as a key among allowed ones",
    input: "get pub:a priv:b\r\ngets pub:a  priv:b pub:c\r\n",
    told: [],
  },
  {
    name: "as the 30th key",
    input: `get ${"pub:a ".repeat(29)}priv:b\r\n`,
    told: [],
  },
  {
    name: "as the last key of a very long line",
    input: `get ${"pub:a ".repeat(5000)}priv:b\r\n`,
    told: [],
  },
  {
    name: "behind a tab, which is part of a key",
    input: "get pub:a\tpriv:b\r\n",
    told: ["get pub:a\tpriv:b"],
  },
  {
    name: "behind a NUL",
    input: "get pub:a\0\nflush_all\r\nget pub:a\0 priv:b\r\n",
    told: [],
  },
  {
    name: "behind leading spaces",
    input: "   flush_all\r\n   get priv:a\r\n get pub:a\r\n",
    told: [" get pub:a"],
  },
  {
    name: "in capitals, which are no command",
    input: "GET pub:a\r\nFLUSH_ALL\r\n",
    told: [],
  },
  {
    name: "as a get that also touches",
    input: "gat 0 pub:a\r\ngats 0 pub:a\r\n",
    told: [],
  },
  {
    name: "as a meta command behind an allowed one",
    input: "get pub:a\r\nmg priv:b v\r\nget pub:a\r\n",
    told: ["get pub:a"],
  },
  {
    name: "as a meta command with its data",
    input: "ms pub:a 11\r\nflush_all\r\n\r\nget pub:a\r\n",
    told: [],
  },
  {
    name: "as a binary request at the start",
    input: `\x80\x08${"\0".repeat(22)}get pub:a\r\n`,
    told: [],
  },
  {
    name: "as a binary request behind one that never reaches the server",
    input: `get\r\n\x80\x08${"\0".repeat(20)}\r\nget pub:b\r\n`,
    told: ["get pub:b"],
  },
  {
    name: "as a binary request behind a text one",
    input: `get pub:a\r\n\x80\x08${"\0".repeat(22)}\r\nget pub:b\r\n`,
    told: ["get pub:a", "get pub:b"],
  },
  {
    name: "at the end of a line that is too long for a set",
    input: `set pub:a 0 0 1${" ".repeat(3000)}\nx\r\nflush_all\r\n`,
    told: [],
  },
];

testWith(
  tools,
  "smuggling: by name, the server is told of no denied command",
  async (tools, test) => {
    await using guarded = await Guarded.start(tools.memcached);
    for (const { name, input, told } of ATTACKS) {
      await test.step(name, async () => {
        const bytes = encode(input);
        assertEquals(await guarded.tell([bytes]), told, "in one piece");
        const places = Array.from({ length: 40 }, (_, at) => at);
        assertEquals(await guarded.tell(cut(bytes, places)), told, "in bytes");
      });
    }
  },
);

testWith(
  tools,
  "smuggling: at random, the server is told of no denied command",
  async (tools) => {
    await using guarded = await Guarded.start(tools.memcached);
    let told = 0;
    const denied = [
      ...["flush_all", "flush_all noreply", "shutdown", "stats", "version"],
      ...["get priv:a", "delete pub:a", "incr pub:a 1", "mg priv:a v", "quit"],
      ...["set priv:a 0 0 1", "add pub:a 0 0 1", "me pub:a", "verbosity 0"],
    ];
    const ordinary = piece({
      keys: ["pub:", "pub:", "pub:", "priv:", "pub", " pub:", "Pub:"],
      keyless: denied,
      unfinished: true,
    });
    const allowed = fc.constantFrom(
      ...["get pub:a\r\n", "set pub:a 0 0 2\r\n\r\n\r\n", "gets pub:a pub:b\n"],
    );
    const attack = fc.constantFrom(...ATTACKS).map(({ input }) => input);
    const input = fc.record({
      pieces: fc.array(
        fc.oneof(
          { weight: 3, arbitrary: ordinary },
          { weight: 2, arbitrary: allowed },
          { weight: 1, arbitrary: attack },
          { weight: 1, arbitrary: mutated(attack) },
        ),
        { minLength: 1, maxLength: 8 },
      ),
      cuts: fc.array(fc.nat(1000), { maxLength: 4 }),
    });
    const property = fc.asyncProperty(input, async ({ pieces, cuts }) => {
      const bytes = encode(pieces.join(""));
      const places = cuts.map((part) => Math.floor(part * bytes.length / 1000));
      const commands = await guarded.tell(cut(bytes, places));
      told += commands.length;
      assertEquals(commands.filter((line) => !isAllowed(line)), []);
    });

    await fc.assert(property, { seed: SEED, numRuns: CASES });

    assert(told > CASES, `the server was told of ${told} commands only`);
  },
);

/** One or two bytes of a text are others. */
function mutated(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.nat(60),
    by: fc.constantFrom("\n", "\r", "\0", " ", "\t", "0", "-", "9", "", "\xff"),
  });
  return fc.tuple(texts, fc.array(change, { minLength: 1, maxLength: 2 }))
    .map(([text, changes]) =>
      changes.reduce(
        (text, { at, by }) => text.slice(0, at) + by + text.slice(at + 1),
        text,
      )
    );
}

/** Whether {@linkcode RULES} cover a line, read as memcached reads it. */
function isAllowed(line: string): boolean {
  const [command = "", ...keys] = line.split(" ").filter((word) => word !== "");
  const isPublic = (key: string | undefined) => key?.startsWith("pub:");
  if (command === "set") return isPublic(keys[0]) ?? false;
  return ["get", "gets", "bget"].includes(command) && keys.length > 0 &&
    keys.every(isPublic);
}

/** A memcached that keeps only small values, behind a sidecar with {@linkcode RULES}. */
class Guarded implements AsyncDisposable {
  readonly #server: Memcached;
  readonly #sidecar: Sidecar;

  private constructor(server: Memcached, sidecar: Sidecar) {
    this.#server = server;
    this.#sidecar = sidecar;
  }

  static async start(tool: Tool): Promise<Guarded> {
    const server = await Memcached.start(tool, {
      args: ["-I", "2k", "-o", "slab_chunk_max=1024"],
    });
    const sidecar = await Sidecar.start({
      upstream: server.address,
      policies: { "guard.yaml": memcachePolicy({ rules: RULES }) },
    });
    return new Guarded(server, sidecar);
  }

  /** Sends an input on a connection of its own; the commands that the server read. */
  async tell(pieces: readonly Uint8Array[]): Promise<string[]> {
    const mark = this.#server.mark;
    using wire = await this.#sidecar.connect();
    await wire.exchange(pieces);
    wire.close();
    return await this.#server.commands(mark);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sidecar[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}
