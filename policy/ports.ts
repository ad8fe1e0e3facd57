/**
 * Reads toPorts: port ranges, and the L7 rules on them (policy semantics,
 * sections 5 and 6).
 *
 * @module
 */
import type { Cursor } from "./cursor.ts";
import { readL7 } from "./l7.ts";
import type { L7Set } from "./model.ts";
import { nearMiss, oneOf, type Path, quote } from "./problem.ts";
import { EVERY_PORT, type PortRange } from "./rule.ts";
import type { Scope } from "./scope.ts";
import { reportUnsupported } from "./unsupported.ts";

const PORT_LIMIT = 40; // of one toPorts item, as in Cilium
const PROTOCOLS = ["TCP", "UDP", "SCTP", "ANY"];

/** One toPorts item. */
export interface PortItem {
  readonly ref: string;
  /** Where it stands in its YAML document. */
  readonly path: Path;
  /** TCP's ranges; empty when the item speaks of other protocols only. */
  readonly ranges: readonly PortRange[];
  readonly l7?: L7Set;
}

/** Reads the toPorts of an allow or deny entry. */
export function readToPorts(
  toPorts: Cursor,
  verdict: "allow" | "deny",
  scope: Scope,
): PortItem[] {
  return toPorts.items().map((item) => {
    reportUnsupported(item);
    const ports = readPorts(item, scope);
    const ranges = ports.flatMap((port) => port.range ?? []);
    const { path } = item;
    const ref = scope.refOf(path);
    const rules = item.get("rules");
    if (!rules.present) return { ref, path, ranges };
    if (verdict === "deny") {
      rules.errorAtKey(
        "l7.deny",
        "a deny entry closes whole ports, so it has no L7 rules",
        "delete rules, and allow the other requests in an allow entry",
      );
      return { ref, path, ranges };
    }
    const l7 = readL7(rules, ref, scope);
    if (l7 === undefined) return { ref, path, ranges };
    for (const port of ports) port.checkForL7();
    return { ref, path, ranges, l7 };
  });
}

interface Port {
  /** Absent when the port is not of TCP. */
  readonly range?: PortRange;
  /** L7 rules need TCP, and a port. */
  checkForL7(): void;
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
  const range = readRange(cursor);
  const isTcp = protocol === "TCP" || protocol === "ANY";
  return {
    ...(range !== undefined && isTcp ? { range } : {}),
    checkForL7() {
      if (protocol !== undefined && protocol !== "TCP") {
        const found = cursor.get("protocol").text() ?? "";
        cursor.get("protocol").error(
          "l7.not-tcp",
          `L7 rules need protocol TCP, ${
            found === "" ? "none is written" : `found ${quote(found)}`
          }`,
          "write protocol: TCP",
        );
      }
      if (cursor.get("port").text() === "0") {
        cursor.get("port").error(
          "l7.port-zero",
          "L7 rules need a port, and 0 is every port",
          "write the number of the port",
        );
      }
    },
  };
}

function readRange(cursor: Cursor): PortRange | undefined {
  const port = cursor.get("port");
  const end = cursor.get("endPort");
  const text = port.text();
  if (text === undefined || text === "") {
    if (!port.present || text === "") {
      port.error(
        "port.missing",
        "the port is missing",
        'write port with a number in quotes, such as "80"',
      );
    }
    return undefined;
  }
  if (
    /^(?=.{1,15}$)(?=.*[A-Za-z])[A-Za-z0-9]+(-[A-Za-z0-9]+)*$/.test(text) &&
    !/^0x/i.test(text)
  ) {
    port.error(
      "unsupported",
      `the named port ${
        quote(text)
      } is known to Cilium, but Parley does not resolve names of ports yet`,
      "write the port's number",
    );
    return undefined;
  }
  if (!/^(0|[1-9]\d{0,4})$/.test(text) || Number(text) > 65535) {
    port.error(
      "port.parse",
      `${quote(text)} is not a port`,
      "write a decimal number from 0 to 65535 in quotes",
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
  return first === 0 ? EVERY_PORT[0] : { first, last };
}

function readProtocol(cursor: Cursor, scope: Scope): string | undefined {
  const text = cursor.text() ?? "";
  if (text === "") return "ANY";
  const folded = scope.kind === "RuleList" ? text.toUpperCase() : text;
  if (PROTOCOLS.includes(folded)) return folded;
  cursor.error(
    "port.proto",
    `${quote(text)} is not a protocol of ports`,
    nearMiss(text, PROTOCOLS) ?? `write ${oneOf(PROTOCOLS)}`,
  );
  return undefined;
}
