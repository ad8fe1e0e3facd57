/**
 * The command line.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { PROXIES, type ProxyName } from "./proxies.ts";
import { SCENARIOS } from "./scenarios.ts";

/** What there is to measure: scenarios of load, and what needs no load. */
const FIGURES = [...Object.keys(SCENARIOS), "memory", "start"];

export const USAGE = `deno run -A bench/proxy/main.ts [OPTION…]

  --quick          one round of one second instead of five of three
  --rounds N       how often everything is measured
  --seconds N      how long one measurement takes
  --only NAME,…    proxies: ${PROXIES.map(({ name }) => name).join(", ")};
                   figures: ${FIGURES.join(", ")}
  --json FILE      all figures, as data
  --tail SECONDS   instead: HAProxy and Parley for so long at a steady rate
`;

export interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly settleMs: number;
  readonly proxies: ReadonlySet<ProxyName>;
  /** Names of scenarios, and of what else is measured. */
  readonly figures: ReadonlySet<string>;
  /** Whether `proxies` and `figures` are not all that there are. */
  readonly partly: boolean;
  readonly json: string | undefined;
  readonly tailSeconds: number | undefined;
  readonly help: boolean;
}

/** @throws {TypeError} in words for the user */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      seconds: { type: "string" },
      only: { type: "string", default: "" },
      json: { type: "string" },
      tail: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const { quick } = values;
  const proxies = PROXIES.map(({ name }) => name);
  const only = values.only.split(",").filter((name) => name !== "");
  for (const name of only) {
    const known = [...proxies, ...FIGURES];
    if (known.some((one) => one === name)) continue;
    throw new TypeError(`--only ${name}: known are ${known.join(", ")}`);
  }
  return {
    rounds: Math.ceil(positive("--rounds", values.rounds) ?? (quick ? 1 : 5)),
    seconds: positive("--seconds", values.seconds) ?? (quick ? 1 : 3),
    warmupSeconds: quick ? 0.3 : 0.5,
    settleMs: quick ? 3_000 : 6_000,
    proxies: chosen(proxies, only),
    figures: chosen(FIGURES, only),
    partly: only.length > 0,
    json: values.json,
    tailSeconds: positive("--tail", values.tail),
    help: values.help,
  };
}

/** Those of a kind that were named; all, if none of the kind was. */
function chosen<Name extends string>(
  all: readonly Name[],
  only: readonly string[],
): Set<Name> {
  const named = all.filter((name) => only.includes(name));
  return new Set(named.length > 0 ? named : all);
}

function positive(name: string, text?: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0) return value;
  throw new TypeError(`${name} ${text}: a number above 0 is needed`);
}
