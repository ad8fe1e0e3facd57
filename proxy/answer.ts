/**
 * What a data path answers about its connections, and how it ends some.
 *
 * @module
 */
import { LISTED_MAX, type Which } from "./administered.ts";
import type { WorkerAnswers, WorkerQuestion } from "./control/messages.ts";
import type { Engine } from "./engine.ts";
import type { ProxySession } from "./session.ts";
import { versionText } from "./versions.ts";

/** Answers a question; nothing is open where there is no engine yet. */
export function answer(
  engine: Engine | undefined,
  question: WorkerQuestion,
): WorkerAnswers[WorkerQuestion["about"]] {
  const sessions = engine?.sessions ?? [];
  switch (question.about) {
    case "counters":
      return null;
    case "connections":
      return describe(sessions);
    case "close":
      return stop(sessions, question.which);
  }
}

/** The oldest ones: whoever lists them must not hold up the others for long. */
function describe(
  sessions: Iterable<ProxySession>,
): WorkerAnswers["connections"] {
  const listed = [];
  for (const session of sessions) {
    if (listed.length === LISTED_MAX) break;
    listed.push(session.describe());
  }
  return listed;
}

function stop(sessions: Iterable<ProxySession>, which: Which): number {
  let stopped = 0;
  for (const session of [...sessions]) { // those that end leave the set
    const { id, parser } = session;
    const isMeant = "id" in which
      ? id === which.id
      : parser !== undefined && versionText(parser) === which.parser;
    if (isMeant && session.stop()) stopped++;
  }
  return stopped;
}
