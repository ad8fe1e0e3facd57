/**
 * What a controller tells one sidecar, as a stream of events, one JSON object a
 * line: those of `identity_stream.ts`, and
 *
 * ```text
 * {"event":"reset"}
 * {"event":"endpoint","name":"a-0","namespace":"default","labels":{"app":"a"}}
 * {"event":"pod-cidrs","cidrs":["10.0.0.0/8"]}
 * {"event":"policy","id":"ParleyPolicy/default/a","text":"{…}"}
 * {"event":"policy-gone","id":"ParleyPolicy/default/a"}
 * {"event":"synced","versions":{"pods":["1200","1234"]}}
 * ```
 *
 * `reset` takes back all that was said; it begins what it belongs to. What comes
 * up to a `synced` counts at once, with it, or not at all: half of it would be
 * policies without those of whom they speak. With versions (see
 * `cluster_versions.ts`) it does not count if it may be older than what counts.
 *
 * @module
 */
import { z } from "zod";
import { type ClusterVersions, olderIn } from "./cluster_versions.ts";
import type { Source } from "./file.ts";
import type { Knowledge } from "./identity_source.ts";
import {
  identityEvent,
  IdentityStream,
  misfit,
  parseJson,
} from "./identity_stream.ts";
import { parsePrefix } from "./cidr.ts";

const controllerEvent = z.discriminatedUnion("event", [
  ...identityEvent.options,
  z.object({ event: z.literal("reset") }),
  z.object({
    event: z.literal("endpoint"),
    name: z.string().min(1),
    namespace: z.string().min(1),
    labels: z.record(z.string(), z.string()),
  }),
  z.object({
    event: z.literal("pod-cidrs"),
    cidrs: z.array(
      z.string().refine((text) => parsePrefix(text) !== undefined),
    ),
  }),
  z.object({
    event: z.literal("policy"),
    id: z.string().min(1),
    text: z.string(),
  }),
  z.object({ event: z.literal("policy-gone"), id: z.string().min(1) }),
]);

type ControllerEvent = z.output<typeof controllerEvent>;

/** The workload, as the cluster knows it. */
export interface ToldEndpoint {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** All that a sidecar was told. */
export interface Told {
  readonly endpoint: ToldEndpoint;
  /** In the order of their names. */
  readonly policies: readonly Source[];
  readonly knowledge: Knowledge;
}

/** What was said may be older than what counts. */
export class OlderStateError extends Error {
  override readonly name = "OlderStateError";

  /** @param collections of which it may lack changes */
  constructor(collections: readonly string[]) {
    super(
      `its state of ${
        collections.join(", ")
      } is older than what was told before`,
    );
  }
}

/** Gathers the events of one controller. */
export class ControllerStream {
  /** By what they speak of. */
  readonly #lines = new Map<string, string>();
  readonly #limit: number;
  #batch: (readonly [ControllerEvent, string])[] = [];
  #count = 0;
  /** Characters of lines that are held, and of the batch. */
  #size = 0;
  #batchSize = 0;
  #identities = new IdentityStream();
  #policies = new Map<string, string>();
  #endpoint: ToldEndpoint | undefined;
  #podCidrs: readonly string[] = [];
  /** Of the cluster, as it was when what counts was said. */
  #versions: ClusterVersions | undefined;
  #knowledge: Knowledge = { identities: [], services: [] };

  /** @param limit characters that may be held */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The lines that say again what counts now; in no order. */
  get lines(): Iterable<string> {
    return this.#lines.values();
  }

  /** The line that ends those, so that what is taken later is held against them. */
  get syncedLine(): string {
    const versions = this.#versions;
    return JSON.stringify({ event: "synced", ...(versions && { versions }) });
  }

  /**
   * Takes one line, without its end; an empty one says nothing. What counts is
   * another then if the answer says so.
   *
   * @throws {TypeError} when it is no event, naming the line; what counted
   *   before counts
   * @throws {RangeError} when more is said than may be held; so does it then
   * @throws {OlderStateError} when it may be older; so does it then, unless
   *   {@linkcode takeOlder} is called
   */
  take(line: string): Told | undefined {
    this.#count++;
    if (line.trim() === "") return undefined;
    const event = controllerEvent.safeParse(parseJson(line));
    if (!event.success) throw misfit(this.#count, event.error);
    this.#batch.push([event.data, line]);
    this.#batchSize += line.length;
    const isAnew = this.#batch[0]![0].event === "reset";
    if (this.#batchSize + (isAnew ? 0 : this.#size) > this.#limit) {
      throw new RangeError(
        `it says more than the ${this.#limit} characters that a sidecar may hold`,
      );
    }
    if (event.data.event !== "synced") return undefined;
    // Nothing of what counts changes by one that says nothing else.
    const isSame = this.#batch.length === 1;
    const { versions = isSame ? this.#versions : undefined } = event.data;
    const older = olderIn(versions ?? {}, this.#versions ?? {});
    if (older.length > 0 && !isSame) throw new OlderStateError(older);
    return this.#settle(older.length > 0 ? this.#versions : versions);
  }

  /** Has count what was refused because it may be older. */
  takeOlder(): Told {
    const synced = this.#batch
      .map(([event]) => event)
      .findLast((event) => event.event === "synced");
    return this.#settle(synced?.versions);
  }

  /** What was said since the last `synced` does not count. */
  drop(): void {
    this.#batch = [];
    this.#batchSize = 0;
    this.#count = 0;
  }

  #settle(versions: ClusterVersions | undefined): Told {
    const isAnew = this.#batch[0]?.[0].event === "reset";
    const endpoint = this.#batch
      .map(([event]) => event)
      .findLast((event) => event.event === "endpoint") ??
      (isAnew ? undefined : this.#endpoint);
    if (!endpoint) throw new TypeError("it does not say who the workload is");
    const batch = this.#batch;
    this.drop();
    for (const [event, line] of batch) this.#apply(event, line);
    this.#versions = versions;
    this.#knowledge = this.#identities.changed() ?? this.#knowledge;
    return {
      endpoint: this.#endpoint!,
      policies: [...this.#policies].sort(([a], [b]) => a < b ? -1 : 1)
        .map(([id, text]) => ({ file: `controller: ${id}`, text })),
      knowledge: { ...this.#knowledge, podCidrs: this.#podCidrs },
    };
  }

  #apply(event: ControllerEvent, line: string): void {
    switch (event.event) {
      case "reset":
        this.#lines.clear();
        this.#size = 0;
        this.#identities = new IdentityStream();
        this.#knowledge = { identities: [], services: [] };
        this.#policies.clear();
        this.#endpoint = undefined;
        this.#podCidrs = [];
        return;
      case "endpoint": {
        const { name, namespace, labels } = event;
        this.#endpoint = { name, namespace, labels };
        return this.#hold("endpoint", line);
      }
      case "pod-cidrs":
        this.#podCidrs = event.cidrs;
        return this.#hold("pod-cidrs", line);
      case "policy":
        this.#policies.set(event.id, event.text);
        return this.#hold(`policy ${event.id}`, line);
      case "policy-gone":
        this.#policies.delete(event.id);
        return this.#hold(`policy ${event.id}`);
      case "identity":
      case "identity-gone":
        this.#identities.apply(event);
        return this.#hold(
          `identity ${event.cidr}`,
          event.event === "identity" ? line : undefined,
        );
      case "synced":
        return this.#identities.apply(event);
      case "service":
      case "service-gone":
        this.#identities.apply(event);
        return this.#hold(
          `service ${event.namespace}/${event.name}`,
          event.event === "service" ? line : undefined,
        );
    }
  }

  #hold(key: string, line?: string): void {
    this.#size += (line?.length ?? 0) - (this.#lines.get(key)?.length ?? 0);
    if (line === undefined) this.#lines.delete(key);
    else this.#lines.set(key, line);
  }
}
