/**
 * A trace for people.
 *
 * @module
 */
import type {
  EntryAccount,
  L7Account,
  Place,
  RuleAccount,
} from "../../policy/mod.ts";
import { escapeControls } from "../../policy/problem.ts";
import type { Coverage } from "../../proxy/matcher.ts";
import { whyOf } from "../../proxy/trace/report.ts";
import type { Trace, TracedRequest } from "../../proxy/trace/trace.ts";

/** A rule, or a part of one, and what came of it. */
interface Row {
  readonly mark: "yes" | "no" | "-";
  readonly ref: string;
  readonly place: string;
  readonly why: string;
}

const GREEN = "\x1b[32m";
const RED = "\x1b[31m";
const DIM = "\x1b[2m";
const OFF = "\x1b[0m";

/** Lines: the verdict, why, the question, and every rule that was considered. */
export function asText(trace: Trace, colour: boolean): string[] {
  const paint = (code: string, text: string) =>
    colour && code !== "" ? `${code}${text}${OFF}` : text;
  const { verdict } = trace;
  return [
    paint(verdict === "denied" ? RED : GREEN, verdict),
    `  ${whyOf(trace)}`,
    "",
    ...questionOf(trace).map(([name, text]) =>
      escapeControls(`${name.padEnd(9)}${text}`)
    ),
    "",
    ...tableOf(rowsOf(trace), paint),
  ];
}

function questionOf({ query, proto, request }: Trace): [string, string][] {
  const { direction, port, protocol = "TCP", subject, peer } = query;
  const [from, to] = direction === "ingress"
    ? [peerText(peer), subject.labels.join(", ")]
    : [subject.labels.join(", "), peerText(peer)];
  const fields = Object.entries(request?.fields ?? {}).flatMap(
    ([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((one) => `${name}=${one}`),
  );
  return [
    [
      direction,
      `port ${port}${protocol === "TCP" ? "" : `/${protocol}`}${
        proto === undefined ? "" : ` as ${proto}`
      }`,
    ],
    ["from", from],
    ["to", to],
    ...(request ? [["request", fields.join(" ")] as [string, string]] : []),
  ];
}

function peerText(
  { address, labels, names = [], services = [] }: Trace["query"]["peer"],
): string {
  const all = [
    ...labels,
    ...names.map((name) => `name ${name.slice(0, -1)}`),
    ...services.map(({ namespace, name }) => `service ${namespace}/${name}`),
  ].join(", ");
  return address === "" ? all : `${address}: ${all}`;
}

function rowsOf({ explanation, query, request }: Trace): Row[] {
  const { rules } = explanation;
  if (rules.length > 0) {
    return rules.flatMap((rule) => rowsOfRule(rule, query.direction, request));
  }
  return [{ mark: "-", ref: "(no rule)", place: "", why: "" }];
}

function rowsOfRule(
  rule: RuleAccount,
  direction: string,
  request: TracedRequest | undefined,
): Row[] {
  const { ref, subject, closes, audits } = rule;
  const mode = audits ? "; in audit mode" : "";
  const denies = (closes ? "" : "no ") + `default deny for ${direction}${mode}`;
  return [
    {
      mark: subject.holds ? "yes" : "no",
      ref,
      place: placeText(rule.place),
      why: subject.holds
        ? `selects the workload: ${subject.text}; ${denies}`
        : `is for other workloads: ${subject.text}`,
    },
    ...rule.entries.flatMap((entry) => rowsOfEntry(entry, request)),
  ];
}

function rowsOfEntry(
  entry: EntryAccount,
  request: TracedRequest | undefined,
): Row[] {
  const { ref, place, verdict, peer, port, applies, l7 } = entry;
  const tests = [
    peer.holds ? `peer fits ${peer.text}` : `peer is not ${peer.text}`,
    port.holds ? `port fits ${port.text}` : `port is not in ${port.text}`,
  ];
  const row: Row = {
    mark: applies ? "yes" : "no",
    ref,
    place: placeText(place),
    why: `${verdict}: ${tests.join("; ")}${applies ? grantOf(entry) : ""}`,
  };
  if (!applies || l7 === undefined) return [row];
  return [row, ...rowsOfL7(l7, request)];
}

function grantOf({ verdict, l7 }: EntryAccount): string {
  if (verdict === "deny") return "";
  if (l7 === undefined) return "; without L7 rules: every request";
  const { set, rules } = l7;
  if (rules.length === 0) return `; ${set.proto}: every request`;
  return `; ${set.proto}: what one of its rules covers`;
}

function rowsOfL7(
  { rules }: L7Account,
  request: TracedRequest | undefined,
): Row[] {
  return rules.map(({ ref, raw, place }) => {
    const found = request?.coverage.get(ref);
    return {
      mark: found === undefined ? "-" : found.covers ? "yes" : "no",
      ref,
      place: placeText(place),
      why: `${ruleText(raw)}${found === undefined ? "" : coverText(found)}`,
    };
  });
}

function coverText(found: Coverage): string {
  if (found.covers) return ": covers the request";
  if (found.because === undefined) {
    return ": the parser does not understand it";
  }
  const [key, second] = found.because;
  return key === undefined || second !== undefined
    ? ": does not cover the request"
    : `: does not cover the request, because of ${key}`;
}

function ruleText(raw: Readonly<Record<string, string>>): string {
  const members = Object.entries(raw)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

function placeText({ file, line }: Place): string {
  return `${file}:${line}`;
}

function tableOf(
  rows: readonly Row[],
  paint: (code: string, text: string) => string,
): string[] {
  const width = (column: (row: Row) => string) =>
    Math.max(...rows.map((row) => column(row).length));
  const [refs, places] = [width(({ ref }) => ref), width(({ place }) => place)];
  return rows.map(({ mark, ref, place, why }) => {
    const colour = mark === "yes" ? GREEN : mark === "no" ? DIM : "";
    const cells = [
      paint(colour, mark.padEnd(3)),
      ref.padEnd(refs),
      paint(DIM, place.padEnd(places)),
      why,
    ];
    return cells.join("  ").trimEnd();
  });
}
