/**
 * What one line of an access log tells about a decision.
 *
 * @module
 */
import { z } from "zod";
import type { Direction, Peer, Query, Subject } from "../../policy/mod.ts";

/** A decision that a policy made. */
export interface Record {
  /** `request`, or a `connection` when it ended. */
  readonly type: "request" | "connection";
  readonly time: string;
  /** Whether the policy allowed it; in audit mode, whether it would have. */
  readonly wasAllowed: boolean;
  readonly rule: string | undefined;
  readonly query: Query;
  readonly source: string;
  readonly destination: string;
  readonly proto: string | undefined;
  /** Of a request. */
  readonly fields: Readonly<globalThis.Record<string, readonly string[]>>;
}

const endpoint = z.object({ address: z.string(), labels: z.array(z.string()) });
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const line = z.object({
  time: z.string(),
  type: z.enum(["request", "connection"]),
  verdict: z.enum(["forwarded", "denied", "audit", "error"]),
  direction: z.enum(["ingress", "egress"]),
  source: endpoint,
  destination: endpoint,
  port: z.int().optional(),
  l7proto: z.string().optional(),
  rule: z.string().optional(),
  reason: z.string().optional(),
  fields: z.record(z.string(), z.union([scalar, z.array(z.string())])),
});

type Line = z.output<typeof line>;

/** Reasons of a denial that another policy could have decided otherwise. */
const OF_POLICY: ReadonlySet<string | undefined> = new Set([
  undefined,
  "no-rule",
  "deny-rule",
  "unknown-request",
]);

/** Workloads and peers, one object for each: a policy keeps what it found out by them. */
export class Records {
  readonly #subjects = new Map<string, Subject>();

  /** `undefined` for a line that tells of no decision: responses, errors, the log's own. */
  read(text: string): Record | undefined {
    const value = line.safeParse(parseJson(text)).data;
    if (value === undefined || !isDecision(value)) return undefined;
    const { direction, source, destination, verdict } = value;
    const [own, other] = direction === "ingress"
      ? [destination, source]
      : [source, destination];
    return {
      type: value.type,
      time: value.time,
      wasAllowed: verdict === "forwarded",
      rule: value.rule,
      query: {
        subject: this.#subjectOf(own.labels),
        direction: direction satisfies Direction,
        port: value.port ?? portOf(destination.address),
        peer: peerOf(other),
      },
      source: source.address,
      destination: destination.address,
      proto: value.l7proto,
      fields: textsOf(value.fields),
    };
  }

  #subjectOf(labels: readonly string[]): Subject {
    const key = labels.join("\n");
    const subject = this.#subjects.get(key) ?? { labels };
    this.#subjects.set(key, subject);
    return subject;
  }
}

/** A request that was judged, or the end of a connection that was. */
function isDecision({ type, verdict, reason, fields }: Line): boolean {
  if (type === "request") return verdict !== "error" && OF_POLICY.has(reason);
  if (!("end" in fields)) return false;
  // What a client or server broke off was allowed before.
  return verdict === "forwarded" || OF_POLICY.has(reason);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function peerOf(
  { address, labels }: { address: string; labels: readonly string[] },
): Peer {
  return { address: hostOf(address), labels };
}

/** `ip:port`, `[ip]:port`, or a path. */
function hostOf(address: string): string {
  const [, v6, v4] = /^(?:\[([^\]]*)\]|([^:]*)):\d+$/.exec(address) ?? [];
  return v6 ?? v4 ?? "";
}

function portOf(address: string): number {
  return Number(/:(\d+)$/.exec(address)?.[1] ?? 0);
}

function textsOf(fields: Line["fields"]): Record["fields"] {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      Array.isArray(value) ? value : [String(value)],
    ]),
  );
}
