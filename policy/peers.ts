/**
 * Reads the peer fields of an entry (policy semantics, sections 4 and 6).
 *
 * @module
 */
import {
  contains,
  formatPrefix,
  hostPrefix,
  parseAddress,
  parsePrefix,
  type Prefix,
} from "./cidr.ts";
import type { Cursor } from "./cursor.ts";
import type { Selector } from "./labels.ts";
import type { Direction } from "./model.ts";
import { readNames } from "./names.ts";
import { type CidrTest, ENTITIES, type Entity, type PeerTest } from "./peer.ts";
import { nearMiss, oneOf, quote } from "./problem.ts";
import type { Scope } from "./scope.ts";
import { ofCluster, readPeerSelector, readSelector } from "./selector.ts";
import { readService } from "./services.ts";
import { reportUnsupported } from "./unsupported.ts";

/** The peer fields that Parley enforces, without `from` and `to`. */
const FIELDS = [
  "Endpoints",
  "CIDR",
  "CIDRSet",
  "Entities",
  "Nodes",
  "Services",
  "FQDNs",
] as const;

/** What belongs to every cluster, and has addresses only where an identity says so. */
const RESERVED: readonly Entity[] = [
  "host",
  "remote-node",
  "kube-apiserver",
  "ingress",
  "init",
  "health",
  "unmanaged",
];

/** Reads whom an entry speaks of; `undefined` when no peer field is written. */
export function readPeers(
  entry: Cursor,
  direction: Direction,
  scope: Scope,
  subject: Selector,
): PeerTest | undefined {
  const prefix = direction === "ingress" ? "from" : "to";
  const written = FIELDS.map((field) => entry.get(prefix + field))
    .filter((field) => field.present);
  const filled = written.filter((field) => field.hasItems);
  const [first, second] = filled.map((field) => field.path.at(-1));
  if (second !== undefined) {
    filled[1]!.errorAtKey(
      "peer.combined",
      `the entry has both ${first} and ${second}`,
      "give each peer field an entry of its own",
    );
  }
  for (const field of written.filter((field) => field.isEmptyList)) {
    const name = field.path.at(-1);
    field.warn(
      "peer.nobody",
      `the empty list of ${name} selects nobody`,
      `list peers, or delete ${name} to mean any peer`,
    );
  }
  if (written.length === 0) return undefined;
  const items = (field: typeof FIELDS[number]) => {
    return entry.get(prefix + field).items();
  };
  const entities = items("Entities").flatMap(readEntity);
  // Where the cluster has a name, what it consists of can be told exactly.
  const isOfCluster = scope.options.cluster !== undefined &&
    entities.includes("cluster");
  return {
    selectors: [
      ...items("Endpoints")
        .map((item) => readPeerSelector(item, scope, subject)),
      ...isOfCluster ? [[ofCluster(scope.options.cluster!)]] : [],
    ],
    cidrs: [
      ...items("CIDR").flatMap(readCidr),
      ...items("CIDRSet").flatMap(readCidrSet),
    ],
    entities: isOfCluster
      ? entities.flatMap((entity) => entity === "cluster" ? RESERVED : entity)
      : entities,
    nodes: readNodes(entry.get(`${prefix}Nodes`), scope),
    names: items("FQDNs").flatMap((item) => readNames(item, "refused")),
    services: items("Services").flatMap((item) => readService(item, scope)),
  };
}

/** A node may be told from a workload by the label that every other node has. */
function readNodes(nodes: Cursor, scope: Scope): Selector[] {
  if (nodes.present && !scope.options.nodes) {
    const name = String(nodes.path.at(-1));
    nodes.errorAtKey(
      "peer.nodes-disabled",
      `${name} selects nodes by label, which is off`,
      "list the addresses of these nodes with CIDR, or set cluster.nodes in parley.yaml",
    );
  }
  return nodes.items().map((item): Selector => [
    ...readSelector(item),
    {
      source: "reserved",
      key: "remote-node",
      operator: "Exists",
      values: [],
    },
  ]);
}

/**
 * Reads what `fromRequires` or `toRequires` asks of every endpoint that rules
 * for the subject list; it grants nothing itself (policy semantics, section 4).
 */
export function readRequired(
  entry: Cursor,
  direction: Direction,
  scope: Scope,
  subject: Selector,
): Selector {
  const name = direction === "ingress" ? "fromRequires" : "toRequires";
  const required = entry.get(name);
  if (!required.present) return [];
  required.warnAtKey(
    "peer.requires",
    `${name} was removed from Cilium in 1.19; here it narrows every ${
      direction === "ingress" ? "fromEndpoints" : "toEndpoints"
    } of its kind, allow or deny, for the same workloads, and grants nothing`,
    "write the required labels into the selectors themselves",
  );
  return required.items()
    .flatMap((item) => readPeerSelector(item, scope, subject));
}

function readCidr(cursor: Cursor): CidrTest[] {
  const text = cursor.text();
  if (text === undefined || reportBadCidr(cursor, text)) return [];
  const address = parseAddress(text);
  const prefix = address === undefined
    ? parsePrefix(text)
    : hostPrefix(address);
  if (prefix === undefined) {
    cursor.error(
      "cidr.parse",
      `${quote(text)} is neither an IP address nor a prefix`,
      "write an address such as 10.0.0.1, or a prefix such as 10.0.0.0/8",
    );
    return [];
  }
  warnOfHostBits(cursor, text, prefix);
  return [{ prefix, except: [] }];
}

/** Bits past the length do not count, whatever was meant by them. */
function warnOfHostBits(cursor: Cursor, text: string, prefix: Prefix): void {
  const slash = text.indexOf("/");
  const address = slash < 0 ? undefined : parseAddress(text.slice(0, slash));
  if (address === undefined || address.bits === prefix.bits) return;
  cursor.warn(
    "cidr.host-bits",
    `${quote(text)} is all of ${formatPrefix(prefix)}`,
    `write ${formatPrefix(prefix)} if that is meant, ${
      formatPrefix(hostPrefix(address))
    } for the one address`,
  );
}

function readCidrSet(cursor: Cursor): CidrTest[] {
  reportUnsupported(cursor);
  const cidr = cursor.get("cidr");
  const choices = ["cidr", "cidrGroupRef", "cidrGroupSelector"]
    .filter((key) => cursor.get(key).present);
  if (choices.length === 0) {
    cursor.error(
      "cidrset.choice",
      "the set names no addresses",
      "add cidr with a prefix",
    );
  } else if (choices.length > 1) {
    cursor.error(
      "cidrset.choice",
      `the set has ${choices.join(" and ")}`,
      "keep cidr, and give the others sets of their own",
    );
  }
  const text = cidr.text();
  if (text === undefined || reportBadCidr(cidr, text)) return [];
  const prefix = parsePrefix(text);
  if (prefix === undefined) {
    cidr.error(
      "cidrset.parse",
      `${quote(text)} is not a prefix`,
      "write an address and a length, such as 10.0.0.1/32",
    );
    return [];
  }
  warnOfHostBits(cidr, text, prefix);
  const except = cursor.get("except").items()
    .flatMap((item) => readExcept(item, prefix, text));
  return [{ prefix, except }];
}

function readExcept(
  cursor: Cursor,
  outer: Prefix,
  outerText: string,
): Prefix[] {
  const text = cursor.text();
  if (text === undefined) return [];
  const prefix = parsePrefix(text);
  if (prefix === undefined) {
    cursor.error(
      "cidrset.except",
      `the exception ${quote(text)} is not a prefix`,
      "write the exception as address and length, such as 10.96.0.0/12",
    );
    return [];
  }
  if (!contains(outer, prefix)) {
    cursor.error(
      "cidrset.except",
      `the exception ${quote(text)} is not inside ${quote(outerText)}`,
      "except a part of the set's cidr only",
    );
  }
  warnOfHostBits(cursor, text, prefix);
  return [prefix];
}

/** Reports what has its own code, whichever field it stands in. */
function reportBadCidr(cursor: Cursor, text: string): boolean {
  if (text === "") {
    cursor.error(
      "cidr.empty",
      "the prefix is empty text",
      "write a prefix, or delete the item",
    );
    return true;
  }
  if (/\/\d+\.\d+\.\d+\.\d+$/.test(text)) {
    cursor.error(
      "cidr.mask",
      `${quote(text)} has a dotted mask`,
      "write the mask as the number of its leading one bits",
    );
    return true;
  }
  return false;
}

function readEntity(cursor: Cursor): Entity[] {
  const text = cursor.text();
  if (text === undefined) return [];
  const entity = ENTITIES.find((name) => name === text);
  if (entity === undefined) {
    cursor.error(
      "peer.entity",
      `${quote(text)} is not an entity`,
      nearMiss(text, ENTITIES) ?? `write ${oneOf(ENTITIES)}`,
    );
    return [];
  }
  if (RESERVED.includes(entity)) {
    cursor.warn(
      "peer.entity-unknown",
      `the entity ${entity} selects nobody: Parley has no addresses for it`,
      `list its addresses with CIDR, or as an identity with the label reserved:${entity}`,
    );
  }
  return [entity];
}
