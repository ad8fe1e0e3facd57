/**
 * Where knowledge of the cluster comes from: the configuration, a controller, a
 * file. All sources look alike, and one that is lost keeps what it knew last.
 *
 * @module
 */
import type { IdentityEntry } from "./identity.ts";
import type { ServiceEntry } from "./service.ts";

/** What a source knows. */
export interface Knowledge {
  readonly identities: readonly IdentityEntry[];
  readonly services: readonly ServiceEntry[];
  /** Prefixes of workloads, where the source knows some. */
  readonly podCidrs?: readonly string[];
}

export const NOTHING: Knowledge = Object.freeze({
  identities: Object.freeze([]),
  services: Object.freeze([]),
});

/**
 * How a source is: `starting` until it has said all it knows for the first
 * time, `live` while it can be heard, `stale` when it was lost: what it knew
 * last counts.
 */
export type SourceState = "starting" | "live" | "stale";

/** For metrics and status pages. */
export interface SourceStatus {
  readonly name: string;
  readonly state: SourceState;
  /** Milliseconds since what it knows was last known to be true; none before it has said anything. */
  readonly age: number | undefined;
  /** Why it is not live. */
  readonly error?: string;
}

/** A source that is watched. */
export interface IdentitySource {
  readonly name: string;
  /** Replaced whole, and only when something changed. */
  readonly knowledge: Knowledge;
  /** @param now milliseconds since the epoch */
  status(now: number): SourceStatus;
  /** Calls `changed` after `knowledge` was replaced, from now on. */
  watch(changed: () => void): void;
  close(): Promise<void>;
}

/** What never changes: the entries of a configuration. */
export function fixedSource(
  name: string,
  knowledge: Knowledge,
): IdentitySource {
  return {
    name,
    knowledge,
    status: () => ({ name, state: "live", age: 0 }),
    watch() {},
    close: () => Promise.resolve(),
  };
}

/** What all sources know: of two that list a prefix or a service, the earlier one is believed. */
export function joinKnowledge(sources: readonly IdentitySource[]): Knowledge {
  const services = new Map<string, ServiceEntry>();
  for (const { knowledge } of sources) {
    for (const service of knowledge.services) {
      const key = `${service.namespace}/${service.name}`;
      if (!services.has(key)) services.set(key, service);
    }
  }
  const podCidrs = sources.flatMap(({ knowledge }) => knowledge.podCidrs ?? []);
  return {
    identities: sources.flatMap(({ knowledge }) => knowledge.identities),
    services: [...services.values()],
    ...(podCidrs.length === 0 ? {} : { podCidrs }),
  };
}

/** `controller: stale, last heard 90 s ago: the stream ended`. */
export function formatStatus(
  { name, state, age, error }: SourceStatus,
): string {
  const heard = age === undefined
    ? "never heard"
    : `last heard ${Math.round(age / 1000)} s ago`;
  return `${name}: ${state}, ${heard}${
    error === undefined ? "" : `: ${error}`
  }`;
}
