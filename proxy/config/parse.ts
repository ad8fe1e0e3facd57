/**
 * Reads parley.yaml: the shape by its schema, then what one key says of
 * another.
 *
 * @module
 */
import { dirname, isAbsolute, join } from "node:path";
import { Cursor, isMapping, Reporter } from "../../policy/cursor.ts";
import { type Problem, quote } from "../../policy/problem.ts";
import { isLoopback } from "../loopback.ts";
import { checkShape } from "../../policy/shape.ts";
import { parseYaml } from "../../policy/yaml.ts";
import type {
  Config,
  ListenerConfig,
  LogTarget,
  Transparent,
} from "./model.ts";
import { configSchema, type Parsed } from "./schema.ts";

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
  checkListeners(
    root.get("listeners"),
    root.get("data").get("transport").text(),
  );
  checkDns(root);
  checkController(root);
  checkEndpoints(root);
  checkIdentities(root.get("identities"));
  checkSink(root.get("accessLog"));
  checkAdmin(root.get("admin"));
  warnOfNoLabels(root);
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

function checkListeners(
  listeners: Cursor,
  transport: string | undefined,
): void {
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
    const isRedirected = ![undefined, false].includes(
      listener.get("transparent").value as boolean | undefined,
    );
    if (upstream.text() === "original-dst" && !isRedirected) {
      upstream.error(
        "config.not-transparent",
        "only a redirected connection has an original destination",
        "add transparent: true to the listener, or name the upstream as host:port",
      );
    }
    if (isRedirected && transport === "portable") {
      listener.get("transparent").error(
        "config.portable",
        "the portable transport sees no redirection",
        "write data.transport: auto, and run on Linux",
      );
    }
  }
}

function checkDns(root: Cursor): void {
  const dns = root.get("dns");
  if (dns.present && root.get("data").get("transport").text() === "portable") {
    dns.errorAtKey(
      "config.portable",
      "the portable transport has no process for DNS",
      "write data.transport: auto, and run on Linux",
    );
  }
}

/** A controller tells one workload who it is. */
function checkController(root: Cursor): void {
  const controller = root.get("controller");
  if (!controller.present) return;
  if (root.get("data").get("transport").text() === "portable") {
    controller.errorAtKey(
      "config.portable",
      "the portable transport follows no controller",
      "write data.transport: auto, and run on Linux",
    );
  }
  if (root.get("endpoints").present) {
    controller.errorAtKey(
      "config.controller-endpoints",
      "a controller tells a sidecar of one workload, and endpoints lists several",
      "keep endpoint, or take policies from files",
    );
  }
}

/** One workload, or those of a node. */
function checkEndpoints(root: Cursor): void {
  const endpoints = root.get("endpoints");
  if (!endpoints.present) return;
  if (root.get("endpoint").present) {
    endpoints.errorAtKey(
      "config.two-endpoints",
      "the configuration has both endpoint and endpoints",
      "keep endpoint for one workload, endpoints for those of a node",
    );
  }
  const seen = new Set<string>();
  for (const endpoint of endpoints.items()) {
    for (const address of endpoint.get("addresses").items()) {
      const text = address.text();
      if (text === undefined) continue;
      if (seen.has(text)) {
        address.error(
          "config.address-twice",
          `an earlier endpoint has the address ${quote(text)} already`,
          "give each address to one endpoint",
        );
      }
      seen.add(text);
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

/** The access log has one sink, written in one of three places. */
function checkSink(accessLog: Cursor): void {
  const sink = accessLog.get("sink");
  const inner = [sink.get("file"), sink.get("unix")]
    .filter(({ present }) => present);
  const written = [
    ...(inner.length === 0 && sink.present ? [sink] : inner),
    accessLog.get("file"),
    accessLog.get("unix"),
  ].filter(({ present }) => present);
  const [first, second] = written;
  if (second !== undefined) {
    const [one, other] = [first!, second].map(({ path }) => path.join("."));
    second.errorAtKey(
      "config.two-sinks",
      `the access log has both ${one} and ${other}`,
      "keep one of the two",
    );
  }
  if (isMapping(sink.value) && sink.keys().length === 0) {
    sink.error(
      "config.sink",
      "the sink of the access log names no file and no socket",
      "write { file: PATH } or { unix: PATH }, or stdout",
    );
  }
}

/** Whoever reaches another address than loopback must show the token. */
function checkAdmin(admin: Cursor): void {
  const listen = admin.get("listen");
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*)):\d+$/
    .exec(listen.text() ?? "") ?? [];
  const host = bracketed ?? plain;
  const isOpen = host !== undefined && !isLoopback(host) &&
    !admin.get("tokenFile").present;
  if (!isOpen) return;
  listen.error(
    "config.admin-token",
    `${
      quote(host)
    } is not loopback, so whoever calls the admin API there has to show a token`,
    "add admin.tokenFile, or listen at 127.0.0.1",
  );
}

/** A policy that selects by label selects nobody without labels. */
function warnOfNoLabels(root: Cursor): void {
  const selectsNobody = root.get("policies").hasItems &&
    !root.get("endpoints").present &&
    !root.get("endpoint").get("podInfo").present &&
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
    endpoints,
    identities,
    cluster,
    dns,
    controller,
    policies,
    parsers,
    mode,
    enforcement,
    allowLocalhost,
    accessLog,
    log,
    admin,
    portChecks,
    data,
    limits,
  } = parsed;
  const at = (path: string) => isAbsolute(path) ? path : join(folder, path);
  const folderAt = (path: string) => withoutSlash(at(path));
  return {
    endpoint: withoutUndefined({
      ...endpoint,
      podInfo: endpoint.podInfo === undefined
        ? undefined
        : at(endpoint.podInfo),
    }),
    ...(endpoints ? { endpoints: endpoints.map(withoutUndefined) } : {}),
    listeners: parsed.listeners.map((listener, index) => {
      const { name, direction, listen, upstream, port, l7proto } = listener;
      const resolved = resolveUpstream(upstream, at);
      const ofPolicy = port ?? portOf(resolved);
      return {
        name: nameOf(name, index),
        direction,
        listen,
        ...(listener.transparent
          ? { transparent: transparentOf(listener.transparent) }
          : {}),
        upstream: resolved,
        ...(ofPolicy === undefined ? {} : { port: ofPolicy }),
        ...(l7proto === undefined ? {} : { l7proto }),
      };
    }),
    identities: identities.map(withoutUndefined),
    cluster: {
      ...(cluster.name === undefined ? {} : { name: cluster.name }),
      podCidrs: cluster.podCidrs,
      nodes: cluster.nodes,
      services: cluster.services.map(withoutUndefined),
      ...(cluster.stream === undefined ? {} : { stream: at(cluster.stream) }),
    },
    ...(dns === undefined ? {} : { dns: withoutUndefined(dns) }),
    ...(controller === undefined ? {} : {
      controller: {
        url: controller.url,
        tokenFile: at(controller.tokenFile),
        caFile: at(controller.caFile),
        stateFile: at(controller.stateFile),
      },
    }),
    policies: policies.map(folderAt),
    parsers: { ...parsers, folders: parsers.folders.map(folderAt) },
    mode,
    enforcement,
    allowLocalhost,
    accessLog: {
      sink: targetOf(accessLog, at),
      responses: accessLog.responses,
      hash: accessLog.hash,
      ...(accessLog.hashSecretFile === undefined
        ? {}
        : { hashSecretFile: at(accessLog.hashSecretFile) }),
    },
    log,
    admin: resolveAdmin(admin, at),
    ...(portChecks === undefined ? {} : { portChecks }),
    data,
    limits: {
      frameBytes: limits.frameBytes,
      connections: limits.connections,
      workerBytes: limits.workerBytes,
      parserTime: limits.parserTime,
      connectTimeout: limits.connectTimeout,
      idleTimeout: limits.idleTimeout,
      drain: limits.drain,
      stall: limits.stall,
    },
  };
}

function resolveAdmin(
  { unix, listen, tokenFile, tls, hosts, policies }: Parsed["admin"],
  at: (path: string) => string,
): Config["admin"] {
  return withoutUndefined({
    unix: unix === undefined ? undefined : at(unix),
    listen,
    tokenFile: tokenFile === undefined ? undefined : at(tokenFile),
    tls: tls && { cert: at(tls.cert), key: at(tls.key) },
    hosts: hosts.map((host) => host.toLowerCase()),
    policies: policies === undefined ? undefined : withoutSlash(at(policies)),
  }) as Config["admin"];
}

function resolveUpstream(
  upstream: ListenerConfig["upstream"],
  at: (path: string) => string,
): ListenerConfig["upstream"] {
  return upstream !== "original-dst" && upstream.transport === "unix"
    ? { ...upstream, path: at(upstream.path) }
    : upstream;
}

/** The port of an upstream that has one; a Unix socket without a port was refused before. */
function portOf(upstream: ListenerConfig["upstream"]): number | undefined {
  return upstream !== "original-dst" && upstream.transport === "tcp"
    ? upstream.port
    : undefined;
}

function transparentOf(written: true | "tproxy"): Transparent {
  return written === "tproxy" ? "tproxy" : "redirect";
}

/** The one sink that is written, or standard output. */
function targetOf(
  { sink, file, unix }: Parsed["accessLog"],
  at: (path: string) => string,
): LogTarget {
  const inner = typeof sink === "object" ? sink : {};
  const filePath = inner.file ?? file;
  if (filePath !== undefined) return { file: at(filePath) };
  const socketPath = inner.unix ?? unix;
  return socketPath === undefined ? "stdout" : { unix: at(socketPath) };
}

/** `parsers/` as `parsers`: names are put after it, behind a slash. */
function withoutSlash(path: string): string {
  return path.replace(/(?<=.)\/+$/, "");
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** An optional key that is not written is not there. */
function withoutUndefined<T extends object>(value: T): Defined<T> {
  const entries = Object.entries(value)
    .filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries) as Defined<T>;
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
