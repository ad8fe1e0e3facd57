/**
 * Policies that select another workload guard nothing, which is seldom meant.
 *
 * @module
 */
import type { CompiledPolicy, Subject } from "../policy/mod.ts";
import type { ListenerConfig } from "./config/mod.ts";

/** A listener that has policies, but none for its workload. */
export interface Unguarded {
  readonly listener: string;
  readonly message: string;
  readonly mend: string;
}

/** What to say of listeners that have policies, but none for their workload. */
export function unguarded(
  subjects: readonly Subject[],
  listeners: readonly Pick<ListenerConfig, "name" | "direction">[],
  policy: CompiledPolicy,
): Unguarded[] {
  return listeners.flatMap(({ name, direction }) =>
    subjects
      .filter((subject) => !policy.guards(subject, direction))
      .map(({ labels }) => ({
        listener: name,
        message: `listener ${name}: no policy in force selects the workload ${
          labels.join(", ")
        } for ${direction}, so everything passes`,
        mend: "correct endpoint.labels or the endpointSelector",
      }))
  );
}
