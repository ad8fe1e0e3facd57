/**
 * How each proxy is had and started. All listen on a free port of loopback.
 *
 * @module
 */
import {
  envoy,
  haproxy,
  type Missing,
  type Tool,
} from "../../tests/setup/mod.ts";
import { floorProxy } from "./build.ts";
import { parleyArguments } from "./parley.ts";
import {
  accepting,
  type Process,
  type Processes,
  PROXY_CORE,
} from "./processes.ts";
import { MAX_CONNECTIONS, type Protocol } from "./scenarios.ts";
import { freePort } from "../../tests/free_port.ts";

/** `passer`, `memcache` and `cassandra` are Parley with the parser of that name. */
export type ProxyName =
  | "direct"
  | "floor"
  | "haproxy"
  | "envoy"
  | "passer"
  | "memcache"
  | "cassandra";

/** A way between load generator and upstream. */
export interface ProxyKind {
  readonly name: ProxyName;
  readonly title: string;
  /** The one protocol that it reads; without: it passes any. */
  readonly reads?: Protocol;
  /** Whether its tail is of interest. */
  readonly tail?: boolean;
  /** With which its program tells its version. */
  readonly versionFlag?: string;
  /** What has to be there; nothing for `direct`. */
  tool?(): Promise<Tool | Missing>;
  /** Writes its files into the folder. @return the command line */
  prepare?(folder: string, port: number, upstream: number): CommandLine;
}

/** What a proxy is started with. */
export interface CommandLine {
  readonly args: readonly string[];
  readonly cwd?: string;
  /** The line on standard error by which it is ready; without: when it accepts. */
  readonly ready?: RegExp;
  readonly accessLog?: string;
}

/** One that runs. */
export interface Proxy {
  readonly kind: ProxyKind;
  readonly port: number;
  /** None for `direct`. */
  readonly process?: Process;
  /** From its spawn until it was ready. */
  readonly startMs: number;
  readonly accessLog?: string;
}

export const PROXIES: readonly ProxyKind[] = [
  { name: "direct", title: "no proxy" },
  {
    name: "floor",
    title: "floor",
    tool: floorProxy,
    prepare: (_folder, port, upstream) => ({
      args: [String(port), String(upstream)],
    }),
  },
  {
    name: "haproxy",
    title: "HAProxy",
    tail: true,
    versionFlag: "-v",
    tool: haproxy,
    prepare(folder, port, upstream) {
      Deno.writeTextFileSync(
        `${folder}/haproxy.cfg`,
        haproxyText(port, upstream),
      );
      return { args: ["-db", "-f", `${folder}/haproxy.cfg`] };
    },
  },
  {
    name: "envoy",
    title: "Envoy",
    versionFlag: "--version",
    tool: envoy,
    prepare(folder, port, upstream) {
      const file = `${folder}/envoy.json`;
      Deno.writeTextFileSync(file, JSON.stringify(envoyConfig(port, upstream)));
      return {
        args: ["-c", file, "--concurrency", "1", "--disable-hot-restart"]
          .concat("--log-level", "warning"),
      };
    },
  },
  {
    name: "passer",
    title: "Parley passer",
    tool: deno,
    prepare: (...at) => parleyArguments("passer", ...at),
  },
  {
    name: "memcache",
    title: "Parley memcache",
    reads: "memcached",
    tail: true,
    tool: deno,
    prepare: (...at) => parleyArguments("memcache", ...at),
  },
  {
    name: "cassandra",
    title: "Parley cassandra",
    reads: "cassandra",
    tool: deno,
    prepare: (...at) => parleyArguments("cassandra", ...at),
  },
];

/** Starts a proxy, and waits until it is ready. @throws when it does not become so */
export async function startProxy(
  processes: Processes,
  kind: ProxyKind,
  tool: Tool | undefined,
  upstream: number,
): Promise<Proxy> {
  if (!kind.prepare || !tool) return { kind, port: upstream, startMs: 0 };
  const port = freePort();
  const folder = Deno.makeTempDirSync({ dir: processes.folder });
  const { args, cwd, ready, accessLog } = kind.prepare(folder, port, upstream);
  const begin = performance.now();
  const process = processes.start({
    tool,
    args,
    core: PROXY_CORE,
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (ready) await process.stderr.until((line) => ready.test(line), "listener");
  else await accepting(port, process);
  const startMs = performance.now() - begin;
  return { kind, port, process, startMs, ...(accessLog ? { accessLog } : {}) };
}

function deno(): Promise<Tool> {
  return Promise.resolve({ kind: "tool", command: Deno.execPath(), env: {} });
}

function haproxyText(port: number, upstream: number): string {
  return `
global
  nbthread 1
  maxconn ${MAX_CONNECTIONS}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen memcached
  bind 127.0.0.1:${port}
  server memcached 127.0.0.1:${upstream}
`;
}

function envoyConfig(port: number, upstream: number): unknown {
  const address = (port_value: number) => ({
    socket_address: { address: "127.0.0.1", port_value },
  });
  const type = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
  return {
    static_resources: {
      listeners: [{
        name: "memcached",
        address: address(port),
        filter_chains: [{
          filters: [{
            name: "envoy.filters.network.tcp_proxy",
            typed_config: {
              "@type": `type.googleapis.com/${type}`,
              stat_prefix: "memcached",
              cluster: "memcached",
            },
          }],
        }],
      }],
      clusters: [{
        name: "memcached",
        type: "STATIC",
        connect_timeout: "5s",
        // The default bound is 1,024 connections.
        circuit_breakers: {
          thresholds: [{
            max_connections: MAX_CONNECTIONS,
            max_pending_requests: MAX_CONNECTIONS,
          }],
        },
        load_assignment: {
          cluster_name: "memcached",
          endpoints: [{
            lb_endpoints: [{ endpoint: { address: address(upstream) } }],
          }],
        },
      }],
    },
  };
}
