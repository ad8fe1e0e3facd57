/**
 * The reference procedure of the policy semantics (section 12), for tests: what
 * a request comes to, worked out from the documents as they are written.
 *
 * Naive on purpose, and without a line of the code it is compared with: labels
 * are texts, addresses are strings of bits, and everything is read anew for
 * each question. Documents must be sound, and have defaults for what the shape
 * of documents leaves open.
 *
 * @module
 */

type Json = Readonly<Record<string, unknown>>;

/** A document: an object, or a list of rules. */
export type Written = Json | readonly Json[];

/** One request on one connection. */
export interface Question {
  readonly direction: "ingress" | "egress";
  readonly subject: Party;
  readonly peer: Party & { readonly address: string };
  readonly port: number;
  readonly protocol: string;
  readonly request: Readonly<Record<string, string>>;
}

interface Party {
  readonly labels: readonly string[];
  readonly names?: readonly string[];
  readonly services?: readonly {
    readonly name: string;
    readonly namespace: string;
    readonly labels: readonly string[];
  }[];
  readonly ports?: readonly {
    readonly name: string;
    readonly port: number;
    readonly protocol: string;
  }[];
}

export type Outcome = "allowed" | "denied" | "audit";

/** What the request comes to, documents in audit mode included. */
export function outcome(
  documents: readonly Written[],
  question: Question,
): Outcome {
  if (isAllowed(documents, question)) return "allowed";
  const enforced = documents.filter((document) => !isAudited(document));
  return enforced.length < documents.length && isAllowed(enforced, question)
    ? "audit"
    : "denied";
}

function isAudited(document: Written): boolean {
  const metadata = (document as Json)["metadata"] as Json | undefined;
  const annotations = metadata?.["annotations"] as Json | undefined;
  return annotations?.["parley.dev/mode"] === "audit";
}

/** Who a rule is of decides where its selectors reach. */
interface Origin {
  readonly kind: "CNP" | "CCNP" | "list";
  readonly namespace: string;
}

/** An allow or deny entry, with the rule that it stands in. */
interface Entry {
  readonly origin: Origin;
  readonly subject: Json;
  readonly written: Json;
  readonly isDeny: boolean;
}

function isAllowed(documents: readonly Written[], q: Question): boolean {
  const rules = documents.flatMap(rulesOf)
    .filter(({ origin, rule }) => {
      return selectsSubject(rule["endpointSelector"] as Json, origin, q);
    });
  const entries = rules.flatMap(({ origin, rule }) => {
    const subject = rule["endpointSelector"] as Json;
    const of = (list: string, isDeny: boolean) =>
      listOf(rule[list]).map((written): Entry => {
        return { origin, subject, written, isDeny };
      });
    return [...of(`${q.direction}Deny`, true), ...of(q.direction, false)];
  });
  const isClosed = rules.some(({ rule }) => {
    const wanted = (rule["enableDefaultDeny"] as Json | undefined)
      ?.[q.direction];
    return wanted ?? (listOf(rule[q.direction]).length > 0 ||
      listOf(rule[`${q.direction}Deny`]).length > 0);
  });

  // 1. and 2. of section 12: every deny, then every allow.
  const grants = entries.flatMap((entry) => grantsOf(entry, entries, q));
  if (grants.some(({ isDeny }) => isDeny)) return false;
  const allows = grants;
  if (allows.length === 0 && isClosed) return false;
  // 3. All entries for the port must agree on the parser, whoever their peers are.
  const protos = entries.flatMap((entry) => protosOf(entry, q));
  if (new Set(protos).size > 1) return false;
  // The request.
  if (!isClosed) return true;
  return allows.some(({ rules }) => {
    return rules === undefined || rules.length === 0 ||
      rules.some((rule) => coversRequest(rule, q));
  });
}

function rulesOf(document: Written): { origin: Origin; rule: Json }[] {
  if (Array.isArray(document)) {
    const origin: Origin = { kind: "list", namespace: "" };
    return document.map((rule) => ({ origin, rule }));
  }
  const object = document as Json;
  const metadata = object["metadata"] as Json;
  const origin: Origin = object["kind"] === "CiliumNetworkPolicy"
    ? { kind: "CNP", namespace: String(metadata["namespace"] ?? "default") }
    : { kind: "CCNP", namespace: "" };
  const rules = [object["spec"], ...listOf(object["specs"])]
    .filter((rule) => rule !== undefined);
  return rules.map((rule) => ({ origin, rule: rule as Json }));
}

/** What an entry gives (or takes from) this connection: one grant for each item of toPorts that covers the port. */
function grantsOf(
  entry: Entry,
  all: readonly Entry[],
  q: Question,
): { isDeny: boolean; rules: readonly Json[] | undefined }[] {
  const { written, isDeny } = entry;
  const fields = peerFields(q).filter((field) => Array.isArray(written[field]));
  const items = listOf(written["toPorts"]);
  if (fields.length === 0 && items.length === 0) return [];
  if (
    fields.length > 0 && !fields.some((field) => fits(field, entry, all, q))
  ) {
    return [];
  }
  if (items.length === 0) return [{ isDeny, rules: undefined }];
  return items.filter((item) => coversPort(item, q)).map((item) => {
    return { isDeny, rules: rulesOfItem(item)?.rules };
  });
}

function peerFields({ direction }: Question): string[] {
  const way = direction === "ingress" ? "from" : "to";
  const fields = ["Endpoints", "CIDR", "CIDRSet", "Entities", "Nodes"];
  if (direction === "egress") fields.push("FQDNs", "Services");
  return fields.map((field) => way + field);
}

function fits(
  field: string,
  entry: Entry,
  all: readonly Entry[],
  q: Question,
): boolean {
  const items = entry.written[field] as readonly unknown[];
  const { labels, names = [], services = [] } = q.peer;
  const isWorld = labels.includes("reserved:world");
  switch (field.replace(/^(from|to)/, "")) {
    case "Endpoints":
      return items.some((item) => selectsPeer(item as Json, entry, q)) &&
        all.every((other) =>
          other.isDeny !== entry.isDeny || meetsRequirements(other, q)
        );
    case "Nodes":
      return labels.includes("reserved:remote-node") &&
        items.some((item) => selects(item as Json, labels));
    case "CIDR":
      return isWorld && items.some((item) => isInside(item as string, q));
    case "CIDRSet":
      return isWorld && items.some((item) => {
        const { cidr, except = [] } = item as {
          cidr: string;
          except?: string[];
        };
        return isInside(cidr, q) && !except.some((range) => isInside(range, q));
      });
    case "Entities":
      return items.some((item) => {
        if (item === "all") return true;
        if (item === "world") return isWorld;
        if (item === "cluster") return !isWorld;
        return labels.includes(`reserved:${item}`);
      });
    case "FQDNs":
      return isWorld && items.some((item) => {
        const { matchName, matchPattern } = item as Record<string, string>;
        return names.some((name) =>
          matchName === undefined
            ? patternOf(matchPattern!).test(name)
            : `${matchName.toLowerCase()}.` === name
        );
      });
    default:
      return items.some((item) =>
        services.some((service) => {
          const { k8sService, k8sServiceSelector } = item as Record<
            string,
            Json
          >;
          const namespace = k8sService?.["namespace"] ??
            (entry.origin.kind === "CNP" ? entry.origin.namespace : undefined);
          const isNamed = k8sService === undefined ||
            (k8sService["serviceName"] === service.name &&
              (namespace === undefined || namespace === service.namespace));
          const wanted = k8sServiceSelector?.["namespace"];
          const isSelected = k8sServiceSelector === undefined ||
            (selects(k8sServiceSelector["selector"] as Json, service.labels) &&
              (wanted === undefined || wanted === service.namespace));
          return isNamed && isSelected;
        })
      );
  }
}

/** Requirements of every entry for the subject narrow the endpoints of all of its kind: allows, or denies. */
function meetsRequirements(entry: Entry, q: Question): boolean {
  const field = q.direction === "ingress" ? "fromRequires" : "toRequires";
  return listOf(entry.written[field])
    .every((selector) => selectsPeer(selector, entry, q));
}

const NAMESPACE = "io.kubernetes.pod.namespace";

/** A selector that forbids the label does not name such workloads. */
function asksForInit(selector: Json): boolean {
  const expressions = listOf(selector["matchExpressions"]).filter((each) =>
    each["operator"] === "In" || each["operator"] === "Exists"
  );
  return names({ ...selector, matchExpressions: expressions }, "reserved:init");
}

/** Section 3, subject scoping. */
function selectsSubject(selector: Json, origin: Origin, q: Question): boolean {
  const { labels } = q.subject;
  if (origin.kind !== "CNP" || asksForInit(selector)) {
    return selects(selector, labels);
  }
  const { matchLabels = {}, ...rest } = selector as { matchLabels?: Json };
  const others = Object.entries(matchLabels).filter(([key]) => {
    return !isNamespaceKey(key);
  });
  return selects(
    { ...rest, matchLabels: Object.fromEntries(others) },
    labels,
  ) &&
    labels.includes(`k8s:${NAMESPACE}=${origin.namespace}`);
}

/** Section 3, peer scoping. */
function selectsPeer(selector: Json, entry: Entry, q: Question): boolean {
  const { labels } = q.peer;
  if (!selects(selector, labels)) return false;
  const { origin, subject } = entry;
  const keys = keysOf(selector);
  const isUntouched = origin.kind === "list" ||
    asksForInit(subject) ||
    keys.some((key) => /^(reserved[:.]|\$)/.test(key) || isNamespaceKey(key));
  if (isUntouched) return true;
  const places = labels.filter((label) => label.startsWith(`k8s:${NAMESPACE}`));
  if (origin.kind === "CCNP") return places.length > 0;
  return keys.some((key) => key.includes("io.cilium.k8s.namespace.labels.")) ||
    places.includes(`k8s:${NAMESPACE}=${origin.namespace}`);
}

function isNamespaceKey(key: string): boolean {
  return key.replace(/^(k8s|any):/, "") === NAMESPACE;
}

function names(selector: Json, key: string): boolean {
  return keysOf(selector).includes(key);
}

function keysOf(selector: Json): string[] {
  return [
    ...Object.keys((selector["matchLabels"] ?? {}) as Json),
    ...listOf(selector["matchExpressions"]).map(({ key }) => String(key)),
  ];
}

function selects(selector: Json, labels: readonly string[]): boolean {
  const pairs = Object.entries((selector["matchLabels"] ?? {}) as Json);
  return pairs.every(([key, value]) =>
    valueOf(key, labels) === (value ?? "")
  ) &&
    listOf(selector["matchExpressions"]).every((expression) => {
      const { key, operator, values = [] } = expression as {
        key: string;
        operator: string;
        values?: string[];
      };
      const found = valueOf(key, labels);
      if (operator === "Exists") return found !== undefined;
      if (operator === "DoesNotExist") return found === undefined;
      const isListed = found !== undefined && values.includes(found);
      return operator === "In" ? isListed : !isListed;
    });
}

/** The value of the first label, by source, that a selector's key names. */
function valueOf(key: string, labels: readonly string[]): string | undefined {
  const colon = key.indexOf(":");
  const source = colon < 0 ? "any" : key.slice(0, colon);
  const wanted = key.slice(colon + 1);
  for (const label of [...labels].sort()) {
    const [, from, name, value = ""] = /^([^:]*):([^=]*)(?:=(.*))?$/.exec(
      label,
    )!;
    if (name === wanted && (source === "any" || source === from)) return value;
  }
  return undefined;
}

function isInside(range: string, { peer }: Question): boolean {
  const [base, length] = range.split("/");
  const [wanted, found] = [bitsOf(base!), bitsOf(peer.address)];
  return wanted.length === found.length &&
    found.startsWith(wanted.slice(0, Number(length ?? wanted.length)));
}

/** IPv4, and IPv6 with at most one `::`. */
function bitsOf(address: string): string {
  if (address.includes(".")) {
    return address.split(".")
      .map((part) => Number(part).toString(2).padStart(8, "0")).join("");
  }
  const [head, tail = ""] = address.split("::");
  const groups = (text: string) => text === "" ? [] : text.split(":");
  const zeros = 8 - groups(head!).length - groups(tail).length;
  return [...groups(head!), ...Array(zeros).fill("0"), ...groups(tail)]
    .map((group) => parseInt(group, 16).toString(2).padStart(16, "0")).join("");
}

/** Section 4: the anchored expression that a pattern stands for. */
function patternOf(pattern: string): RegExp {
  const text = pattern.toLowerCase();
  if (/^\*+$/.test(text)) return /^/;
  const [, whole, rest] = /^(\*\*\.(?=.)(?!\*$))?(.*)$/.exec(text)!;
  const body = rest!.replaceAll(".", "\\.").replaceAll(/\*+/g, "[-a-z0-9_]*");
  return new RegExp(`^${whole ? "([-a-z0-9_]+\\.)+" : ""}${body}\\.$`);
}

/** Section 5. */
function coversPort(item: Json, q: Question): boolean {
  const owner = q.direction === "ingress" ? q.subject : q.peer;
  return listOf(item["ports"]).some((written) => {
    const { port, endPort, protocol = "ANY" } = written as {
      port: string;
      endPort?: number;
      protocol?: string;
    };
    if (protocol !== "ANY" && protocol !== q.protocol) return false;
    if (!/^\d+$/.test(port)) {
      return (owner.ports ?? []).some((named) =>
        named.name === port && named.port === q.port &&
        named.protocol === q.protocol
      );
    }
    return port === "0" ||
      (Number(port) <= q.port && q.port <= (endPort ?? Number(port)));
  });
}

function rulesOfItem(
  item: Json,
): { proto: string; rules: readonly Json[] } | undefined {
  const rules = (item["rules"] ?? {}) as Json;
  const dns = listOf(rules["dns"]);
  if (dns.length > 0) return { proto: "dns", rules: dns };
  if (rules["l7proto"] === undefined) return undefined;
  return { proto: String(rules["l7proto"]), rules: listOf(rules["l7"]) };
}

function protosOf({ written }: Entry, q: Question): string[] {
  return listOf(written["toPorts"]).filter((item) => coversPort(item, q))
    .flatMap((item) => rulesOfItem(item)?.proto ?? []);
}

/** The tests know protocols whose rules compare text with text. */
function coversRequest(rule: Json, { request }: Question): boolean {
  return Object.entries(rule).every(([key, value]) => request[key] === value);
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
