/**
 * How a worker ended, in the operator's words.
 *
 * @module
 */
import type { Ended } from "./child.ts";

/** Of V8, before it ends a process whose heap is full; the rest of what it says is about itself. */
const OUT_OF_MEMORY = /out of memory/i;

/** The same, with a death by want of memory put short. */
export function epitaph(ended: Ended): Ended {
  const { how, lastWords } = ended;
  if (OUT_OF_MEMORY.test(lastWords)) {
    return { ...ended, lastWords: "out of memory (limits.workerBytes)" };
  }
  // Where the runtime's own parts get no memory they say nothing.
  if (how !== "signal SIGABRT" || lastWords !== "") return ended;
  return {
    ...ended,
    lastWords: "none, as when it is out of memory (limits.workerBytes)",
  };
}
