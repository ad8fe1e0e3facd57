/**
 * Two workloads, told apart by their addresses.
 *
 * @module
 */
import type { LogLine } from "./access_log.ts";
import { ruleText, type Workload } from "./files.ts";
import { type Narrator, quoted } from "./narrator.ts";
import { OLD_WORDS } from "./edits.ts";
import type { Stage, Step } from "./steps.ts";
import { KEY, SEED, VALUE, type World } from "./world.ts";

interface Trial {
  readonly workload: Workload;
  readonly command: string;
  readonly request: string;
  readonly reply: string;
  /** How the log must put it. */
  readonly verdict: LogLine["verdict"];
  readonly proves: string;
}

const TRIALS: readonly Trial[] = [
  {
    workload: "monitoring",
    command: "get",
    request: `get ${KEY}\r\n`,
    reply: VALUE,
    verdict: "forwarded",
    proves: "monitoring may read",
  },
  {
    workload: "monitoring",
    command: "set",
    request: SEED,
    reply: `${OLD_WORDS}\r\n`,
    verdict: "denied",
    proves: "monitoring may not write; it is told so in the protocol's words",
  },
  {
    workload: "maintenance",
    command: "set",
    request: SEED,
    reply: "STORED\r\n",
    verdict: "forwarded",
    proves: "the other workload may",
  },
];

export const workloads: Step<World> = {
  title: "Two workloads, one cache",
  async run(world, stage) {
    stage.narrator.say(
      "The same port, the same bytes: who asks decides what is allowed.",
    );
    for (const trial of TRIALS) await judge(trial, world, stage);
  },
};

async function judge(
  trial: Trial,
  world: World,
  { narrator, check }: Stage,
): Promise<void> {
  const { workload, command, request } = trial;
  const client = await world.connect(workload);
  const reply = await client.ask(request);
  const line = await world.log.request(client, command);
  narrator.blank();
  narrator.show(workload, `→ ${quoted(request)}`);
  narrator.show("", `← ${quoted(reply)}`);
  showDecision(narrator, line);
  check(
    reply === trial.reply && line.verdict === trial.verdict &&
      (line.rule !== undefined) === (trial.verdict === "forwarded"),
    trial.proves,
  );
}

/** The telling part of a log line, and the rule that decided. */
export function showDecision(narrator: Narrator, line: LogLine): void {
  narrator.show("access log", excerpt(line));
  narrator.show("rule", decidedBy(line));
}

/** The telling part of a log line. */
export function excerpt({ verdict, fields }: LogLine): string {
  const told = Object.entries(fields)
    .filter(([name]) => TELLING.includes(name));
  const excerpt = JSON.stringify(Object.fromEntries(told));
  return `"verdict":"${verdict}", "fields":${excerpt}`;
}

const TELLING = ["command", "keys", "line", "status", "end"];

function decidedBy({ rule, reason }: LogLine): string {
  if (rule !== undefined) {
    return `${ruleText(rule)}  ${rule.slice(rule.indexOf("#") + 1)}`;
  }
  return reason === "no-rule"
    ? "none covers it: default deny (no-rule)"
    : `none was asked: the parser itself denies it (${reason})`;
}
