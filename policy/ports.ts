/**
 * Reads toPorts: ports, and the L7 rules on them (policy semantics, sections 5
 * and 6).
 *
 * @module
 */
import type { Cursor } from "./cursor.ts";
import { checkRefused } from "./refused.ts";
import { readL7 } from "./l7.ts";
import type { Direction, L7Set } from "./model.ts";
import type { PortTest, Protocol } from "./port_range.ts";
import { nearMiss, oneOf, type Path, quote } from "./problem.ts";
import type { Entry } from "./rule.ts";
import type { Scope } from "./scope.ts";
import { reportUnsupported } from "./unsupported.ts";

const PORT_LIMIT = 40; // of one toPorts item, as in Cilium
const PROTOCOLS = ["TCP", "UDP", "SCTP", "ANY"] as const;

/** One toPorts item. */
export interface PortItem {
  readonly ref: string;
  /** Where it stands in its YAML document. */
  readonly path: Path;
  readonly ports: readonly PortTest[];
  readonly l7?: L7Set;
}

/** Reads the toPorts of an allow or deny entry. */
export function readToPorts(
  toPorts: Cursor,
  verdict: Entry["verdict"],
  direction: Direction,
  scope: Scope,
): PortItem[] {
  return toPorts.items().map((item) => {
    reportUnsupported(item);
    checkRefused(item, direction, scope);
    const written = readPorts(item, scope);
    noteProtocols(item, written, scope);
    const { path } = item;
    const read: PortItem = {
      ref: scope.refOf(path),
      path,
      ports: written.flatMap(({ test }) => test ?? []),
    };
    const rules = item.get("rules");
    if (!rules.present) return read;
    if (verdict === "deny") {
      rules.errorAtKey(
        "l7.deny",
        "a deny entry closes whole ports, so it has no L7 rules",
        "delete rules, and allow the other requests in an allow entry",
      );
      return read;
    }
    const l7 = readL7(rules, read.ref, direction, scope);
    if (l7 === undefined) return read;
    checkPorts(item, written, l7.proto === "dns");
    return { ...read, l7 };
  });
}

/** One item of `ports`. */
interface Port {
  readonly cursor: Cursor;
  /** Absent when it is wrong. */
  readonly protocol: Protocol | "ANY" | undefined;
  readonly test: PortTest | undefined;
}

/** L7 rules need TCP (or are of DNS), and a port; those of DNS just one port each. */
function checkPorts(
  item: Cursor,
  ports: readonly Port[],
  isDns: boolean,
): void {
  if (isDns && ports.length === 0) {
    item.error(
      "dns.no-ports",
      "dns rules need ports",
      'add ports: [{ port: "53", protocol: ANY }]',
    );
  }
  for (const { cursor, protocol } of ports) {
    const [port, end] = [cursor.get("port"), cursor.get("endPort")];
    if (!isDns && protocol !== undefined && protocol !== "TCP") {
      const found = cursor.get("protocol").text() ?? "";
      cursor.get("protocol").error(
        "l7.not-tcp",
        `L7 rules need protocol TCP, ${
          found === "" ? "none is written" : `found ${quote(found)}`
        }`,
        "write protocol: TCP",
      );
    }
    if (port.text() === "0") {
      port.error(
        "l7.port-zero",
        "L7 rules need a port, and 0 is every port",
        "write the number of the port",
      );
    }
    if (isDns && (end.number() ?? 0) > Number(port.text())) {
      end.errorAtKey(
        "dns.range",
        "dns rules are for single ports, not for a range",
        "delete endPort, and list the ports",
      );
    }
  }
}

/** What does not come as a TCP connection does not come through a sidecar, but for queries that it is asked itself. */
function noteProtocols(
  item: Cursor,
  ports: readonly Port[],
  { options }: Scope,
): void {
  const unseen = new Set(ports.flatMap(({ protocol }) => {
    return protocol === "ANY" ? ["UDP", "SCTP"] : protocol ?? [];
  }));
  unseen.delete("TCP");
  const isDns = item.get("rules").get("dns").hasItems;
  if (isDns && options.answersDns) unseen.delete("UDP");
  if (unseen.size === 0) return;
  const names = [...unseen].join(" and ");
  item.get("ports").note(
    "partly.protocol",
    isDns && unseen.has("UDP")
      ? `partly enforced: of ${names} a sidecar sees only queries that come to its dns.listen`
      : `partly enforced: ${names} does not come through a sidecar`,
    isDns && unseen.has("UDP")
      ? "set dns.listen in parley.yaml, and have workloads ask there"
      : "leave it to the network plugin",
  );
}

function readPorts(item: Cursor, scope: Scope): Port[] {
  const ports = item.get("ports");
  const written = ports.items();
  if (written.length === 0) {
    (ports.present ? ports : item).warn(
      "port.none",
      "the toPorts item lists no port, so it covers none",
      "list ports, or delete toPorts to mean every port",
    );
  }
  if (written.length > PORT_LIMIT) {
    ports.error(
      "port.count",
      `${written.length} ports are listed, ${PORT_LIMIT} at most are accepted`,
      "split the ports over several toPorts items",
    );
  }
  return written.map((port) => readPort(port, scope));
}

function readPort(cursor: Cursor, scope: Scope): Port {
  const protocol = readProtocol(cursor.get("protocol"), scope);
  const test = readTest(cursor, protocol ?? "ANY");
  return { cursor, protocol, test };
}

function readTest(
  cursor: Cursor,
  protocol: Protocol | "ANY",
): PortTest | undefined {
  const port = cursor.get("port");
  const end = cursor.get("endPort");
  const text = port.text();
  if (text === undefined || text === "") {
    if (!port.present || text === "") {
      port.error(
        "port.missing",
        "the port is missing",
        'write port with a number in quotes, such as "80", or the name of a port',
      );
    }
    return undefined;
  }
  if (isPortName(text)) {
    if (end.present) {
      end.warnAtKey(
        "port.name-range",
        `${quote(text)} is the name of one port, so endPort has no effect`,
        "delete endPort, or write the ports as numbers",
      );
    }
    return { protocol, name: text.toLowerCase() };
  }
  if (!/^(0|[1-9]\d{0,4})$/.test(text) || Number(text) > 65535) {
    port.error(
      "port.parse",
      `${quote(text)} is not a port`,
      "write a decimal number from 0 to 65535 in quotes, or the name of a port",
    );
    return undefined;
  }
  const first = Number(text);
  const last = end.number() ?? first;
  if (end.present && (last < first || last > 65535 || first === 0)) {
    end.error(
      "port.range",
      `${last} does not end a range that begins at ${first}`,
      `write a number from ${
        Math.max(1, first)
      } to 65535, and begin the range at 1 or more`,
    );
    return undefined;
  }
  return first === 0
    ? { protocol, first: 0, last: 65535 }
    : { protocol, first, last };
}

/** The name of a service, as IANA registers them (RFC 6335, section 5.1). */
function isPortName(text: string): boolean {
  return /^(?=.{1,15}$)(?=.*[A-Za-z])[A-Za-z0-9]+(-[A-Za-z0-9]+)*$/.test(
    text,
  ) &&
    !/^0x/i.test(text);
}

function readProtocol(
  cursor: Cursor,
  scope: Scope,
): Protocol | "ANY" | undefined {
  const text = cursor.text() ?? "";
  if (text === "") return "ANY";
  const folded = scope.kind === "RuleList" ? text.toUpperCase() : text;
  const protocol = PROTOCOLS.find((known) => known === folded);
  if (protocol !== undefined) return protocol;
  cursor.error(
    "port.proto",
    `${quote(text)} is not a protocol of ports`,
    nearMiss(text, PROTOCOLS) ?? `write ${oneOf(PROTOCOLS)}`,
  );
  return undefined;
}
