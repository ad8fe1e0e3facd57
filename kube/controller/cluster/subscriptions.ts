/**
 * Who is told of changes. One change may concern a sidecar in several ways: it
 * is told once, when all is settled.
 *
 * @module
 */

/** A listener. */
interface Subscription {
  readonly isComplete: boolean;
  readonly changed: () => void;
}

/** Listeners by the key of a pod. */
export class Subscriptions {
  readonly #byPod = new Map<string, Set<Subscription>>();
  /** Those that are told of everything. */
  readonly #complete = new Set<Subscription>();

  /** Returns what ends it. */
  add(pod: string, isComplete: boolean, changed: () => void): () => void {
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

  has(pod: string): boolean {
    return this.#byPod.has(pod);
  }

  /** Tells those of some pods, and, where anything of the cluster is another, those that see all of it. */
  tell(pods: Iterable<string>, isOther: boolean): void {
    const told = new Set<Subscription>(isOther ? this.#complete : []);
    for (const pod of pods) {
      for (const each of this.#byPod.get(pod) ?? []) told.add(each);
    }
    for (const { changed } of told) changed();
  }

  tellAll(): void {
    this.tell([...this.#byPod.keys()], true);
  }
}
