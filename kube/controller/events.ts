/**
 * Events: what people see of an object in `kubectl describe`.
 *
 * @module
 */
import { type KubeClient, KubeError } from "../client/client.ts";

/** What an event is about. */
export interface Subject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid: string;
}

/** Events on objects without a namespace are here, as those of other controllers. */
const NAMESPACE = "default";
/** The API server takes no longer one. */
const MESSAGE_MAX = 1024;
/** Of names that are told apart; the oldest are forgotten, and told of again. */
const TOLD_MAX = 10_000;

/** Writes each event once, as long as it is remembered. */
export class Events {
  readonly #client: Pick<KubeClient, "create">;
  readonly #log: { warn(message: string): void };
  readonly #told = new Set<string>();
  #isRefused = false;

  constructor(
    client: Pick<KubeClient, "create">,
    log: { warn(message: string): void },
  ) {
    this.#client = client;
    this.#log = log;
  }

  /** A warning about an object. Never rejects: an event is a courtesy. */
  async warn(
    subject: Subject,
    reason: string,
    message: string,
  ): Promise<void> {
    const key = [subject.uid, reason, message].join(" ");
    if (this.#told.has(key)) return;
    this.#told.add(key);
    if (this.#told.size > TOLD_MAX) {
      this.#told.delete(this.#told.values().next().value!);
    }
    try {
      await this.#write(subject, reason, message.slice(0, MESSAGE_MAX), key);
    } catch (error) {
      // Another leader has told of it already.
      if (error instanceof KubeError && error.status === 409) return;
      this.#told.delete(key);
      if (this.#isRefused) return;
      this.#isRefused = true;
      this.#log.warn(`events cannot be written: ${(error as Error).message}`);
    }
  }

  async #write(
    { apiVersion, kind, namespace, name, uid }: Subject,
    reason: string,
    message: string,
    key: string,
  ): Promise<void> {
    const place = namespace ?? NAMESPACE;
    const now = new Date().toISOString().replace(/\.\d+Z/, "Z");
    const source = "parley-controller";
    await this.#client.create(`/api/v1/namespaces/${place}/events`, {
      apiVersion: "v1",
      kind: "Event",
      // Equal events have equal names, so that replicas do not tell twice.
      metadata: { name: await nameOf(name, key), namespace: place },
      involvedObject: {
        apiVersion,
        kind,
        ...(namespace === undefined ? {} : { namespace }),
        name,
        uid,
      },
      type: "Warning",
      reason,
      message,
      source: { component: source },
      reportingComponent: source,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    });
  }
}

/** A name of at most 253 letters, whose parts begin and end with one. */
async function nameOf(object: string, key: string): Promise<string> {
  const bytes = new TextEncoder().encode(key);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const hash = new Uint8Array(digest).toHex().slice(0, 16);
  return `${object.slice(0, 220).replace(/[-.]+$/, "")}.${hash}`;
}
