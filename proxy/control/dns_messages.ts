/**
 * What the supervisor and its DNS process tell each other.
 *
 * @module
 */
import type { Lease } from "../../policy/dns_cache.ts";
import type { StoredDocument } from "../../policy/stored.ts";
import type { DnsConfig } from "../config/mod.ts";
import type { Count } from "../counting/tally.ts";
import type { DataConfig } from "../data_config.ts";

/** What the process is started with, as JSON. */
export type DnsStart = DnsConfig;

/** From the supervisor. With `log` a descriptor comes. */
export type ToDns =
  | { readonly type: "configure"; readonly config: DataConfig }
  /** With a configuration, where the policy is in force only together with that. */
  | {
    readonly type: "publish";
    readonly documents: readonly StoredDocument[];
    readonly config?: DataConfig;
  }
  /** The access log goes to this descriptor from now on. */
  | { readonly type: "log" }
  /** Tell what was counted. */
  | { readonly type: "count" }
  /** Whether all workers know what was learnt under this number. */
  | { readonly type: "known"; readonly id: number; readonly isKnown: boolean }
  /** Say so when all orders before this one are carried out. */
  | { readonly type: "sync"; readonly id: number };

/** To the supervisor. */
export type FromDns =
  /** Queries are answered at this address, if at any; `missing` names walls of the sandbox that this system lacks. */
  | {
    readonly type: "started";
    readonly address?: string;
    readonly missing: readonly string[];
  }
  | { readonly type: "synced"; readonly id: number }
  /** An answer: it waits until all workers know. */
  | {
    readonly type: "learnt";
    readonly id: number;
    readonly leases: readonly Lease[];
  }
  /** What has been counted since the start. */
  | { readonly type: "counted"; readonly traffic: readonly Count[] }
  /** A resolver has answered. */
  | { readonly type: "heard" }
  /** None answers any more, and why. */
  | { readonly type: "silent"; readonly error: string }
  /** What the operator should know. */
  | { readonly type: "warn"; readonly message: string };
