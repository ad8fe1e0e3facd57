/**
 * The configuration as the rest of the proxy uses it.
 *
 * @module
 */

import type { IdentityEntry } from "../../policy/identity.ts";
import type { NamedPort } from "../../policy/model.ts";
import type { ServiceEntry } from "../../policy/service.ts";

/** Where a socket is, or is to be. */
export type TcpAddress = {
  readonly transport: "tcp";
  /** A name or an IP address, without brackets. */
  readonly hostname: string;
  readonly port: number;
};

export type UnixAddress = { readonly transport: "unix"; readonly path: string };

export type Address = TcpAddress | UnixAddress;

/** How redirected connections come to a listener. */
export type Transparent = "redirect" | "tproxy";

/** Where connections come in, and where they go on to. */
export interface ListenerConfig {
  readonly name: string;
  readonly direction: "ingress" | "egress";
  /** With port 0 a free port is picked. */
  readonly listen: TcpAddress;
  /** `redirect`, `tproxy`: takes connections that were meant for another address (nft's verdicts of these names). */
  readonly transparent?: Transparent;
  /** `original-dst`: where the redirected connection was meant to go. */
  readonly upstream: Address | "original-dst";
  /** The port that the policy speaks of; absent: that of the original destination. */
  readonly port?: number;
  /** Parses and logs what no policy names a parser for. */
  readonly l7proto?: string;
}

/** Where the access log goes; `unix` is a socket that somebody listens at. */
export type LogTarget =
  | "stdout"
  | { readonly file: string }
  | { readonly unix: string };

/** A guarded workload. */
export interface EndpointConfig {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Names of its ports. */
  readonly ports?: readonly NamedPort[];
}

/** From which level on the operator's log is written. */
export type LogLevel = "info" | "warning" | "error";

/** What is known of the cluster beside who is where. */
export interface ClusterConfig {
  /** Absent: policies do not tell clusters apart. */
  readonly name?: string;
  readonly podCidrs: readonly string[];
  /** Whether policies may select nodes. */
  readonly nodes: boolean;
  readonly services: readonly ServiceEntry[];
  /** A file of events. */
  readonly stream?: string;
}

/** Where names are asked for, and what comes of the answers. */
export interface DnsConfig {
  /** Queries of workloads come here; absent: the names of policies are looked up instead. */
  readonly listen?: TcpAddress;
  /** In their order. */
  readonly resolvers: readonly TcpAddress[];
  /** Milliseconds that an address counts for at least. */
  readonly minTtl: number;
}

/** Where policies and identities come from in a cluster. */
export interface ControllerConfig {
  /** `https://host:port`, without a slash at its end. */
  readonly url: string;
  /** The token of the pod's service account for the controller; read for each connection. */
  readonly tokenFile: string;
  /** PEM of the authority that signed the controller's certificate; read for each connection. */
  readonly caFile: string;
  /** Keeps what the controller told last. */
  readonly stateFile: string;
}

/** The whole configuration, with every path absolute or relative to the working folder. */
export interface Config {
  readonly endpoint: EndpointConfig & {
    /** A folder whose files say who it is, in place of what is written. */
    readonly podInfo?: string;
  };
  /** Instead of one: workloads of a node, found by their addresses. */
  readonly endpoints?: readonly (EndpointConfig & {
    readonly addresses: readonly string[];
  })[];
  readonly listeners: readonly ListenerConfig[];
  readonly identities: readonly IdentityEntry[];
  readonly cluster: ClusterConfig;
  /** Absent: no name is known to lead anywhere. */
  readonly dns?: DnsConfig;
  /** Absent: policies are those of files. */
  readonly controller?: ControllerConfig;
  readonly policies: readonly string[];
  readonly parsers: {
    readonly folders: readonly string[];
    /** Versions that a worker loads before a fresh one takes its place. */
    readonly recycleAfter: number;
    readonly config: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
  readonly mode: "enforce" | "audit";
  /** Whether a workload is closed by a policy that selects it, always, or never. */
  readonly enforcement: "default" | "always" | "never";
  /** Whether identities labelled `reserved:host` always reach the workload. */
  readonly allowLocalhost: boolean;
  readonly accessLog: {
    readonly sink: LogTarget;
    /** Whether replies are logged too. */
    readonly responses: boolean;
    /** Fields that are hashed. */
    readonly hash: readonly string[];
    /** The secret for that; absent: one for each start. */
    readonly hashSecretFile?: string;
  };
  readonly log: { readonly level: LogLevel };
  readonly admin: {
    /** The socket for commands; absent: a path of the user's own. */
    readonly unix?: string;
    /** Where the admin API is served over TCP too. */
    readonly listen?: TcpAddress;
    /** PEM files; with them TCP is TLS. */
    readonly tls?: { readonly cert: string; readonly key: string };
    /** A file with the token of whoever may change something over TCP. */
    readonly tokenFile?: string;
    /** Names that clients may call it by, beside its address. */
    readonly hosts: readonly string[];
    /** A folder that keeps the policies that are put in; absent: they end with the sidecar. */
    readonly policies?: string;
  };
  /** Where it is asked whether the workload takes connections, and at which ports. */
  readonly portChecks?: {
    readonly listen: TcpAddress;
    readonly ports: readonly number[];
  };
  readonly data: {
    readonly workers: number;
    readonly transport: "auto" | "epoll" | "portable";
  };
  readonly limits: {
    /** Held per direction while a frame is incomplete. */
    readonly frameBytes: number;
    readonly connections: number;
    /** Of one worker: heap and buffers. */
    readonly workerBytes: number;
    /** Milliseconds, as the four that follow: of one call of a parser. */
    readonly parserTime: number;
    readonly connectTimeout: number;
    readonly idleTimeout: number;
    readonly drain: number;
    /** Of one call of a parser, before its worker is taken for stuck. */
    readonly stall: number;
  };
}
