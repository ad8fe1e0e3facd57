/**
 * The configuration as the rest of the proxy uses it.
 *
 * @module
 */

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

/** Where the access log goes; `unix` is a socket that somebody listens at. */
export type LogTarget =
  | "stdout"
  | { readonly file: string }
  | { readonly unix: string };

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
    readonly sink: LogTarget;
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
