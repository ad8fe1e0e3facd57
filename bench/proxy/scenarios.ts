/**
 * What the proxies are put to.
 *
 * @module
 */
import { descriptorLimit } from "./procfs.ts";

/** What load and upstream speak. */
export type Protocol = "memcached" | "cassandra";

/** A kind of load. */
export interface Scenario {
  readonly name: string;
  /** For readers of the report. */
  readonly title: string;
  /** Default: memcached. */
  readonly protocol?: Protocol;
  /** Cassandra: statements come as texts; default: they are prepared. */
  readonly asText?: true;
  readonly connections: number;
  /** How many requests a connection has outstanding. */
  readonly depth: number;
  /** Bytes of the value that each reply carries. */
  readonly valueBytes: number;
  /** Requests per second of all connections, sent when they are due; without: a closed loop. */
  readonly rate?: number;
}

const SMALL = { depth: 1, valueBytes: 100 };

export const SCENARIOS = {
  one: { name: "one", title: "1 connection", connections: 1, ...SMALL },
  sixteen: {
    name: "sixteen",
    title: "16 connections",
    connections: 16,
    ...SMALL,
  },
  many: { name: "many", title: "64 connections", connections: 64, ...SMALL },
  pipelined: {
    name: "pipelined",
    title: "16 connections × 16 pipelined",
    connections: 16,
    depth: 16,
    valueBytes: 100,
  },
  large: {
    name: "large",
    title: "16 connections, values of 100 KiB",
    connections: 16,
    depth: 1,
    valueBytes: 100 * 1024,
  },
  paced: {
    name: "paced",
    title: "16 connections, 5,000 requests/s (open loop)",
    connections: 16,
    ...SMALL,
    rate: 5_000,
  },
  executes: {
    name: "executes",
    title: "Cassandra, 16 connections, EXECUTE",
    protocol: "cassandra",
    connections: 16,
    ...SMALL,
  },
  streams: {
    name: "streams",
    title: "Cassandra, 16 connections × 16 streams, EXECUTE",
    protocol: "cassandra",
    connections: 16,
    depth: 16,
    valueBytes: 100,
  },
  queries: {
    name: "queries",
    title: "Cassandra, 16 connections, QUERY",
    protocol: "cassandra",
    asText: true,
    connections: 16,
    ...SMALL,
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;

/** What proxies and upstream must be able to hold: a proxy has two descriptors for each. */
export const MAX_CONNECTIONS = Math.min(
  9_000,
  Math.floor((descriptorLimit() - 200) / 2),
);

/** Open connections without a request, for memory. */
export const IDLE_CONNECTIONS = Math.min(8_000, MAX_CONNECTIONS - 100);
