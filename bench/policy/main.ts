/**
 * Whether a decision costs more in a large policy: a request among 10,000 L7
 * rules, and a connection among 10,000 peers, each divided by the same with one.
 * Also how long 1,000 documents take to load.
 *
 * `deno task bench:policy`; `--rounds N` (default 15), `--json`.
 */
import { parseArgs } from "node:util";
import cassandra from "../../parsers/cassandra/mod.ts";
import memcache from "../../parsers/memcache/mod.ts";
import r2d2 from "../../parsers/r2d2.ts";
import { createPolicyStore, type Subject } from "../../policy/mod.ts";
import { createCatalog } from "../../proxy/registry/catalog.ts";
import { connect } from "./session.ts";
import { documentsOf, MANY, PEERS, RULES, SUBJECT } from "./policies.ts";

const PARSERS = { cassandra, memcache, r2d2 };
const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    json: { type: "boolean", default: false },
  },
});
const ROUNDS = Number(options.rounds);
/** Long enough for a round that the clock's grain does not show. */
const ROUND_MS = 20;

function load(texts: readonly string[], subjects: readonly Subject[] = []) {
  const names = Object.keys(PARSERS) as (keyof typeof PARSERS)[];
  const catalog = createCatalog({
    names: () => names,
    get: (name) => {
      const definition = PARSERS[name as keyof typeof PARSERS];
      return definition && { definition };
    },
  });
  const store = createPolicyStore(catalog, subjects);
  const { problems } = store.update(
    texts.map((text, index) => ({ file: `${index}.yaml`, text })),
  );
  const error = problems.find(({ severity }) => severity === "error");
  if (error) throw new Error(JSON.stringify(error));
  return store.current;
}

/** Nanoseconds that one call takes, in a round of its own. */
function time(call: () => unknown): number {
  const start = performance.now();
  let calls = 0;
  for (; performance.now() - start < ROUND_MS; calls += 50) {
    for (let i = 0; i < 50; i++) call();
  }
  return (performance.now() - start) * 1e6 / calls;
}

interface Figure {
  readonly name: string;
  readonly one: number;
  readonly many: number;
  /** The median of the rounds' ratios. */
  readonly ratio: number;
}

/** One round of each in turn, so that both meet the same machine. */
function compare(
  name: string,
  one: () => unknown,
  many: () => unknown,
): Figure {
  for (const call of [one, many, one, many]) time(call);
  const rounds = Array.from({ length: ROUNDS }, () => [time(one), time(many)]);
  const median = (values: number[]) =>
    values.sort((a, b) => a - b)[values.length >> 1]!;
  return {
    name,
    one: median(rounds.map(([one]) => one!)),
    many: median(rounds.map(([, many]) => many!)),
    ratio: median(rounds.map(([one, many]) => many! / one!)),
  };
}

const PORT = 4040;

/** The bytes of a text of one character a byte. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function requests(): Figure[] {
  return RULES.map(({ name, proto, rules, asked, reply, peer }) => {
    const [one, many] = [1, MANY].map((count) => {
      const policy = load([rules(count)]);
      const where = { subject: SUBJECT, peer, port: PORT };
      const send = connect(policy, PARSERS[proto], where);
      const requests = asked(count).map(bytesOf);
      const answer = bytesOf(reply);
      let next = 0;
      return () => send(requests[next++ % requests.length]!, answer);
    });
    return compare(name, one!, many!);
  });
}

function connections(): Figure[] {
  return PEERS.map(({ name, direction, policy, peers }) => {
    const [one, many] = [1, MANY].map((count) => {
      const { resolve } = load([policy(count)]);
      const who = peers(count);
      let next = 0;
      return () => {
        const peer = who[next++ % who.length]!;
        return resolve({ subject: SUBJECT, direction, port: PORT, peer });
      };
    });
    return compare(name, one!, many!);
  });
}

/** Seconds. */
function loading(): number {
  const texts = documentsOf(1000);
  const start = performance.now();
  load(texts, [SUBJECT]);
  return (performance.now() - start) / 1000;
}

const loaded = loading();
const figures = [...requests(), ...connections()];
if (options.json) {
  console.log(JSON.stringify({ figures, loadSeconds: loaded }, null, 2));
} else {
  console.log(`nanoseconds, and ${MANY} divided by one (bound: 2)`);
  for (const { name, one, many, ratio } of figures) {
    const cells = [one, many].map((value) => value.toFixed(0).padStart(8));
    console.log(
      `${name.padEnd(52)}${cells.join("")}${ratio.toFixed(2).padStart(8)}`,
    );
  }
  console.log(`1000 documents load in ${loaded.toFixed(2)} s (bound: 2)`);
}
