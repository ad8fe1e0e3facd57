/**
 * What the whole tour comes to, counted from the access log and from the
 * clients' own sockets.
 *
 * @module
 */
import type { LogLine } from "./access_log.ts";
import type { Client } from "./client.ts";
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
    const answered = clients.reduce((sum, client) => sum + client.answered, 0);

    narrator.say(
      "Counted from the access log, and from the clients' own sockets.",
    );
    narrator.show("requests", number(score.requests));
    narrator.show("  forwarded", number(score.forwarded));
    narrator.show("  denied", number(score.denied));
    narrator.show("  malformed", number(score.malformed));
    narrator.show(
      "parsers",
      `${score.versions} versions served, ${score.swaps} swaps`,
    );
    narrator.show("connections", number(clients.length));
    narrator.show("  refused", `${score.refused} before the policy was there`);
    narrator.show("  panicked", `${score.panics}, and closed for it`);
    narrator.show("  lost", number(lost));
    narrator.blank();
    check(
      answered === score.requests - score.dropped,
      `${number(answered)} replies: every request but the ${score.dropped} ` +
        "that c3po drops in silence was answered",
    );
    check(
      score.swaps > 0 && score.panics === 1 && score.broken === 0,
      `${score.swaps} swaps, ${score.panics} panic, ${score.broken} other connections broken`,
    );
    check(lost === 0, `${lost} connections lost`);
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

/** Refused connections have one line, others a last one that says how they ended. */
function isLast({ type, verdict, fields }: LogLine): boolean {
  return type === "connection" && (verdict === "denied" || "end" in fields);
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
  return {
    requests: requests.length,
    forwarded: by("forwarded").length,
    denied: by("denied").length,
    malformed: by("error").length,
    dropped: by("denied").filter(({ l7proto }) => l7proto === "c3po").length,
    ...versions(connections),
    refused: last.filter(({ verdict }) => verdict === "denied").length,
    panics: last.filter(({ reason }) => reason === "panic").length,
    broken:
      last.filter(({ verdict, reason }) =>
        verdict === "error" && reason !== "panic"
      ).length,
  };
}

/** How many parser versions served, and how often one took another's place. */
function versions(
  connections: readonly LogLine[],
): { versions: number; swaps: number } {
  const inOrder = connections.toSorted((a, b) => a.connection - b.connection);
  const all = new Set<string>();
  const serving = new Map<string, string>();
  let swaps = 0;
  for (const { l7proto, parser } of inOrder) {
    if (l7proto === undefined || parser === undefined) continue;
    const before = serving.get(l7proto);
    if (before !== undefined && before !== parser) swaps++;
    serving.set(l7proto, parser);
    all.add(parser);
  }
  return { versions: all.size, swaps };
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}
