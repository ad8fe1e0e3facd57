/**
 * parley.yaml: what the sidecar listens on, whom it guards, and its limits.
 *
 * Text comes in, a typed configuration and problems go out; whoever calls reads
 * the file. Every key has a default, a key without a value counts as absent,
 * and a key that is not known is an error.
 *
 * @module
 */
import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { parseAddress as parseIp, parsePrefix } from "../policy/cidr.ts";
import { Cursor, isMapping, Reporter } from "../policy/cursor.ts";
import {
  isDnsLabel,
  isLabelKey,
  isLabelValue,
  parseLabel,
} from "../policy/labels.ts";
import { type Problem, quote } from "../policy/problem.ts";
import { checkShape } from "../policy/shape.ts";
import { parseYaml } from "../policy/yaml.ts";

/** Where a socket is, or is to be. */
export type TcpAddress = {
  readonly transport: "tcp";
  /** A name or an IP address, without brackets. */
  readonly hostname: string;
  readonly port: number;
};

export type UnixAddress = { readonly transport: "unix"; readonly path: string };

export type Address = TcpAddress | UnixAddress;

/** Where connections come in, and where they go on to. */
export interface ListenerConfig {
  readonly name: string;
  readonly direction: "ingress" | "egress";
  /** With port 0 a free port is picked. */
  readonly listen: TcpAddress;
  readonly upstream: Address;
  /** The port that the policy speaks of. */
  readonly port: number;
  /** Parses and logs what no policy names a parser for. */
  readonly l7proto?: string;
}

/** The whole configuration, with every path absolute or relative to the working folder. */
export interface Config {
  readonly endpoint: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly listeners: readonly ListenerConfig[];
  readonly identities: readonly {
    readonly cidr: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly namespace: string;
  }[];
  readonly policies: readonly string[];
  readonly parsers: {
    readonly folders: readonly string[];
    readonly config: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
  readonly mode: "enforce" | "audit";
  readonly accessLog: {
    readonly sink: "stdout" | { readonly file: string };
    /** Whether replies are logged too. */
    readonly responses: boolean;
  };
  readonly data: {
    readonly workers: number;
    readonly transport: "auto" | "portable";
  };
  readonly limits: {
    /** Held per direction while a frame is incomplete. */
    readonly frameBytes: number;
    readonly connections: number;
    /** Milliseconds, as the two that follow. */
    readonly connectTimeout: number;
    readonly idleTimeout: number;
    readonly drain: number;
  };
}

/** The longest delay that timers take; a longer one would fire at once. */
const LONGEST_DELAY = 2 ** 31 - 1;

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A check that speaks for itself: what is wrong, and how to mend it. */
interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly mend: string;
}

function refuse(context: z.core.$RefinementCtx, refusal: Refusal): never {
  const { code, message, mend } = refusal;
  context.addIssue({ code: "custom", message, params: { code, mend } });
  return z.NEVER;
}

function notYet(what: string, mend: string): Refusal {
  const message = `${what} is not built in this version of Parley`;
  return { code: "unsupported", message, mend };
}

function duration(least: number) {
  return z.string().transform((text, context) => {
    const [, digits, unit] = /^(\d{1,10})(ms|s|m|h)$/.exec(text) ?? [];
    if (digits === undefined) {
      return refuse(context, {
        code: "config.duration",
        message: `${quote(text)} is not a duration`,
        mend: "write a whole number and a unit, such as 20ms, 5s, 1m or 1h",
      });
    }
    const value = Number(digits) * UNITS[unit as keyof typeof UNITS];
    if (value >= least && value <= LONGEST_DELAY) return value;
    return refuse(context, {
      code: "config.duration",
      message: `the duration ${quote(text)} is out of range`,
      mend: `write a duration from ${least}ms to 596h`,
    });
  }).describe("a duration such as 20ms, 5s, 1m or 1h");
}

const listenAddress = z.string().transform((text, context) => {
  return readTcp(text, 0, context);
}).describe("host:port or [v6]:port; port 0 picks a free one");

const upstreamAddress = z.string().transform((text, context): Address => {
  if (text === "original-dst") {
    const mend = "name the upstream as host:port";
    return refuse(context, notYet("upstream: original-dst", mend));
  }
  if (!text.startsWith("unix:")) return readTcp(text, 1, context);
  const path = text.slice("unix:".length);
  if (path !== "") return { transport: "unix", path };
  return refuse(context, {
    code: "config.address",
    message: "the Unix socket has no path",
    mend: "write unix: and the path of the socket",
  });
}).describe("host:port, [v6]:port or unix:PATH");

function readTcp(
  text: string,
  leastPort: number,
  context: z.core.$RefinementCtx,
): TcpAddress {
  const [, bracketed, plain, digits] =
    /^(?:\[([^\]]*)\]|([^:[\]\s/]+)):(\d+)$/.exec(text) ?? [];
  const hostname = bracketed ?? plain;
  const isBadV6 = bracketed !== undefined &&
    !(bracketed.includes(":") && parseIp(bracketed) !== undefined);
  if (hostname === undefined || isBadV6) {
    return refuse(context, {
      code: "config.address",
      message: `${quote(text)} is not an address`,
      mend: "write host:port, such as 127.0.0.1:11211 or [::1]:11211",
    });
  }
  const port = Number(digits);
  if (port >= leastPort && port <= 65535) {
    return { transport: "tcp", hostname, port };
  }
  return refuse(context, {
    code: "config.port",
    message: `the port of ${quote(text)} is out of range`,
    mend: `write a port from ${leastPort} to 65535`,
  });
}

const namespace = z.string().check((context) => {
  if (isDnsLabel(context.value)) return;
  context.issues.push({
    code: "custom",
    input: context.value,
    message: `${quote(context.value)} is not a name of a namespace`,
    params: {
      code: "config.namespace",
      mend: "write at most 63 lower-case letters, digits and '-'",
    },
  });
}).default("default");

const labels = z.record(z.string(), z.string()).check((context) => {
  for (const [name, value] of Object.entries(context.value)) {
    const { key, source } = parseLabel(name);
    const isKey = !name.includes("=") && source !== "" && isLabelKey(key);
    if (isKey && isLabelValue(value)) continue;
    context.issues.push({
      code: "custom",
      input: value,
      path: [name],
      message: isKey
        ? `${quote(value)} cannot be the value of a label`
        : `${quote(name)} cannot be the key of a label`,
      params: {
        code: "config.label",
        mend: isKey
          ? "write at most 63 letters, digits, '-', '_' and '.' as the value"
          : "write [source:][domain/]name as the key",
      },
    });
  }
}).describe("keys are of source k8s unless a source is written").default({});

const cidr = z.string().check((context) => {
  const text = context.value;
  if (parseIp(text) !== undefined || parsePrefix(text) !== undefined) return;
  context.issues.push({
    code: "custom",
    input: text,
    message: `${quote(text)} is neither an IP address nor a prefix`,
    params: {
      code: "config.cidr",
      mend: "write an address such as 10.0.0.1, or a prefix such as 10.0.0.0/8",
    },
  });
});

/** A value that the contract knows and this version does not build. */
function unbuilt(
  isRefused: (value: unknown) => boolean,
  what: string,
  mend: string,
) {
  return z.unknown().superRefine((value, context) => {
    if (isRefused(value)) refuse(context, notYet(what, mend));
  }).optional();
}

const isGiven = (value: unknown) => value !== undefined;

const listener = z.strictObject({
  name: z.string().min(1).optional().describe("listener-N unless given"),
  direction: z.enum(["ingress", "egress"]).default("ingress"),
  listen: listenAddress,
  upstream: upstreamAddress,
  transparent: z.boolean().superRefine((value, context) => {
    const mend = "delete it, and connect to the listener's own address";
    if (value) refuse(context, notYet("transparent: true", mend));
  }).default(false),
  port: z.int().min(1).max(65535).optional()
    .describe("the port that the policy speaks of; upstream's unless given"),
  l7proto: z.string().min(1).optional(),
});

/** The shape of parley.yaml. */
export const configSchema = z.strictObject({
  endpoint: z.strictObject({
    name: z.string().default("workload"),
    namespace,
    labels,
  }).prefault({}),
  endpoints: unbuilt(
    isGiven,
    "endpoints",
    "run a sidecar for each workload, with endpoint",
  ),
  listeners: z.array(listener).default([]),
  identities: z.array(z.strictObject({ cidr, labels, namespace })).default([]),
  policies: z.array(z.string()).default([]).describe("files and folders"),
  parsers: z.strictObject({
    folders: z.array(z.string()).default([]),
    config: z.record(z.string(), z.record(z.string(), z.string())).default({}),
    recycleAfter: z.int().min(1).default(50),
  }).prefault({}),
  mode: z.enum(["enforce", "audit"]).default("enforce"),
  accessLog: z.strictObject({
    sink: z.union([
      z.literal("stdout"),
      z.strictObject({
        file: z.string().optional(),
        unix: unbuilt(
          isGiven,
          "accessLog.sink.unix",
          "write the log to stdout or a file",
        ),
      }),
    ], { error: "stdout or { file: PATH }" }).optional(),
    file: z.string().optional().describe("short for sink: { file: PATH }"),
    unix: unbuilt(isGiven, "accessLog.unix", "log to stdout or to a file"),
    responses: z.boolean().default(false),
  }).prefault({}),
  admin: z.unknown().optional(),
  data: z.strictObject({
    workers: z.int().min(1).default(1),
    transport: z.enum(["auto", "epoll", "portable"]).transform(
      (value, context) => {
        if (value !== "epoll") return value;
        return refuse(
          context,
          notYet("transport: epoll", "write auto or portable"),
        );
      },
    ).default("auto"),
  }).prefault({}),
  limits: z.strictObject({
    frameBytes: z.int().min(1).default(16_777_216),
    connections: z.int().min(1).default(10_000),
    parserTime: duration(1).prefault("20ms"),
    connectTimeout: duration(1).prefault("5s"),
    idleTimeout: duration(1).prefault("1h"),
    drain: duration(0).prefault("30s"),
    stall: duration(1).prefault("1s"),
  }).prefault({}),
});

type Parsed = z.output<typeof configSchema>;

/** Keys whose value changes nothing yet; nothing becomes less safe without them. */
const WITHOUT_EFFECT = [
  ["admin"],
  ["parsers", "recycleAfter"],
  ["limits", "parserTime"],
  ["limits", "stall"],
] as const;

/** The configuration of a sidecar that was given none. */
export function defaultConfig(): Config {
  return resolve(configSchema.parse({}), "");
}

/**
 * Reads a configuration file; never throws.
 *
 * `file` names it in problems, and its folder is where relative paths start.
 * There is a `config` unless a problem is an error.
 */
export function parseConfig(
  file: string,
  text: string,
): { config?: Config; problems: Problem[] } {
  const { documents, syntax } = parseYaml(file, text);
  const [document, second] = documents;
  if (document === undefined) {
    if (syntax.length > 0) return { problems: [...syntax] };
    return { config: defaultConfig(), problems: [emptyFile(file)] };
  }
  const reporter = new Reporter(document);
  reporter.problems.push(...syntax, ...document.problems);
  if (second !== undefined) {
    reporter.problems.push(twoDocuments(file, second.valueAt([])));
  }

  const root = new Cursor(reporter, [], withoutNulls(document.value));
  const parsed = checkShape(configSchema, root.value, reporter);
  checkListeners(root.get("listeners"));
  checkIdentities(root.get("identities"));
  checkSink(root.get("accessLog"));
  warnOfNoEffect(root);
  const problems = reporter.problems
    .sort((a, b) => a.line - b.line || a.column - b.column);
  const isWrong = problems.some(({ severity }) => severity === "error");
  if (parsed === undefined || isWrong) return { problems };
  return { config: resolve(parsed, dirname(file)), problems };
}

function emptyFile(file: string): Problem {
  return {
    severity: "warning",
    code: "config.empty",
    file,
    line: 1,
    column: 1,
    path: "",
    message: "the file configures nothing, so every default applies",
    mend: "add listeners, or run without the file",
  };
}

function twoDocuments(
  file: string,
  position: { line: number; column: number },
): Problem {
  return {
    severity: "error",
    code: "config.two-documents",
    file,
    ...position,
    path: "",
    message: "the file holds more than one YAML document",
    mend: "join the documents into one, and delete the line of dashes",
  };
}

function checkListeners(listeners: Cursor): void {
  const names = new Set<string>();
  for (const [index, listener] of listeners.items().entries()) {
    const name = listener.get("name");
    const text = nameOf(name.text(), index);
    if (names.has(text)) {
      name.error(
        "config.name-twice",
        `the name ${quote(text)} belongs to an earlier listener`,
        "give each listener a name of its own",
      );
    }
    names.add(text);
    const upstream = listener.get("upstream");
    const isUnix = upstream.text()?.startsWith("unix:") ?? false;
    if (isUnix && !listener.get("port").present) {
      upstream.error(
        "config.no-port",
        "a Unix socket has no port for the policy to speak of",
        "add port to the listener",
      );
    }
  }
}

function checkIdentities(identities: Cursor): void {
  const seen = new Set<string>();
  for (const identity of identities.items()) {
    const cidr = identity.get("cidr");
    const text = cidr.text();
    if (text === undefined) continue;
    if (seen.has(text)) {
      cidr.error(
        "config.identity-twice",
        `an earlier identity has the addresses ${quote(text)} already`,
        "join the labels of the two into one identity",
      );
    }
    seen.add(text);
  }
}

function checkSink(accessLog: Cursor): void {
  const file = accessLog.get("file");
  const sink = accessLog.get("sink");
  if (file.present && sink.present) {
    file.errorAtKey(
      "config.two-sinks",
      "the access log has both sink and file",
      "keep one of the two",
    );
  }
  if (isMapping(sink.value) && sink.keys().length === 0) {
    sink.error(
      "config.sink",
      "the sink of the access log names no file",
      "write { file: PATH }, or stdout",
    );
  }
}

function warnOfNoEffect(root: Cursor): void {
  const inert = WITHOUT_EFFECT.map((path) => {
    return path.reduce((cursor: Cursor, key) => cursor.get(key), root);
  });
  const workers = root.get("data").get("workers");
  if ((workers.number() ?? 1) > 1) inert.push(workers);
  for (const cursor of inert.filter((cursor) => cursor.present)) {
    cursor.warnAtKey(
      "config.no-effect",
      `${cursor.path.join(".")} has no effect yet`,
      "delete it, or leave it for a later version",
    );
  }
  const selectsNobody = root.get("policies").hasItems &&
    root.get("endpoint").get("labels").keys().length === 0;
  if (!selectsNobody) return;
  root.get("policies").warnAtKey(
    "config.no-labels",
    "the endpoint has no labels, so a policy that selects by label passes it over",
    "add endpoint with the labels of the workload",
  );
}

function nameOf(written: string | undefined, index: number): string {
  return written ?? `listener-${index + 1}`;
}

/** Fills in what depends on other keys, and makes paths start at `folder`. */
function resolve(parsed: Parsed, folder: string): Config {
  const {
    endpoint,
    identities,
    policies,
    parsers,
    mode,
    accessLog,
    data,
    limits,
  } = parsed;
  const at = (path: string) => isAbsolute(path) ? path : join(folder, path);
  const file = accessLog.file ??
    (typeof accessLog.sink === "object" ? accessLog.sink.file : undefined);
  return {
    endpoint,
    listeners: parsed.listeners.map((listener, index) => {
      const { name, direction, listen, upstream, port, l7proto } = listener;
      const isUnix = upstream.transport === "unix";
      return {
        name: nameOf(name, index),
        direction,
        listen,
        upstream: isUnix ? { ...upstream, path: at(upstream.path) } : upstream,
        port: port ?? (isUnix ? 0 : upstream.port), // 0 was refused before
        ...(l7proto === undefined ? {} : { l7proto }),
      };
    }),
    identities,
    policies: policies.map(at),
    parsers: { folders: parsers.folders.map(at), config: parsers.config },
    mode,
    accessLog: {
      sink: file === undefined ? "stdout" : { file: at(file) },
      responses: accessLog.responses,
    },
    data,
    limits: {
      frameBytes: limits.frameBytes,
      connections: limits.connections,
      connectTimeout: limits.connectTimeout,
      idleTimeout: limits.idleTimeout,
      drain: limits.drain,
    },
  };
}

/** A key without a value counts as absent; an item of a list does not. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMapping(value)) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(
    kept.map(([key, member]) => [key, withoutNulls(member)]),
  );
}
