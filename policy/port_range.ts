/**
 * Which ports an entry speaks of: ranges and names of them, each of a protocol
 * (policy semantics, section 5).
 *
 * @module
 */

/** Protocols that have ports. */
export type Protocol = "TCP" | "UDP" | "SCTP";

/** Both ends are in the range. */
export interface PortRange {
  readonly protocol: Protocol | "ANY";
  readonly first: number;
  readonly last: number;
}

/** A port by the name that its workload gives it. */
export interface PortName {
  readonly protocol: Protocol | "ANY";
  readonly name: string;
}

export type PortTest = PortRange | PortName;

/** A named port of a workload: a container port, in Kubernetes. */
export interface NamedPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: Protocol;
}

/** A port of a connection's destination, and what names the destination gives its ports. */
export interface Target {
  readonly port: number;
  readonly protocol: Protocol;
  /** None: no name is resolved, so an entry with names adds nothing. */
  readonly named: readonly NamedPort[];
}

export const EVERY_PORT: readonly PortTest[] = Object.freeze([
  Object.freeze({ protocol: "ANY", first: 0, last: 65535 }),
]);

export function coversPort(
  tests: readonly PortTest[],
  target: Target,
): boolean {
  return tests.some((test) => fits(test, target));
}

function fits(test: PortTest, { port, protocol, named }: Target): boolean {
  if (test.protocol !== "ANY" && test.protocol !== protocol) return false;
  if (!isName(test)) return test.first <= port && port <= test.last;
  return named.some((known) => {
    return known.name === test.name && known.port === port &&
      known.protocol === protocol;
  });
}

export function isName(test: PortTest): test is PortName {
  return "name" in test;
}

/** Whether two tests can speak of one port of one protocol: which, if that is known. */
export function overlap(a: PortTest, b: PortTest): number | string | undefined {
  const isApart = a.protocol !== b.protocol && a.protocol !== "ANY" &&
    b.protocol !== "ANY";
  if (isApart) return undefined;
  if (isName(a) || isName(b)) {
    return isName(a) && isName(b) && a.name === b.name ? a.name : undefined;
  }
  const first = Math.max(a.first, b.first);
  return first <= Math.min(a.last, b.last) ? first : undefined;
}

/** `80-89, 443, 53/UDP, web`. */
export function describePorts(tests: readonly PortTest[]): string {
  if (tests.length === 0) return "no port";
  if (tests === EVERY_PORT) return "every port";
  return tests.map((test) => {
    const protocol = test.protocol === "ANY" || test.protocol === "TCP"
      ? ""
      : `/${test.protocol}`;
    if (isName(test)) return `${test.name}${protocol}`;
    const { first, last } = test;
    if (first === 0 && last === 65535) return `every port${protocol}`;
    return (first === last ? `${first}` : `${first}-${last}`) + protocol;
  }).join(", ");
}
