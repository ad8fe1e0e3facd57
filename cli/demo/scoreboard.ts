/**
 * What the whole tour comes to, counted from the access log and from the
 * clients' own sockets.
 *
 * @module
 */
import type { LogLine } from "./access_log.ts";
import type { Client } from "./client.ts";
import { faultsOf } from "./step_panic.ts";
import type { Step } from "./steps.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

export const scoreboard: Step<World> = {
  title: "Scoreboard",
  async run(world, { narrator, check }) {
    const { clients } = world;
    const lost = clients.filter(isLost).length;
    for (const client of clients) client.leave();
    const lines = await completeLog(world);
    const score = count(lines);
    const told = swapsOf(world.messages.served());
    const answered = sum(clients, ({ answered }) => answered);
    const pipelined = sum(world.tallies, ({ replies }) => replies);
    const wrong = sum(world.tallies, ({ wrong }) => wrong);
    const meant = faultsOf(world).length;

    narrator.say(
      "Counted from the access log, and from the clients' own sockets.",
    );
    narrator.show("requests", number(score.requests));
    narrator.show("  forwarded", number(score.forwarded));
    narrator.show("  denied", number(score.denied));
    narrator.show("  malformed", number(score.malformed));
    narrator.show(
      "replies",
      `${number(answered)}, ${number(pipelined)} of them pipelined`,
    );
    narrator.show("  wrong", number(wrong));
    narrator.show("parsers", `${score.versions} versions have read requests`);
    narrator.show("  swaps", number(score.swaps));
    narrator.show("connections", number(clients.length));
    narrator.show("  refused", `${score.refused} before the policy was there`);
    narrator.show("  panicked", `${score.panics}, closed on purpose`);
    narrator.show("  lost", number(lost));
    narrator.blank();
    check(
      answered === score.requests - score.dropped,
      `${number(answered)} replies: every request but the ${score.dropped} ` +
        "that c3po drops in silence was answered",
    );
    check(
      pipelined > 0 && wrong === 0,
      `${wrong} of ${number(pipelined)} pipelined replies wrong`,
    );
    check(
      score.swaps > 0 && score.swaps === told,
      `${score.swaps} swaps, as many as the sidecar told of`,
    );
    check(
      lost === 0 && score.panics === meant && score.broken === 0,
      `${lost} connections lost besides the ${meant} on purpose, ${score.broken} broken`,
    );
  },
};

/** Closed by the other side, though no step meant to. */
function isLost(client: Client): boolean {
  return client.wasClosed && !client.mayBeClosed;
}

/** The log, once it has the last line of every connection. */
function completeLog(world: World): Promise<readonly LogLine[]> {
  return until("the last log line of every connection", async () => {
    const lines = await world.log.lines();
    const over = new Set(
      lines.filter(isLast).map(({ source }) => source.address),
    );
    return world.clients.every(({ address }) => over.has(address))
      ? lines
      : undefined;
  });
}

/** What says how a connection ended, also one that was refused. */
function isLast({ type, fields }: LogLine): boolean {
  return type === "connection" && "end" in fields;
}

/** Totals of an access log. */
export interface Score {
  readonly requests: number;
  readonly forwarded: number;
  readonly denied: number;
  readonly malformed: number;
  /** Of the denied: those whose protocol has no words for it. */
  readonly dropped: number;
  readonly versions: number;
  readonly swaps: number;
  readonly refused: number;
  readonly panics: number;
  /** Connections that failed without a panic. */
  readonly broken: number;
}

/** Counts log lines. */
export function count(lines: readonly LogLine[]): Score {
  const requests = lines.filter(({ type }) => type === "request");
  const connections = lines.filter(({ type }) => type === "connection");
  const by = (verdict: LogLine["verdict"]) =>
    requests.filter((line) => line.verdict === verdict);
  const last = connections.filter(isLast);
  // One worker writes them all, so a swap is where a line has another version than the one before.
  const parsers = lines.flatMap(({ parser }) => parser ?? []);
  return {
    requests: requests.length,
    forwarded: by("forwarded").length,
    denied: by("denied").length,
    malformed: by("error").length,
    dropped: by("denied").filter(({ l7proto }) => l7proto === "c3po").length,
    versions: new Set(parsers).size,
    swaps: swapsOf(parsers),
    refused: last.filter(({ verdict }) => verdict === "denied").length,
    panics: last.filter(({ reason }) => reason === "panic").length,
    broken:
      last.filter(({ verdict, reason }) =>
        verdict === "error" && reason !== "panic"
      ).length,
  };
}

/** How often a version took another's place, of `NAME@VERSION` in order. */
export function swapsOf(parsers: Iterable<string>): number {
  const serving = new Map<string, string>();
  let swaps = 0;
  for (const parser of parsers) {
    const [name] = parser.split("@") as [string];
    if (serving.has(name) && serving.get(name) !== parser) swaps++;
    serving.set(name, parser);
  }
  return swaps;
}

function sum<T>(all: readonly T[], count: (one: T) => number): number {
  return all.reduce((total, one) => total + count(one), 0);
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}
