/**
 * Nothing gets past the policy inside something else: memcached's own log and
 * counters show what it was told and what it keeps, and no input makes it be
 * told a command that is denied.
 *
 * The classes are those in which parsers before this one failed.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import fc from "fast-check";
import { memcachedServer, testWith, type Tool } from "../setup/mod.ts";
import type { Text } from "./arbitraries.ts";
import { anyPacket, packet } from "./binary_inputs.ts";
import {
  countFrom,
  cut,
  encode,
  inLanes,
  Memcached,
  memcachePolicy,
  Sidecar,
} from "./harness.ts";
import { metaPiece } from "./meta_inputs.ts";
import { BINARY_ATTACKS, META_ATTACKS } from "./more_attacks.ts";
import { type Attack, TEXT_ATTACKS } from "./text_attacks.ts";
import { piece } from "./text_inputs.ts";
import { isAllowed, RULES } from "./told.ts";

const tools = { memcached: await memcachedServer() };
/** For each family. */
const CASES = countFrom("PARLEY_SMUGGLE_CASES", 1700);
const SEED = countFrom("PARLEY_SMUGGLE_SEED", 20_261_124);
/** Cases at a time; each lane has a server of its own. */
const LANES = 4;

const VOCABULARY = {
  keys: ["pub:", "pub:", "pub:", "priv:", "pub", " pub:", "Pub:"],
  keyless: [
    ...["flush_all", "flush_all noreply", "shutdown", "stats", "version"],
    ...["get priv:a", "delete pub:a", "incr pub:a 1", "mg priv:a v", "quit"],
    ...["set priv:a 0 0 1", "add pub:a 0 0 1", "me pub:a", "verbosity 0"],
    ...["md pub:a", "ma pub:a", "mn", "mg pub:a T0", "touch pub:a 0"],
  ],
  unfinished: true,
};

/** One kind of input: attacks on a connection of its protocol, and what is usual there. */
interface Family {
  readonly name: string;
  readonly attacks: readonly Attack[];
  readonly ordinary: Text;
  /** What the rules cover. */
  readonly allowed: readonly string[];
}

const GETS = ["get pub:a\r\n", "gets pub:a pub:b\n"];
const PUB = { key: "pub:a" };
const FAMILIES: readonly Family[] = [
  {
    name: "text",
    attacks: TEXT_ATTACKS,
    ordinary: piece(VOCABULARY),
    allowed: [...GETS, "set pub:a 0 0 2\r\n\r\n\r\n"],
  },
  {
    name: "meta",
    attacks: META_ATTACKS,
    ordinary: metaPiece(VOCABULARY),
    allowed: [...GETS, "mg pub:a v k q\r\n", "ms pub:a 2 T0\r\n\r\n\r\n"],
  },
  {
    name: "binary",
    attacks: BINARY_ATTACKS,
    ordinary: anyPacket(VOCABULARY),
    allowed: [
      packet(0x00, PUB),
      packet(0x0d, PUB),
      packet(0x01, { ...PUB, extras: "\0".repeat(8), value: packet(0x08) }),
    ],
  },
];

testWith(
  tools,
  "smuggling: the server is told of no denied command",
  async ({ memcached }, test) => {
    await using stack = new AsyncDisposableStack();
    // What gets through on the way stays to be found: the servers' counts go on to the end.
    const lanes: Guarded[] = [];
    while (lanes.length < LANES) {
      lanes.push(stack.use(await Guarded.start(memcached)));
    }
    for (const family of FAMILIES) {
      await test.step(`by name, in ${family.name}`, async (test) => {
        for (const attack of family.attacks) {
          await test.step(attack.name, () => byName(lanes[0]!, attack));
        }
        await lanes[0]!.check();
      });
    }
    for (const [index, family] of FAMILIES.entries()) {
      await test.step(`at random, in ${family.name}`, async () => {
        const runs = Math.ceil(CASES / LANES);
        const told = await inLanes(LANES, (lane) => {
          const seed = SEED + index * LANES + lane;
          return attack(lanes[lane]!, family, seed, runs);
        });
        const sum = told.reduce((sum, count) => sum + count, 0);
        assert(sum > CASES, `the servers were told of ${sum} commands only`);
      });
    }
  },
);

/** Makes one attack, whole and in bytes. */
async function byName(guarded: Guarded, { input, told }: Attack) {
  const bytes = encode(input);
  assertEquals(await guarded.tell([bytes]), told, "in one piece");
  const places = Array.from({ length: 40 }, (_, at) => at);
  assertEquals(await guarded.tell(cut(bytes, places)), told, "in bytes");
}

/** Makes so many cases; how much the server was told. */
async function attack(
  guarded: Guarded,
  { attacks, ordinary, allowed }: Family,
  seed: number,
  numRuns: number,
): Promise<number> {
  let told = 0;
  const seeded = fc.constantFrom(...attacks).map(({ input }) => input);
  const cases = fc.record({
    pieces: fc.array(
      fc.oneof(
        { weight: 3, arbitrary: ordinary },
        { weight: 2, arbitrary: fc.constantFrom(...allowed) },
        { weight: 1, arbitrary: seeded },
        { weight: 1, arbitrary: mutated(seeded) },
      ),
      { minLength: 1, maxLength: 8 },
    ),
    cuts: fc.array(fc.nat(1000), { maxLength: 4 }),
  });
  const property = fc.asyncProperty(cases, async ({ pieces, cuts }) => {
    const bytes = encode(pieces.join(""));
    const places = cuts.map((part) => Math.floor(part * bytes.length / 1000));
    const commands = await guarded.tell(cut(bytes, places));
    told += commands.length;
    assertEquals(commands.filter((line) => !isAllowed(line)), []);
  });
  await fc.assert(property, { seed, numRuns });
  await guarded.check();
  return told;
}

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

/** What the server counts of commands that no rule names. */
const COUNTERS = [
  ...["cmd_flush", "cmd_touch", "delete_hits", "delete_misses", "incr_hits"],
  ...["incr_misses", "decr_hits", "decr_misses", "auth_cmds"],
];

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

  /** Sends an input on a connection of its own; what the server was told. */
  async tell(pieces: readonly Uint8Array[]): Promise<string[]> {
    const mark = this.#server.mark;
    using wire = await this.#sidecar.connect();
    await wire.exchange(pieces);
    wire.close();
    return await this.#server.commands(mark);
  }

  /** Whether the server did and keeps nothing that no rule names. */
  async check(): Promise<void> {
    using wire = await this.#server.connect();
    const counters = await wire.ask("stats\r\n", "END\r\n");
    for (const name of COUNTERS) {
      assert(counters.includes(`STAT ${name} 0\r\n`), `${name} is not 0`);
    }
    const items = await wire.ask("lru_crawler metadump all\r\n", "END\r\n");
    const keys = [...items.matchAll(/^key=(\S+)/gm)].map(([, key]) =>
      decodeURIComponent(key!.replace(/%(?=[89A-F])/gi, "%25"))
    );
    assertEquals(keys.filter((key) => !key.startsWith("pub:")), []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sidecar[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}
