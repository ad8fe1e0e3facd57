/**
 * What a data path answers about its connections, and how it ends some.
 *
 * @module
 */
import {
  type ConnectionFilter,
  type ConnectionState,
  LISTED_MAX,
  type Which,
} from "./administered.ts";
import type { WorkerAnswers, WorkerQuestion } from "./control/messages.ts";
import type { Engine } from "./engine.ts";
import type { ProxySession } from "./session/session.ts";

/** Answers a question; nothing is open where there is no engine yet. */
export function answer(
  engine: Engine | undefined,
  question: Exclude<WorkerQuestion, { readonly about: "lines" }>,
): WorkerAnswers[typeof question.about] {
  const sessions = engine?.sessions ?? [];
  switch (question.about) {
    case "counters":
      return null;
    case "connections":
      return describe(sessions, question.filter);
    case "close":
      return stop(sessions, question.which);
  }
}

/** The oldest ones that are meant, and how many are. */
function describe(
  sessions: Iterable<ProxySession>,
  filter: ConnectionFilter,
): WorkerAnswers["connections"] {
  const connections: ConnectionState[] = [];
  let total = 0;
  for (const session of sessions) {
    const one = session.describe();
    if (!isMeant(one, filter)) continue;
    total++;
    if (connections.length < LISTED_MAX) connections.push(one);
  }
  return { connections, total };
}

function isMeant(one: ConnectionState, filter: ConnectionFilter): boolean {
  const { listener, direction, l7proto, parser, source, destination } = filter;
  return (listener === undefined || one.listener === listener) &&
    (direction === undefined || one.direction === direction) &&
    (l7proto === undefined || one.l7proto === l7proto) &&
    (parser === undefined || one.parser === parser) &&
    (source === undefined || isAt(one.source, source)) &&
    (destination === undefined || isAt(one.destination, destination));
}

/** Whether `host:port` is what is meant: all of it, or its host. */
function isAt(address: string, meant: string): boolean {
  const host = address.slice(0, address.lastIndexOf(":"));
  return [address, host, host.replace(/^\[(.*)\]$/, "$1")].includes(meant);
}

function stop(sessions: Iterable<ProxySession>, which: Which): number {
  let stopped = 0;
  for (const session of [...sessions]) { // those that end leave the set
    const isOneOf = "id" in which
      ? session.id === which.id
      : isMeant(session.describe(), which);
    if (isOneOf && session.stop()) stopped++;
  }
  return stopped;
}
