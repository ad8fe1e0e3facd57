/**
 * parley.yaml: what the sidecar listens on, whom it guards, and its limits.
 *
 * Text comes in, a typed configuration and problems go out; whoever calls reads
 * the file.
 *
 * @module
 */
export type {
  Address,
  ClusterConfig,
  Config,
  ControllerConfig,
  DnsConfig,
  EndpointConfig,
  ListenerConfig,
  LogLevel,
  LogTarget,
  TcpAddress,
  Transparent,
  UnixAddress,
} from "./model.ts";
export { defaultConfig, parseConfig } from "./parse.ts";
export { configJsonSchema, configSchema } from "./schema.ts";
