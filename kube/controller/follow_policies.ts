/**
 * Follows the policies of a cluster, of every kind that it has: kinds that
 * appear later are found, and those that go take their policies with them.
 *
 * @module
 */
import type { KubeClient } from "../client/client.ts";
import { follow, type Named } from "../client/follow.ts";
import type { PolicyKind, PolicyName } from "./cluster/facts.ts";
import {
  collectionPath,
  definitionName,
  DEFINITIONS_PATH,
  KIND_NAMES,
  type Usability,
  usabilityOf,
} from "./kinds.ts";
import { type Policy, readPolicyObject } from "./read_objects.ts";
import type { Watched } from "./watched.ts";

export interface FollowPolicies {
  readonly client: KubeClient;
  readonly watched?: Pick<Watched, "watch">;
  set(policy: Policy): void;
  remove(name: PolicyName): void;
  /** A policy that cannot be read as it was written, since its kind loses L7 rules. */
  pruned(policy: Policy): void;
  /** All policies that there were at the start are set. */
  synced(): void;
  readonly log: { info(message: string): void; warn(message: string): void };
  readonly signal: AbortSignal;
}

/** Goes on until it is told to stop. */
export async function followPolicies(options: FollowPolicies): Promise<void> {
  const waiting = new Set<PolicyKind>(KIND_NAMES);
  const synced = (kind: PolicyKind) => {
    if (waiting.delete(kind) && waiting.size === 0) options.synced();
  };
  await Promise.all(KIND_NAMES.map(async (kind) => {
    await using one = new OneKind(kind, options, () => synced(kind));
    await one.follow();
  }));
}

class OneKind implements AsyncDisposable {
  readonly #kind: PolicyKind;
  readonly #options: FollowPolicies;
  readonly #synced: () => void;
  #usability: Usability = "absent";
  #stop: AbortController | undefined;
  #following: Promise<void> = Promise.resolve();
  /** Those that were set. */
  readonly #names = new Map<string, PolicyName>();

  constructor(
    kind: PolicyKind,
    options: FollowPolicies,
    synced: () => void,
  ) {
    this.#kind = kind;
    this.#options = options;
    this.#synced = synced;
  }

  async follow(): Promise<void> {
    const { client, watched, log, signal } = this.#options;
    using progress = watched?.watch("definitions");
    await follow<Usability>({
      client,
      progress,
      path: DEFINITIONS_PATH,
      only: definitionName(this.#kind),
      read: (object) => usabilityOf(this.#kind, object),
      set: (usability) => this.#use(usability),
      remove: () => this.#use("absent"),
      synced: () => {
        if (this.#usability === "absent") this.#synced();
      },
      log,
      signal,
    });
  }

  #use(usability: Usability): void {
    if (usability === this.#usability) return;
    this.#usability = usability;
    this.#stop?.abort();
    this.#tell(usability);
    if (usability === "absent") {
      this.#removeAllBut(new Set());
      return this.#synced();
    }
    const stop = this.#stop = new AbortController();
    const before = this.#following;
    const objects = this.#objects(usability, stop.signal);
    this.#following = before.then(() => objects);
  }

  #removeAllBut(keys: ReadonlySet<string>): void {
    for (const [key, name] of this.#names) {
      if (keys.has(key)) continue;
      this.#names.delete(key);
      this.#options.remove(name);
    }
  }

  #tell(usability: Usability): void {
    const { log } = this.#options;
    if (usability === "pruned") {
      log.warn(
        `objects of ${this.#kind} are ignored, and those that were followed stay as they were: this cluster's definition of them drops l7proto, which would make an L7 rule a plain allow; write ParleyPolicy objects instead`,
      );
    } else log.info(`objects of ${this.#kind} are ${WORDS[usability]}`);
  }

  async #objects(
    usability: Exclude<Usability, "absent">,
    stop: AbortSignal,
  ): Promise<void> {
    const { client, watched, log, signal } = this.#options;
    const kind = this.#kind;
    const listed = new Set<string>();
    using progress = watched?.watch(kind);
    await follow<Policy>({
      client,
      progress,
      path: collectionPath(kind),
      read: (object) => readPolicyObject(kind, object),
      set: (policy) => {
        if (stop.aborted) return;
        listed.add(keyOf(policy));
        // What was read of it while it was whole stays: to ignore that would open what it closes.
        if (usability === "pruned") return this.#options.pruned(policy);
        const { namespace, name } = policy;
        this.#names.set(keyOf(policy), named(kind, { namespace, name }));
        this.#options.set(policy);
      },
      remove: (name) => {
        const known = this.#names.get(keyOf(name));
        if (stop.aborted || !known) return;
        this.#names.delete(keyOf(name));
        this.#options.remove(known);
      },
      synced: () => {
        if (!stop.aborted) this.#removeAllBut(listed);
        this.#synced();
      },
      log,
      signal: AbortSignal.any([signal, stop]),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop?.abort();
    await this.#following;
  }
}

const WORDS = { usable: "followed", absent: "not in this cluster any more" };

function keyOf({ namespace = "", name }: Named): string {
  return `${namespace}/${name}`;
}

function named(kind: PolicyKind, { namespace, name }: Named): PolicyName {
  return namespace === undefined ? { kind, name } : { kind, namespace, name };
}
