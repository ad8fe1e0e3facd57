/**
 * `parley replay`: which recorded requests and connections would another policy
 * have decided otherwise?
 *
 * The access log is read line by line, and the decisions come from the code that
 * judges traffic. What the log does not say is not known here: DNS names and
 * services of a peer, and names of ports.
 *
 * @module
 */
import { createPolicyStore, formatProblem } from "../../policy/mod.ts";
import { EXIT_FAILED } from "../exit.ts";
import { catalogOf, withParsers } from "../loaded_parsers.ts";
import { type PolicyOptions, readSetting } from "../policy_setting.ts";
import { type Replayed, replayed } from "./judge.ts";
import { linesOf } from "./lines.ts";
import { type Record, Records } from "./record.ts";

/** What `--help` lists. */
export interface ReplayOptions extends PolicyOptions {
  readonly portable?: boolean;
  readonly json?: boolean;
}

/** Decisions that are asked about together: parsers are in another process. */
const BATCH = 1000;

/** What a log came to. */
export interface Summary {
  readonly lines: number;
  /** Decisions that were asked about again. */
  readonly decisions: number;
  readonly changed: number;
  /** Decisions that cannot be compared. */
  readonly unknown: number;
}

/** A record, and where it stands. */
interface Numbered {
  readonly number: number;
  readonly record: Record;
}

/** Prints every decision that would change; 0 if none would, 1 if some would or the policy does not load. */
export async function replay(
  log: string,
  options: ReplayOptions,
): Promise<number> {
  const { portable, json } = options;
  const setting = await readSetting(options);
  if (!setting) return EXIT_FAILED;
  const { sources, folders } = setting;
  return await withParsers(
    { folders, portable, sources, options: setting.options },
    async (parsers) => {
      const { problems, refused } = parsers.policy;
      for (const problem of problems) {
        if (problem.severity !== "note") console.error(formatProblem(problem));
      }
      if (refused) return EXIT_FAILED;
      const store = createPolicyStore(
        catalogOf(parsers.status),
        [],
        setting.options,
      );
      store.update(sources);

      const count = { lines: 0, decisions: 0, changed: 0, unknown: 0 };
      const write = json ? asJson : asText;
      const judge = async (batch: readonly Numbered[]): Promise<void> => {
        const records = batch.map(({ record }) => record);
        const answers = await replayed(records, store.current, parsers);
        for (const [index, { number, record }] of batch.entries()) {
          const found = answers[index]!;
          count.decisions++;
          if (found.verdict === "unknown") count.unknown++;
          else if (isSame(record, found)) continue;
          else count.changed++;
          console.log(write(log, number, record, found));
        }
      };
      const records = new Records();
      let batch: Numbered[] = [];
      for await (const { number, text } of linesOf(log)) {
        count.lines++;
        const record = records.read(text);
        if (record) batch.push({ number, record });
        if (batch.length < BATCH) continue;
        await judge(batch);
        batch = [];
      }
      await judge(batch);
      console.log(json ? JSON.stringify(count) : summaryText(count));
      return count.changed > 0 ? EXIT_FAILED : 0;
    },
  );
}

function isSame({ wasAllowed }: Record, { verdict }: Replayed): boolean {
  return wasAllowed === (verdict === "allowed");
}

function verdictOf({ wasAllowed }: Record): string {
  return wasAllowed ? "allowed" : "denied";
}

function asText(
  log: string,
  number: number,
  record: Record,
  found: Replayed,
): string {
  const { type, time, source, destination, query, fields } = record;
  const why = found.verdict === "unknown"
    ? found.why
    : [found.reason, found.rule].filter((part) => part !== undefined).join(" ");
  const said = type === "request"
    ? Object.entries(fields).map(([name, texts]) => ` ${name}=${texts}`).join(
      "",
    )
    : "";
  return `${log}:${number}: ${time} ${query.direction} ${source} -> ${destination} ${type}${said}: ` +
    `${verdictOf(record)} -> ${found.verdict}${why === "" ? "" : ` (${why})`}`;
}

function asJson(
  file: string,
  line: number,
  record: Record,
  found: Replayed,
): string {
  const { type, time, source, destination, query, fields, rule } = record;
  return JSON.stringify({
    file,
    line,
    time,
    type,
    direction: query.direction,
    source,
    destination,
    port: query.port,
    ...(type === "request" ? { fields } : {}),
    before: {
      verdict: verdictOf(record),
      ...(rule === undefined ? {} : { rule }),
    },
    after: found,
  });
}

function summaryText({ lines, decisions, changed, unknown }: Summary): string {
  return `${lines} lines, ${decisions} decisions, ${changed} would change, ${unknown} cannot be compared`;
}
