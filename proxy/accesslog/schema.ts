/**
 * The shape of an access-log line. It changes by additions only: a reader
 * should pass over members that it does not know.
 *
 * @module
 */
import { z } from "zod";

const endpoint = z.object({
  address: z.string().describe("ip:port, [ipv6]:port or unix:path"),
  labels: z.array(z.string()).describe(
    "sorted, with their sources: k8s:app=memcached, reserved:world",
  ),
});

const fields = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]),
);

const time = z.string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/)
  .describe("RFC 3339, in UTC");

const verdict = z.enum(["forwarded", "denied", "error", "audit"]).describe(
  "audit: it would be denied, and passed, for the sidecar or the policy is in audit mode",
);

/** What every line of a connection says. */
const connection = z.object({
  time,
  type: z.enum(["request", "response", "connection"]),
  verdict,
  direction: z.enum(["ingress", "egress"]).describe(
    "seen from the guarded workload",
  ),
  connection: z.int().describe("unique in the process"),
  source: endpoint,
  destination: endpoint,
  port: z.int().optional().describe(
    "the port that the policy speaks of, where it is not the destination's",
  ),
  l7proto: z.string().optional(),
  parser: z.string().optional().describe("name@version of what read the bytes"),
  rule: z.string().optional().describe(
    "the rule that allowed or denied: [namespace/]name#path; absent when none matched; of audit with no-rule, the rule that lacks an entry",
  ),
  reason: z.string().optional().describe(
    "why otherwise: no-rule, deny-rule, unknown-request, malformed, limit, memory …",
  ),
  fields: fields.describe(
    "the parser's own; of a connection bytesForward, bytesReply, durationMs, end, status",
  ),
  latency: z.number().min(0).optional().describe(
    "of a response: milliseconds since its request was logged",
  ),
});

/** About the log itself. */
const log = z.object({
  time,
  type: z.literal("accesslog"),
  verdict: z.literal("error"),
  reason: z.literal("lines-dropped"),
  fields: z.object({
    dropped: z.int().min(1).describe("lines that a slow sink cost"),
  }),
});

/** One line of the access log. */
export const accessLogSchema = z.union([connection, log]);

/** JSON Schema 2020-12 of a line. */
export function accessLogJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(accessLogSchema, { io: "input" });
  return { $schema, title: "One line of Parley's access log", ...rest };
}
