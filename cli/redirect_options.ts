/**
 * What `parley redirect` is asked for on its command line, as values that
 * cannot be wrong.
 *
 * @module
 */
import {
  ALL_PORTS,
  includes,
  merged,
  type PortRange,
  without,
} from "../proxy/redirect/ports.ts";
import { DEFAULTS, type Redirect } from "../proxy/redirect/rules.ts";
import { UsageError } from "./exit.ts";

/** What `--help` lists. */
export interface RedirectOptions {
  readonly ports?: string;
  readonly egressPorts?: string;
  readonly excludePorts?: string;
  readonly excludeUids?: string;
  readonly direction: string;
  readonly uid: string;
  readonly to: string;
  readonly ingressTo: string;
  readonly tproxy?: boolean;
  readonly mark?: string;
}

const DIRECTIONS = ["ingress", "egress", "both"];
/** The largest user id; the one above means "none". */
const LAST_UID = 2 ** 32 - 2;
const LAST_MARK = 2 ** 32 - 1;

/** @throws {UsageError} that says what is wrong, and how to mend it */
export function readRedirect(options: RedirectOptions): Redirect {
  const { direction } = options;
  if (!DIRECTIONS.includes(direction)) {
    wrong("--direction", direction, `write ${DIRECTIONS.join(", ")}`);
  }
  const egress = direction === "ingress"
    ? undefined
    : { to: readPort("--to", options.to), ...readExcludedUids(options) };
  const ingress = direction === "egress" ? undefined : readIngress(options);
  const listeners = listenersOf(ingress?.to, egress?.to);
  refuseWithoutUse(options);
  const { ports, egressPorts } = readPorts(options, listeners);
  return {
    ...(ingress ? { ingress: { ports, ...ingress } } : {}),
    ...(egress ? { egress: { ports: egressPorts, ...egress } } : {}),
    uid: readUid("--uid", options.uid),
  };
}

/** What says nothing in the direction that is chosen. */
function refuseWithoutUse(options: RedirectOptions): void {
  const { direction, egressPorts, excludeUids } = options;
  if (readMark(options) !== undefined && direction === "egress") {
    throw new UsageError(
      "--tproxy takes what comes in, and --direction egress is what goes out; write --direction ingress or both",
    );
  }
  if (egressPorts !== undefined && direction !== "both") {
    throw new UsageError(
      "--egress-ports is for two directions with ports of their own; write --direction both, or --ports alone",
    );
  }
  if (excludeUids !== undefined && direction === "ingress") {
    throw new UsageError(
      "--exclude-uids is about what goes out, and --direction ingress is what comes in; write --direction egress or both",
    );
  }
}

function readIngress(
  options: RedirectOptions,
): { readonly to: number; readonly mark?: number } {
  const to = readPort("--ingress-to", options.ingressTo);
  const mark = readMark(options);
  return mark === undefined ? { to } : { to, mark };
}

function readExcludedUids(
  { excludeUids }: RedirectOptions,
): { readonly excludedUids?: readonly number[] } {
  if (excludeUids === undefined) return {};
  const uids = excludeUids.split(",")
    .map((part) => readUid("--exclude-uids", part.trim()));
  return { excludedUids: uids };
}

function listenersOf(
  ingress: number | undefined,
  egress: number | undefined,
): number[] {
  if (ingress !== undefined && ingress === egress) {
    throw new UsageError(
      `--to and --ingress-to are both ${ingress}: the sidecar could not tell the directions apart; give each listener a port of its own`,
    );
  }
  return [ingress, egress].filter((port) => port !== undefined);
}

/** What each direction takes. */
function readPorts(
  options: RedirectOptions,
  listeners: readonly number[],
): { readonly ports: PortRange[]; readonly egressPorts: PortRange[] } {
  const { ports, egressPorts, excludePorts } = options;
  if (ports === undefined) {
    throw new UsageError(
      "--ports is missing; name the ports to redirect, such as --ports 9042,11211, or --ports all",
    );
  }
  const excluded = excludePorts === undefined
    ? []
    : readRanges("--exclude-ports", excludePorts);
  const hasAll = ports === "all" || egressPorts === "all";
  if (!hasAll && excludePorts !== undefined) {
    throw new UsageError(
      "--exclude-ports belongs to --ports all; leave the ports out of --ports instead",
    );
  }
  const ofBoth = takenPorts("--ports", ports, excluded, listeners);
  return {
    ports: ofBoth,
    egressPorts: egressPorts === undefined
      ? ofBoth
      : takenPorts("--egress-ports", egressPorts, excluded, listeners),
  };
}

/** @param excluded with all: what is left alone */
function takenPorts(
  option: string,
  ports: string,
  excluded: readonly PortRange[],
  listeners: readonly number[],
): PortRange[] {
  const own = listeners.map((port) => ({ first: port, last: port }));
  if (ports === "all") {
    const left = without([ALL_PORTS], [...excluded, ...own]);
    if (left.length > 0) return left;
    throw new UsageError(
      "--exclude-ports leaves no port to redirect; exclude fewer",
    );
  }
  const wanted = readRanges(option, ports);
  const listener = listeners.find((port) => includes(wanted, port));
  if (listener === undefined) return merged(wanted);
  throw new UsageError(
    `${option} ${ports} has ${listener}, where the sidecar listens; leave it out, or choose another port with --to or --ingress-to`,
  );
}

function readRanges(option: string, text: string): PortRange[] {
  return text.split(",").map((part) => {
    const [, from, to] = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(part) ?? [];
    const first = Number(from);
    const last = Number(to ?? from);
    const isRange = from !== undefined && first >= 1 && first <= last &&
      last <= ALL_PORTS.last;
    if (isRange) return { first, last };
    return wrong(
      option,
      part,
      "write ports from 1 to 65535 and ranges of them, such as 9042,11211-11213",
    );
  });
}

function readPort(option: string, text: string): number {
  const port = readNumber(text, ALL_PORTS.last);
  if (port !== undefined && port >= 1) return port;
  return wrong(option, text, "write one port from 1 to 65535");
}

function readUid(option: string, text: string): number {
  const uid = readNumber(text, LAST_UID);
  if (uid === 0) {
    throw new UsageError(
      `${option} 0 would leave all that root opens alone; run the sidecar as a user of its own, and name that`,
    );
  }
  return uid ??
    wrong(option, text, `write the sidecar's user id, from 1 to ${LAST_UID}`);
}

/** The mark, when TPROXY is asked for. */
function readMark({ tproxy, mark }: RedirectOptions): number | undefined {
  if (!tproxy) {
    if (mark === undefined) return undefined;
    throw new UsageError(
      "--mark belongs to --tproxy; add that, or leave it out",
    );
  }
  if (mark === undefined) return DEFAULTS.mark;
  const value = /^0x[0-9a-fA-F]{1,8}$/.test(mark)
    ? Number(mark)
    : readNumber(mark, LAST_MARK);
  if (value) return value;
  return wrong("--mark", mark, "write a number above 0, such as 0x539");
}

function readNumber(text: string, last: number): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= last ? value : undefined;
}

function wrong(option: string, text: string, mend: string): never {
  throw new UsageError(
    `${option}: ${JSON.stringify(text)} cannot be; ${mend}`,
  );
}
