/**
 * Which ports of a pod have to go through its sidecar, for the policies that
 * select it to hold; and which do.
 *
 * @module
 */
import { type LabelSet, selects } from "../../policy/labels.ts";
import type { Direction, NamedPort } from "../../policy/mod.ts";
import { isName, type PortTest } from "../../policy/port_range.ts";
import type { Rule } from "../../policy/rule.ts";
import {
  ALL_PORTS,
  merged,
  type PortRange,
  without,
} from "../../proxy/redirect/ports.ts";
import {
  ADMIN_PORT,
  CHECK_PORT,
  EGRESS_PORT,
  INGRESS_PORT,
} from "../inject/names.ts";
import type { Ports } from "../inject/ports.ts";

/** What policies ask of one direction. */
export interface Needs {
  /** TCP ports that entries name. */
  readonly named: readonly PortRange[];
  /** Whether an entry speaks of every port, or what no entry allows is denied. */
  readonly isForAll: boolean;
  /** Ports that entries name for other protocols only, which a redirection would drop. */
  readonly spared: readonly PortRange[];
}

/** The sidecar's own ports, which nothing redirects. */
const OWN: readonly PortRange[] = [
  EGRESS_PORT,
  INGRESS_PORT,
  ADMIN_PORT,
  CHECK_PORT,
].map(only);

const DNS = only(53);

/** What the rules that select a workload ask of a direction; nothing if none speaks of it. */
export function needsOf(
  rules: readonly Rule[],
  labels: LabelSet,
  direction: Direction,
  ports: readonly NamedPort[],
): Needs | undefined {
  const selecting = rules.filter(({ subject }) => selects(subject, labels));
  const sides = selecting.map((rule) => rule[direction])
    .filter(({ closes, entries }) => closes || entries.length > 0);
  if (sides.length === 0) return undefined;
  const tests = sides.flatMap(({ entries }) =>
    entries.flatMap(({ ports }) => ports)
  );
  const known = direction === "ingress" ? ports : [];
  const named: PortRange[] = [];
  const others: PortRange[] = [];
  let isForAll = sides.some(({ closes }) => closes);
  for (const test of tests) {
    const range = rangeOf(test, known);
    // At egress only the peer knows what it calls a port.
    if (range === undefined) isForAll ||= direction === "egress";
    else if (!isTcp(test)) others.push(range);
    else if (range.first <= ALL_PORTS.first && range.last === ALL_PORTS.last) {
      isForAll = true;
    } else named.push(range);
  }
  const dns = direction === "egress" ? [DNS] : [];
  return {
    named: merged(named),
    isForAll,
    spared: without([...others, ...dns], named),
  };
}

/** What is to be redirected for that; nothing if nothing has to be. */
export function portsFor(needs: Needs): Ports | undefined {
  const ranges = takenFor(needs, true);
  if (ranges.length === 0) return undefined;
  const isAll = without([ALL_PORTS], [...ranges, ...OWN]).length === 0;
  return isAll ? "all" : ranges;
}

/**
 * Ports that policies need and that are not redirected.
 *
 * @param isChosen whether the pod's author named the ports: then what policies
 * do not name is left out on purpose
 */
export function missingPorts(
  needs: Needs | undefined,
  redirected: readonly PortRange[],
  isChosen: boolean,
): PortRange[] {
  return needs ? without(takenFor(needs, !isChosen), redirected) : [];
}

function takenFor({ named, isForAll, spared }: Needs, withAll: boolean) {
  const wanted = isForAll && withAll ? [ALL_PORTS] : named;
  return without(wanted, [...spared, ...OWN]);
}

function isTcp({ protocol }: PortTest): boolean {
  return protocol === "TCP" || protocol === "ANY";
}

function rangeOf(
  test: PortTest,
  ports: readonly NamedPort[],
): PortRange | undefined {
  if (!isName(test)) return test;
  const found = ports.find(({ name, protocol }) =>
    name === test.name &&
    (test.protocol === "ANY" || test.protocol === protocol)
  );
  return found && only(found.port);
}

function only(port: number): PortRange {
  return { first: port, last: port };
}
