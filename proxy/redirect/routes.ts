/**
 * The routing that TPROXY needs: packets with the mark are delivered here,
 * whatever their address (Documentation/networking/tproxy.rst of Linux).
 *
 * @module
 */
import { formatMark } from "./rules.ts";

/** The routing table of these routes. By it they are found again, whatever the mark was. */
const ROUTING_TABLE = "15006";

/** The families as the arguments of `ip`. */
export type Family = "-4" | "-6";

/** The prefix of each family that stands for every address. */
const ALL_ADDRESSES = { "-4": "0.0.0.0/0", "-6": "::/0" } as const;

/** Arguments for `ip` that make the routing of one family, once what was there is gone. */
export function routingArguments(family: Family, mark: number): string[][] {
  return [
    [
      ...[family, "route", "replace", "local", ALL_ADDRESSES[family]],
      ...["dev", "lo", "table", ROUTING_TABLE],
    ],
    [
      ...[family, "rule", "add", "fwmark", formatMark(mark)],
      ...["lookup", ROUTING_TABLE],
    ],
  ];
}

/** Arguments that take one rule away; they fail when there is none left. */
export function ruleRemoval(family: Family): string[] {
  return [family, "rule", "del", "lookup", ROUTING_TABLE];
}

/** Arguments that empty the table of routes; they fail when there never was one. */
export function routeRemoval(family: Family): string[] {
  return [family, "route", "flush", "table", ROUTING_TABLE];
}

/** Arguments that list the rules of one family. */
export function ruleList(family: Family): string[] {
  return [family, "rule", "show"];
}

/** How many of the listed rules are Parley's. */
export function countRules(listed: string): number {
  const ours = ` lookup ${ROUTING_TABLE}`;
  return listed.split("\n").filter((line) => line.trimEnd().endsWith(ours))
    .length;
}
