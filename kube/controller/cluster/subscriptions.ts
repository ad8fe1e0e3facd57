/**
 * Who is told of changes. One change may concern a sidecar in several ways: it
 * is told once, when all is settled.
 *
 * @module
 */

/** Keys of lines that may be others now; `all` when any may. */
export type Keys = ReadonlySet<string> | "all";

export type Changed = (keys: Keys) => void;

/** A listener. */
interface Subscription {
  readonly isComplete: boolean;
  readonly changed: Changed;
}

/** Listeners by the key of a pod. */
export class Subscriptions {
  readonly #byPod = new Map<string, Set<Subscription>>();
  /** Those that are told of everything. */
  readonly #complete = new Set<Subscription>();

  /** Returns what ends it. */
  add(pod: string, isComplete: boolean, changed: Changed): () => void {
    const subscription: Subscription = { isComplete, changed };
    const ofPod = this.#byPod.get(pod) ?? new Set();
    this.#byPod.set(pod, ofPod.add(subscription));
    if (isComplete) this.#complete.add(subscription);
    return () => {
      ofPod.delete(subscription);
      this.#complete.delete(subscription);
      if (ofPod.size === 0 && this.#byPod.get(pod) === ofPod) {
        this.#byPod.delete(pod);
      }
    };
  }

  /** Tells those of some pods what concerns them, and those that see all of the cluster what of it is another. */
  tell(pods: ReadonlyMap<string, Keys>, others: ReadonlySet<string>): void {
    const told = new Map<Subscription, Keys>();
    if (others.size > 0) {
      for (const each of this.#complete) told.set(each, others);
    }
    for (const [pod, keys] of pods) {
      for (const each of this.#byPod.get(pod) ?? []) {
        told.set(each, union(told.get(each), keys));
      }
    }
    for (const [{ changed }, keys] of told) changed(keys);
  }

  tellAll(): void {
    for (const ofPod of this.#byPod.values()) {
      for (const { changed } of ofPod) changed("all");
    }
  }
}

/** The keys of both. */
export function union(a: Keys | undefined, b: Keys): Keys {
  if (a === undefined) return b;
  return a === "all" || b === "all" ? "all" : a.union(b);
}
