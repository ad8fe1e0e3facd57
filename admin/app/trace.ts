/**
 * Why: what the policy in force says of a connection, or of a request on it.
 *
 * It is read, not changed, so that it takes no token where reading takes none.
 *
 * @module
 */
import { z } from "zod";
import type { Administered, TraceQuestion } from "../../proxy/administered.ts";
import type { TraceReport } from "../../proxy/trace/report.ts";
import { TooManyWait } from "../../proxy/supervisor/turns.ts";
import { WrongQuestion } from "../../proxy/trace/wrong_question.ts";
import { RequestError } from "../problem.ts";
import { json, type Operation, operation } from "./operation.ts";
import { count, direction } from "./schemas.ts";

/** Of a request that is asked about. */
const FIELDS = '{"FIELD": "VALUE" or ["VALUE", …], …}';

const text = z.string().min(1, { error: "it is empty" });

const question = z.object({
  from: text.optional().describe(
    "the source: an IP address, or labels such as app=web,team=a; may be left out where it is the guarded workload",
  ),
  to: text.optional().describe("the destination, likewise"),
  port: z.string().regex(/^[1-9]\d{0,4}$/, { error: "it is no port" })
    .describe("that of the destination, as the policy speaks of it"),
  direction: direction.optional().describe(
    "ingress, the default: the destination is guarded; egress: the source is",
  ),
  protocol: text.optional().describe("TCP, the default, UDP or SCTP"),
  l7proto: text.optional().describe(
    "the parser that reads the bytes, where neither the policy nor a listener says it",
  ),
  l7: text.optional().describe(
    `fields of a request as the access log shows them, as JSON: ${FIELDS}`,
  ),
});

const finding = z.strictObject({ holds: z.boolean(), text: z.string() });
const place = {
  ref: z.string().describe("[namespace/]name#path, as in the access log"),
  file: z.string(),
};

const l7Rule = z.strictObject({
  ...place,
  rule: z.record(z.string(), z.string()),
  covers: z.boolean().optional().describe("the request; absent: none was read"),
  because: z.array(z.string()).optional()
    .describe("keys without one of which it would"),
});

const entry = z.strictObject({
  ...place,
  verdict: z.enum(["allow", "deny"]),
  peer: finding,
  port: finding,
  applies: z.boolean().describe("peer and port both hold"),
  l7: z.strictObject({ l7proto: z.string(), rules: z.array(l7Rule) })
    .optional().describe("without rules: every request"),
});

const schema = z.strictObject({
  verdict: z.enum(["allowed", "audit", "denied"]).describe(
    "audit: it would be denied, and passes, for the sidecar or a policy is in audit mode",
  ),
  why: z.string().describe("in one sentence"),
  rule: z.string().optional().describe("as the access log would say it"),
  reason: z.string().optional().describe("likewise"),
  l7proto: z.string().optional(),
  connection: z.enum(["allowed", "denied"]),
  fields: z.record(z.string(), z.unknown()).optional()
    .describe("of the request, as its parser reads them"),
  closedBy: z.array(z.string())
    .describe("rules by which is denied what no rule allows"),
  rules: z.array(z.strictObject({
    ...place,
    subject: finding,
    closes: z.boolean(),
    audits: z.boolean().describe("its document is in audit mode"),
    entries: z.array(entry),
  })).describe("that select the workload"),
  others: count.describe("rules that select other workloads only"),
}).meta({ id: "Trace" });

export function trace(sidecar: Administered): Operation[] {
  return [
    operation(
      {
        method: "GET",
        path: "/v1/trace",
        id: "trace",
        summary: "Which rule decides a connection, or a request on it, and why",
        description:
          "As parley trace, by the policy in force and what is known of peers now.",
        query: question,
        answers: {
          200: {
            description:
              "The verdict, and every rule that could have a say in it.",
            content: { "application/json": schema },
          },
        },
        problems: [422, 429],
      },
      async ({ query, request: { signal } }) => {
        try {
          return json(shown(await sidecar.trace(questionOf(query), signal)));
        } catch (error) {
          throw refusal(error);
        }
      },
    ),
  ];
}

function refusal(error: unknown): unknown {
  if (error instanceof WrongQuestion) {
    return new RequestError(422, `query.${error.message}`);
  }
  if (error instanceof TooManyWait) {
    return new RequestError(
      429,
      "many questions wait for their answers already; ask again later",
      { "retry-after": "1" },
    );
  }
  return error;
}

function questionOf(
  { direction, l7, ...rest }: z.output<typeof question>,
): TraceQuestion {
  return {
    ...rest as Pick<TraceQuestion, "port">,
    egress: direction === "egress",
    ...(l7 === undefined ? {} : { l7: fieldsOf(l7) }),
  };
}

/** Any number of values a field, as texts. */
const fields = z.record(
  z.string(),
  z.union([
    z.union([z.string(), z.number(), z.boolean()]).transform((value) => [
      `${value}`,
    ]),
    z.array(z.string()),
  ]),
);

function fieldsOf(written: string): Record<string, string[]> {
  let value: unknown;
  try {
    value = JSON.parse(written);
  } catch { /* it is undefined, which is wrong too */ }
  const read = fields.safeParse(value);
  if (read.success) return read.data;
  throw new RequestError(
    422,
    `query.l7: it holds no fields in JSON; write ${FIELDS}`,
  );
}

/**
 * The sidecar keeps documents, not their texts: it has no lines to show. Of a
 * cluster's rules most are for other workloads, and are counted only.
 */
function shown(report: TraceReport): z.output<typeof schema> {
  const { query: _, request, rules, ...rest } = report;
  const selecting = rules.filter(({ subject }) => subject.holds);
  return {
    ...rest,
    ...(request ? { fields: request.fields } : {}),
    closedBy: [...rest.closedBy],
    others: rules.length - selecting.length,
    rules: selecting.map(({ place, entries, ...rule }) => ({
      ...rule,
      file: place.file,
      entries: entries.map(({ place, l7, ...entry }) => ({
        ...entry,
        file: place.file,
        ...(l7 ? { l7: { ...l7, rules: l7.rules.map(shownRule) } } : {}),
      })),
    })),
  };
}

type L7Report = NonNullable<
  TraceReport["rules"][number]["entries"][number]["l7"]
>;

function shownRule({ place, because, ...rule }: L7Report["rules"][number]) {
  return {
    ...rule,
    file: place.file,
    ...(because ? { because: [...because] } : {}),
  };
}
