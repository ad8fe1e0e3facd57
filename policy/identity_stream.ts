/**
 * What a controller says of the cluster, as a stream of events, one JSON object
 * a line:
 *
 * ```text
 * {"event":"identity","cidr":"10.0.0.7","labels":{"app":"a"},"namespace":"default"}
 * {"event":"identity-gone","cidr":"10.0.0.7"}
 * {"event":"service","name":"db","namespace":"default","selector":{"app":"db"}}
 * {"event":"service-gone","name":"db","namespace":"default"}
 * {"event":"synced"}
 * ```
 *
 * `synced` ends what is known at the start, and may come again to say that
 * nothing else has changed. Nothing is believed before the first one: half of a
 * cluster would make strangers of the other half.
 *
 * @module
 */
import { z } from "zod";
import {
  formatPrefix,
  hostPrefix,
  parseAddress,
  parsePrefix,
  type Prefix,
} from "./cidr.ts";
import { clusterVersions } from "./cluster_versions.ts";
import type { IdentityEntry } from "./identity.ts";
import type { Knowledge } from "./identity_source.ts";
import {
  isDnsLabel,
  isLabelKey,
  isLabelValue,
  NAMESPACE_LABELS_PREFIX,
  parseLabel,
} from "./labels.ts";
import { quote } from "./problem.ts";
import type { ServiceEntry } from "./service.ts";

const labels = z.record(z.string(), z.string()).refine(
  (all) =>
    Object.entries(all).every(([name, value]) =>
      isKey(parseLabel(name).key) && isLabelValue(value)
    ),
  "a label that cannot be",
);
const namespace = z.string().refine(isDnsLabel, "a namespace that cannot be")
  .default("default");
const cidr = z.string().transform((text, context) => {
  const prefix = readPrefix(text);
  if (prefix !== undefined) return formatPrefix(prefix);
  context.addIssue("neither an address nor a prefix");
  return z.NEVER;
});
const address = z.string().refine(
  (text) => parseAddress(text) !== undefined,
  "not an address",
);
const ports = z.array(z.strictObject({
  name: z.string(),
  port: z.int().min(1).max(65535),
  protocol: z.enum(["TCP", "UDP", "SCTP"]).default("TCP"),
}));

/** A label of a namespace may be as long as any, with the prefix before it. */
function isKey(key: string): boolean {
  return isLabelKey(
    key.startsWith(NAMESPACE_LABELS_PREFIX)
      ? key.slice(NAMESPACE_LABELS_PREFIX.length)
      : key,
  );
}

/** One line. Members that are not known are passed over: a newer controller may say more. */
export const identityEvent = z.discriminatedUnion("event", [
  z.object({
    event: z.literal("identity"),
    cidr,
    labels: labels.default({}),
    namespace,
    ports: ports.optional(),
  }),
  z.object({ event: z.literal("identity-gone"), cidr }),
  z.object({
    event: z.literal("service"),
    name: z.string().min(1),
    namespace,
    labels: labels.default({}),
    selector: z.record(z.string(), z.string()).optional(),
    addresses: z.array(address).optional(),
  }),
  z.object({
    event: z.literal("service-gone"),
    name: z.string().min(1),
    namespace,
  }),
  z.object({
    event: z.literal("synced"),
    versions: clusterVersions.optional(),
  }),
]);

export type IdentityEvent = z.output<typeof identityEvent>;

/** Gathers the events of one stream. */
export class IdentityStream {
  readonly #identities = new Map<string, IdentityEntry>();
  readonly #services = new Map<string, ServiceEntry>();
  #isSynced = false;
  #isChanged = false;
  #lines = 0;

  /** Whether the stream has said all that it knew at its start. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /**
   * Takes one line; an empty one says nothing.
   *
   * @throws {TypeError} when it is no event, naming the line
   */
  take(line: string): void {
    this.#lines++;
    if (line.trim() === "") return;
    const event = identityEvent.safeParse(parseJson(line));
    if (!event.success) throw misfit(this.#lines, event.error);
    this.apply(event.data);
  }

  /** All that is known, if that is more or less than when this was asked last. */
  changed(): Knowledge | undefined {
    if (!this.#isSynced || !this.#isChanged) return undefined;
    this.#isChanged = false;
    return {
      identities: [...this.#identities.values()],
      services: [...this.#services.values()],
    };
  }

  /** Takes one event. */
  apply(event: IdentityEvent): void {
    switch (event.event) {
      case "identity": {
        const { cidr, labels, namespace, ports } = event;
        const entry = { cidr, labels, namespace };
        this.#identities.set(cidr, ports ? { ...entry, ports } : entry);
        break;
      }
      case "identity-gone":
        this.#identities.delete(event.cidr);
        break;
      case "service": {
        const { event: _, selector, addresses, ...service } = event;
        this.#services.set(keyOf(event), {
          ...service,
          ...(selector ? { selector } : {}),
          ...(addresses ? { addresses } : {}),
        });
        break;
      }
      case "service-gone":
        this.#services.delete(keyOf(event));
        break;
      case "synced":
        this.#isChanged ||= !this.#isSynced;
        this.#isSynced = true;
        return;
    }
    this.#isChanged = true;
  }
}

/** What is wrong with a line. */
export function misfit(line: number, error: z.ZodError): TypeError {
  const [issue] = error.issues;
  const where = issue?.path.join(".") ?? "";
  return new TypeError(
    `line ${line} is no event${where === "" ? "" : ` (at ${quote(where)})`}: ${
      issue?.message ?? "unknown"
    }`,
  );
}

function keyOf({ namespace, name }: { namespace: string; name: string }) {
  return `${namespace}/${name}`;
}

function readPrefix(text: string): Prefix | undefined {
  const address = parseAddress(text);
  return address === undefined ? parsePrefix(text) : hostPrefix(address);
}

/** What a line says; nothing if it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
