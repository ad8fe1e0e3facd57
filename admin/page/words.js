// @ts-check
/**
 * What the page says, in words. No document here: values in, texts out.
 *
 * @module
 */

/**
 * One end of a connection.
 * @typedef {{ address: string, labels: string[] }} Endpoint
 */

/**
 * A line of the access log. Lines about the log itself have no ends.
 * @typedef {object} Line
 * @property {string} time
 * @property {string} type
 * @property {string} verdict
 * @property {string} [direction]
 * @property {number} [connection]
 * @property {Endpoint} [source]
 * @property {Endpoint} [destination]
 * @property {number} [port]
 * @property {string} [l7proto]
 * @property {string} [rule]
 * @property {string} [reason]
 * @property {Record<string, string | number | boolean | string[]>} fields
 */

/** Longer texts are cut: whoever sent them decides on their length. */
const LENGTH_MAX = 120;

/** Controls, what turns the direction of writing or has no width, and halves of characters. */
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|\p{Cs}|[\u034f\u115f\u1160\u3164\uffa0]/gu;

/**
 * A text as it can be shown: what is invisible, or would move its neighbours, is
 * written as its number.
 * @param {string} text
 */
export function visible(text) {
  return text.replace(
    HIDDEN,
    (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`,
  );
}

/** @param {string} text */
export function shortened(text, most = LENGTH_MAX) {
  const characters = [...text.slice(0, 2 * most + 2)];
  if (characters.length <= most) return text;
  return `${characters.slice(0, most).join("")}… (${count(text.length)} long)`;
}

/**
 * Which fields of a request name it, in the order of speech; the first is what is done.
 * @type {Record<string, readonly string[]>}
 */
const NAMING = {
  memcache: ["command", "keys"],
  cassandra: ["query_action", "query_table"],
  r2d2: ["cmd", "file"],
  dns: ["query"],
};

/**
 * What a line is about: what is done, and to what.
 * @param {Line} line
 * @returns {{ action: string, objects: string[] }}
 */
export function subjectOf(line) {
  const { type, fields, port, destination, l7proto = "" } = line;
  if (type === "accesslog") {
    return { action: `${fields["dropped"]} lines were lost`, objects: [] };
  }
  if (type === "connection") {
    const at = port ?? portOf(destination?.address ?? "");
    return { action: "connection", objects: at ? [`port ${at}`] : [] };
  }
  const naming = Object.hasOwn(NAMING, l7proto) ? NAMING[l7proto] : undefined;
  const names = naming ?? Object.keys(fields);
  const texts = names.flatMap((name) => {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (value === undefined || value === "") return [];
    const values = Array.isArray(value) ? value : [`${value}`];
    return naming ? values : values.map((one) => `${name}=${one}`);
  });
  const [action = type, ...objects] = texts;
  return { action, objects };
}

/** `10.0.0.7:4040` as `10.0.0.7`, `[::1]:80` as `::1`. @param {string} address */
export function hostOf(address) {
  return address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

/** @param {string} address */
function portOf(address) {
  return /:(\d+)$/.exec(address)?.[1];
}

const NAMESPACE = "k8s:io.kubernetes.pod.namespace=";

/**
 * Who an end is: by labels, or by address where nothing else is known.
 * @param {Endpoint | undefined} end
 */
export function nameOf(end) {
  if (!end) return "";
  const { address, labels } = end;
  const own = labels.filter((label) => !label.startsWith(NAMESPACE));
  if (own.includes("reserved:world")) return `${hostOf(address)} (unknown)`;
  const namespace = labels.find((label) => label.startsWith(NAMESPACE))
    ?.slice(NAMESPACE.length);
  const place = namespace === undefined || namespace === "default"
    ? ""
    : `${namespace}/`;
  const text = own.map((label) => label.replace(/^k8s:/, "")).join(", ");
  return `${place}${text || hostOf(address)}`;
}

/** The end that is not the guarded workload. @param {Line} line */
export function peerOf({ direction, source, destination }) {
  return direction === "egress" ? destination : source;
}

/** @type {Record<string, string>} */
const REASONS = {
  "no-rule": "no rule allows it",
  "deny-rule": "a rule denies it",
  "unknown-request": "the parser does not know this request",
  "malformed": "the bytes are no request of the protocol",
  "tls": "it is TLS: requests inside cannot be read",
  "limit": "a limit of the sidecar is reached",
  "memory": "there is no memory left for it",
  "panic": "the parser threw an error",
  "partial-frame": "it ended in the middle of a request",
  "lines-dropped": "the log's reader was too slow",
};

/** Why a line has its verdict, as far as the line says it. @param {Line} line */
export function reasonOf({ rule, reason, fields }) {
  const { status = "", end } = fields;
  if (reason === undefined) {
    return rule ?? `${status || (end === undefined ? "" : `end: ${end}`)}`;
  }
  const known = Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined;
  const words = known ?? reason;
  if (rule !== undefined) return `${words}: ${rule}`;
  return status === "" ? words : `${words}: ${status}`;
}

/**
 * The question that asks for the reasons of a line.
 * @param {Line} line
 * @returns {Record<string, string>}
 */
export function questionOf(line) {
  const { type, direction = "ingress", source, destination, fields } = line;
  const peer = hostOf(peerOf(line)?.address ?? "");
  const workload = direction === "egress" ? source : destination;
  const labels = workload?.labels.join(",") ?? "";
  const [from, to] = direction === "egress" ? [labels, peer] : [peer, labels];
  const port = `${line.port ?? portOf(destination?.address ?? "") ?? ""}`;
  return {
    direction,
    from,
    to,
    port,
    ...(type === "request" && line.l7proto !== undefined
      ? { l7proto: line.l7proto, l7: JSON.stringify(fields) }
      : {}),
  };
}

/** Whether a line tells of a refusal again, which was told when the connection came. @param {Line} line */
export function isEcho({ type, verdict, fields }) {
  return type === "connection" && verdict === "denied" &&
    fields["end"] === "refused";
}

/** With `accessLog.hash` the log does not say what was asked. */
const HASHED = /^hmac:/;

/** Whether the policy has decided it, so that it can be asked why. @param {Line} line */
export function isDecided({ type, reason, source, fields }) {
  const values = Object.values(fields).flat();
  if (values.some((value) => HASHED.test(`${value}`))) return false;
  return source !== undefined && type !== "response" &&
    (reason === undefined || reason === "no-rule" || reason === "deny-rule");
}

const numbers = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** @param {number} value */
export function count(value) {
  return numbers.format(value);
}

/** @param {number} value */
export function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${count(value)} ${units[unit]}`;
}

/** How long something takes, roughly. @param {number} ms */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** The time of day of a moment in RFC 3339, of the day alone if it is another. @param {string} time */
export function clock(time) {
  return time.slice(11, 23);
}

/** A moment in RFC 3339, without fractions. @param {string} time */
export function moment(time) {
  return time.slice(0, 19).replace("T", " ");
}

/**
 * What `/v1/trace` answers, as far as it is shown.
 * @typedef {{ holds: boolean, text: string }} Finding
 * @typedef {{ ref: string, rule: Record<string, string>, covers?: boolean, because?: string[] }} L7Rule
 * @typedef {{ ref: string, verdict: string, peer: Finding, port: Finding, applies: boolean, l7?: { l7proto: string, rules: L7Rule[] } }} Entry
 * @typedef {{ ref: string, subject: Finding, closes: boolean, audits: boolean, entries: Entry[] }} Rule
 * @typedef {{ verdict: string, why: string, rule?: string, reason?: string, connection: string, l7proto?: string, rules: Rule[], others: number }} Trace
 */

/** Why a request is denied, in the fewest words: what the peer may do instead is among them. @param {Trace} trace */
export function becauseOf({ verdict, why, connection, reason, rules }) {
  if (verdict === "allowed") return `not any more: ${why}`;
  if (connection !== "allowed" || reason !== "no-rule") return why;
  const granting = rules.flatMap(({ entries }) => entries)
    .filter(({ verdict, applies }) => applies && verdict === "allow");
  const documents = new Set(granting.map(({ ref }) => ref.split("#", 1)[0]));
  const granted = granting.flatMap(({ l7 }) => l7?.rules ?? [])
    .map(({ rule }) => ruleText(rule));
  if (granted.length === 0) return why;
  return `no rule of ${[...documents].join(", ")} covers it; what may be: ${
    shortened(granted.join(" · "), 300)
  }`;
}

/** A rule as people say it: its values, with what each is of. @param {Record<string, string>} rule */
export function ruleText(rule) {
  const members = Object.entries(rule).map(([key, value]) => `${key} ${value}`);
  return members.length === 0 ? "anything" : members.join(", ");
}

/** A finding without what goes without saying. @param {string} text */
export function plain(text) {
  return text.replaceAll(", k8s:io.kubernetes.pod.namespace=default", "")
    .replaceAll("k8s:io.kubernetes.pod.namespace=", "namespace=");
}
