/**
 * What the annotations of a pod ask for.
 *
 * @module
 */
import { nearMiss, quote } from "../../policy/problem.ts";
import { includes, type PortRange } from "../../proxy/redirect/ports.ts";
import { INJECT, PREFIX } from "./names.ts";
import {
  type Ports,
  readRanges,
  readStatic,
  type StaticPort,
} from "./ports.ts";
import { readMemory } from "./quantity.ts";

/** What comes in: taken by redirection, or at ports of the sidecar's own. */
export type Ingress =
  | { readonly by: "redirect"; readonly ports: Ports }
  | { readonly by: "static"; readonly ports: readonly StaticPort[] };

/** What is asked for, with what is not asked for left out. */
export interface Settings {
  readonly ingress?: Ingress;
  /** What goes out is taken by redirection only. */
  readonly egress?: Ports;
  readonly excludePorts: readonly PortRange[];
  readonly excludeUids: readonly number[];
  readonly mode: "enforce" | "audit";
  readonly logLevel: LogLevel;
  /** Kubernetes quantities. */
  readonly cpu: string;
  readonly memory: string;
  readonly image?: string;
  readonly parsersConfigMap?: string;
  readonly policiesConfigMap?: string;
  readonly drainSeconds: number;
}

export type LogLevel = (typeof LOG_LEVELS)[number];

const LOG_LEVELS = ["info", "warning", "error"] as const;
const MODES = ["enforce", "audit"] as const;
const KNOWN = [
  "inject",
  "ports",
  "egress-ports",
  "exclude-ports",
  "exclude-uids",
  "mode",
  "log-level",
  "cpu",
  "memory",
  "image",
  "parsers-configmap",
  "policies-configmap",
  "drain-seconds",
] as const;

type Name = (typeof KNOWN)[number];

/** A worker needs 64 MiB at least, and the supervisor and a checker beside it some 190. */
const LEAST_MEMORY = 256 * 2 ** 20;
const LONGEST_DRAIN = 3600;
/** The largest user id; the one above means "none". */
const LAST_UID = 2 ** 32 - 2;

const RANGES =
  "write ports from 1 to 65535 and ranges of them, such as 9042,11211-11213";

/** Reads annotations; what is wrong with them is added to `faults`. */
export function readSettings(
  annotations: Readonly<Record<string, string>>,
  faults: string[],
): Settings {
  const reader = new Reader(annotations, faults);
  reader.refuseUnknown();
  const ingress = reader.ingress();
  const egress = reader.egress();
  const image = reader.text("image", /^\S+$/, "write an image's name");
  const parsersConfigMap = reader.objectName("parsers-configmap");
  const policiesConfigMap = reader.objectName("policies-configmap");
  return {
    ...(ingress ? { ingress } : {}),
    ...(egress ? { egress } : {}),
    excludePorts: reader.excludePorts([
      ...ingress?.by === "redirect" ? [ingress.ports] : [],
      ...egress ? [egress] : [],
    ]),
    excludeUids: reader.excludeUids(),
    mode: reader.oneOf("mode", MODES) ?? "enforce",
    logLevel: reader.oneOf("log-level", LOG_LEVELS) ?? "info",
    cpu: reader.text("cpu", /^(\d+m|\d+(\.\d{1,3})?)$/, CPU) ?? "50m",
    memory: reader.memory() ?? "512Mi",
    ...(image === undefined ? {} : { image }),
    ...(parsersConfigMap === undefined ? {} : { parsersConfigMap }),
    ...(policiesConfigMap === undefined ? {} : { policiesConfigMap }),
    drainSeconds: reader.drainSeconds() ?? 30,
  };
}

const CPU = "write what is to be set aside of processors, such as 100m or 0.5";

class Reader {
  constructor(
    readonly annotations: Readonly<Record<string, string>>,
    readonly faults: string[],
  ) {}

  refuseUnknown(): void {
    for (const key of Object.keys(this.annotations)) {
      if (!key.startsWith(PREFIX)) continue;
      const name = key.slice(PREFIX.length);
      if ((KNOWN as readonly string[]).includes(name)) continue;
      this.faults.push(
        `the annotation ${key} is none that Parley knows; ${
          nearMiss(name, KNOWN) ?? `there are ${KNOWN.join(", ")}`
        }`,
      );
    }
  }

  ingress(): Ingress | undefined {
    const text = this.#get("ports");
    if (text === undefined) return undefined;
    if (!text.includes(":")) {
      const ports = this.#ports("ports", text);
      return ports && { by: "redirect", ports };
    }
    const ports = readStatic(text);
    if (!ports) {
      return this.#wrong(
        "ports",
        text,
        "write LISTEN:PORT for each port, such as 11311:11211, or ports to redirect without a colon",
      );
    }
    const taken = ports.flatMap(({ listen, workload }) => [listen, workload]);
    if (new Set(taken).size < taken.length) {
      return this.#wrong("ports", text, "name each port once");
    }
    return { by: "static", ports };
  }

  egress(): Ports | undefined {
    const text = this.#get("egress-ports");
    if (text === undefined) return undefined;
    if (!text.includes(":")) return this.#ports("egress-ports", text);
    return this.#wrong(
      "egress-ports",
      text,
      "what goes out is taken by redirection only: write ports without a colon",
    );
  }

  /** @param taken what they would be excluded from */
  excludePorts(taken: readonly Ports[]): PortRange[] {
    const text = this.#get("exclude-ports");
    if (text === undefined) return [];
    const ranges = readRanges(text);
    if (!ranges) return this.#wrong("exclude-ports", text, RANGES) ?? [];
    if (taken.includes("all")) return ranges;
    return this.#wrong(
      "exclude-ports",
      text,
      "it belongs to ports or egress-ports that are all; leave the ports out there instead",
    ) ?? [];
  }

  excludeUids(): number[] {
    const text = this.#get("exclude-uids");
    if (text === undefined) return [];
    const uids = text.split(",").map((part) =>
      /^\s*\d{1,10}\s*$/.test(part) ? Number(part) : NaN
    );
    if (uids.every((uid) => uid >= 1 && uid <= LAST_UID)) return uids;
    return this.#wrong(
      "exclude-uids",
      text,
      `write user ids from 1 to ${LAST_UID}, such as 1000,1001`,
    ) ?? [];
  }

  memory(): string | undefined {
    const text = this.#get("memory");
    if (text === undefined) return undefined;
    const bytes = readMemory(text);
    if (bytes !== undefined && bytes >= LEAST_MEMORY) return text;
    return this.#wrong("memory", text, "write 256Mi or more, such as 512Mi");
  }

  drainSeconds(): number | undefined {
    const text = this.#get("drain-seconds");
    if (text === undefined) return undefined;
    const seconds = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
    if (seconds <= LONGEST_DRAIN) return seconds;
    return this.#wrong(
      "drain-seconds",
      text,
      `write seconds from 0 to ${LONGEST_DRAIN}`,
    );
  }

  objectName(name: Name): string | undefined {
    return this.text(
      name,
      /^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/,
      "write the name of a ConfigMap in the pod's namespace",
    );
  }

  text(name: Name, pattern: RegExp, mend: string): string | undefined {
    const text = this.#get(name);
    if (text === undefined || pattern.test(text)) return text;
    return this.#wrong(name, text, mend);
  }

  oneOf<T extends string>(name: Name, known: readonly T[]): T | undefined {
    const text = this.#get(name);
    const found = known.find((word) => word === text);
    if (found !== undefined || text === undefined) return found;
    return this.#wrong(
      name,
      text,
      nearMiss(text, known) ?? `write one of ${known.join(", ")}`,
    );
  }

  #ports(name: Name, text: string): Ports | undefined {
    if (text.trim() === "all") return "all";
    return readRanges(text) ?? this.#wrong(name, text, `${RANGES}, or all`);
  }

  #get(name: Name): string | undefined {
    return this.annotations[PREFIX + name];
  }

  #wrong(name: Name, text: string, mend: string): undefined {
    this.faults.push(
      `the annotation ${PREFIX}${name} cannot be ${quote(text)}: ${mend}`,
    );
  }
}

/** Whether the pod itself says that it wants a sidecar, or that it wants none. */
export function readWish(
  labels: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>>,
  faults: string[],
): "enabled" | "disabled" | undefined {
  const wishes = [labels[INJECT], annotations[INJECT]]
    .filter((wish) => wish !== undefined);
  for (const wish of wishes) {
    if (wish === "enabled" || wish === "disabled") continue;
    faults.push(
      `${INJECT} cannot be ${quote(wish)}: write enabled or disabled`,
    );
  }
  if (new Set(wishes).size === 2) {
    faults.push(
      `the pod's label and its annotation ${INJECT} disagree: keep one of them`,
    );
  }
  return wishes[0] as "enabled" | "disabled" | undefined;
}

/** Whether a port is among those to redirect. */
export function isRedirected(
  ports: Ports,
  excluded: readonly PortRange[],
  port: number,
): boolean {
  if (ports !== "all") return includes(ports, port);
  return !includes(excluded, port);
}
