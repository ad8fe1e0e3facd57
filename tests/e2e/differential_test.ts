/**
 * An allow-all sidecar is not there: whatever is sent, in order or not, in
 * whichever of its protocols, comes back as from memcached itself.
 */
import { ok as assert } from "node:assert/strict";
import fc from "fast-check";
import { memcachedServer, testWith } from "../setup/mod.ts";
import { KEY, type Text, type Vocabulary } from "./arbitraries.ts";
import { BINARY_END, packets } from "./binary_inputs.ts";
import { END, Servers } from "./comparison.ts";
import { countFrom, cut, inLanes } from "./harness.ts";
import { metaPiece } from "./meta_inputs.ts";
import { hasLongLine, isOther, piece } from "./text_inputs.ts";

const tools = { memcached: await memcachedServer() };
/** For each family. */
const CASES = countFrom("PARLEY_DIFF_CASES", 1700);
const SEED = countFrom("PARLEY_DIFF_SEED", 20_261_124);
/** Cases at a time; each lane has servers of its own. */
const LANES = 4;

/** Without what depends on the moment, and what works on from case to case. */
const KEYLESS = [
  ...["version", "version x", "verbosity", "verbosity 0", "verbosity x"],
  ...["stats sizes", "stats nonsense", "stats detail", "stats detail dump"],
  ...["flush_all", "flush_all 0", "flush_all x", "flush_all -1"],
  ...["slabs", "slabs x", "slabs automove x", "slabs reassign x y"],
  ...["lru", "lru tune", "lru mode x", "lru_crawler", "lru_crawler x"],
  ...["lru_crawler sleep x", "lru_crawler metadump x", "watch nonsense"],
  ...["cache_memlimit", "cache_memlimit x", "cache_memlimit 64"],
  ...["misbehave", "shutdown", "extstore", "extstore x y", "refresh_certs"],
  ...["debugtime x", "bogus", "g", "geta", "gett a", "SET a 0 0 1"],
];

/** One kind of input. */
interface Family {
  readonly name: string;
  readonly input: (vocabulary: Vocabulary) => Text;
  /** What makes sure that a finished input is; what is behind it. */
  readonly padding: string;
  readonly end: string;
  readonly slowly: (input: Uint8Array) => Uint8Array[];
}

const FAMILIES: readonly Family[] = [
  {
    name: "text",
    input: (vocabulary) => several(piece(vocabulary)),
    padding: `${"p".repeat(80)}\r\n`,
    end: END,
    slowly: lines,
  },
  {
    name: "meta among text",
    input: (vocabulary) =>
      several(fc.oneof(
        { weight: 3, arbitrary: metaPiece(vocabulary) },
        { weight: 1, arbitrary: piece(vocabulary) },
      )),
    padding: `${"p".repeat(80)}\r\n`,
    end: END,
    slowly: lines,
  },
  {
    name: "binary",
    input: packets,
    padding: "",
    end: BINARY_END,
    slowly: fewBytes,
  },
];

testWith(
  tools,
  "differential: an allow-all sidecar answers as memcached does",
  async ({ memcached }, test) => {
    await using stack = new AsyncDisposableStack();
    // All of a lane's cases go to the same servers: a sidecar's start takes longer than many of them.
    const lanes: Servers[] = [];
    while (lanes.length < LANES) {
      lanes.push(stack.use(await Servers.start(memcached)));
    }
    for (const [index, family] of FAMILIES.entries()) {
      for (const unfinished of [false, true]) {
        const what = unfinished ? "that may break off" : "whose values end";
        await test.step(`${family.name} ${what}`, async () => {
          const number = 2 * index + Number(unfinished);
          const runs = Math.ceil(CASES / 2 / LANES);
          const judged = await inLanes(LANES, (lane) => {
            const seed = SEED + number * LANES + lane;
            return check(lanes[lane]!, family, unfinished, seed, runs);
          });
          const sum = judged.reduce((sum, count) => sum + count, 0);
          assert(sum > CASES / 4, `only ${sum} were judged`);
        });
      }
    }
  },
);

/** Makes so many cases; the number of those that could be judged. */
async function check(
  servers: Servers,
  { input, padding, end, slowly }: Family,
  unfinished: boolean,
  seed: number,
  numRuns: number,
): Promise<number> {
  const vocabulary = { keys: [KEY], keyless: KEYLESS, unfinished };
  const isText = end === END;
  const suffix = (unfinished && isText ? "\r\n" : padding) + end;
  let judged = 0;
  const cases = fc.record({
    input: input(vocabulary).map((text) => text + suffix).filter((text) =>
      !isText || (!isOther(text) && !hasLongLine(text))
    ),
    cuts: fc.array(fc.nat(1000), { maxLength: 6 }),
  });
  const property = fc.asyncProperty(cases, async ({ input, cuts }) => {
    let outcome = await servers.compare(input, cuts, { unfinished });
    if (outcome === "different") {
      // Its pieces may have reached the server together.
      outcome = await servers.compare(input, cuts, { unfinished, slowly });
    }
    if (outcome !== "undecided") judged++;
    assert(outcome !== "different", servers.difference);
  });
  await fc.assert(property, { seed, numRuns });
  return judged;
}

function several(pieces: Text): Text {
  return fc.array(pieces, { minLength: 1, maxLength: 12 })
    .map((texts) => texts.join(""));
}

/** Inputs that were answered otherwise once. */
const FORMER: readonly { readonly name: string; readonly input: string }[] = [
  {
    name: "refresh_certs, which answers in spite of noreply",
    input: "refresh_certs noreply\r\nget\r\n",
  },
  {
    name: "words that are counted before noreply is looked for",
    input: "verbosity 0 0 noreply\r\nflush_all 0 0 noreply\r\n" +
      "cache_memlimit 64 64 noreply\r\ngat x\r\n",
  },
  {
    name:
      "the binary protocol's first byte behind what never reaches the server",
    input: "get\r\n\x80\x01\r\nget a\r\n",
  },
];
testWith(
  tools,
  "differential: what was answered otherwise once is answered as memcached does",
  async (tools, test) => {
    await using servers = await Servers.start(tools.memcached);
    for (const { name, input } of FORMER) {
      await test.step(name, async () => {
        const text = `${input}version\r\n`;
        const outcome = await servers.compare(text, [], {
          unfinished: false,
          slowly: lines,
        });
        assert(outcome === "same", servers.difference);
      });
    }
  },
);

function lines(bytes: Uint8Array): Uint8Array[] {
  const ends = [...bytes].flatMap((byte, at) => byte === 0x0a ? [at + 1] : []);
  return cut(bytes, ends);
}

/** Pieces that are shorter than a packet's header. */
function fewBytes(bytes: Uint8Array): Uint8Array[] {
  const places = Array.from(
    { length: Math.min(60, bytes.length / 20) },
    (_, i) => 20 * (i + 1),
  );
  return cut(bytes, places);
}
