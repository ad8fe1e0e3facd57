/**
 * The shape of parley.yaml, in zod. Every key has a default, and a key that is
 * not known is an error.
 *
 * @module
 */
import { z } from "zod";
import {
  cidr,
  duration,
  labels,
  listenAddress,
  namespace,
  notYet,
  path,
  refuse,
  upstreamAddress,
} from "./values.ts";

/** A value that the contract knows and this version does not build. */
function unbuilt(
  isRefused: (value: unknown) => boolean,
  what: string,
  mend: string,
) {
  return z.unknown().superRefine((value, context) => {
    if (isRefused(value)) refuse(context, notYet(what, mend));
  }).optional().describe("not built yet: an error");
}

const isGiven = (value: unknown) => value !== undefined;

const listener = z.strictObject({
  name: z.string().min(1).optional().describe("listener-N unless given"),
  direction: z.enum(["ingress", "egress"]).default("ingress")
    .describe("ingress: the client is the peer; egress: the upstream is"),
  listen: listenAddress,
  upstream: upstreamAddress,
  transparent: z.boolean().superRefine((value, context) => {
    const mend = "delete it, and connect to the listener's own address";
    if (value) refuse(context, notYet("transparent: true", mend));
  }).default(false).describe("not built yet: true is an error"),
  port: z.int().min(1).max(65535).optional()
    .describe("the port that the policy speaks of; upstream's unless given"),
  l7proto: z.string().min(1).optional().describe(
    "the parser where no policy names one: requests are logged and allowed",
  ),
});

/** The shape of parley.yaml. */
export const configSchema = z.strictObject({
  endpoint: z.strictObject({
    name: z.string().default("workload"),
    namespace,
    labels,
  }).prefault({}).describe("the workload that this sidecar guards"),
  endpoints: unbuilt(
    isGiven,
    "endpoints",
    "run a sidecar for each workload, with endpoint",
  ),
  listeners: z.array(listener).default([])
    .describe("where connections come in, and where they go on to"),
  identities: z.array(z.strictObject({ cidr, labels, namespace })).default([])
    .describe(
      "who is behind an address: the longest prefix counts, an address that none lists is reserved:world",
    ),
  policies: z.array(path).default([])
    .describe("files and folders, watched; without any, everything passes"),
  parsers: z.strictObject({
    folders: z.array(path).default([])
      .describe("watched; they add to the built-in parsers or override them"),
    config: z.record(z.string(), z.record(z.string(), z.string())).default({})
      .describe("settings by parser"),
    recycleAfter: z.int().min(1).default(50),
  }).prefault({}),
  mode: z.enum(["enforce", "audit"]).default("enforce")
    .describe("audit: what would be denied is logged, and passes"),
  accessLog: z.strictObject({
    sink: z.union([
      z.literal("stdout"),
      z.strictObject({
        file: path.optional().describe(
          "appended to; opened again at SIGHUP",
        ),
        unix: path.optional().describe(
          "a stream socket that somebody listens at; lines wait, within a bound, while nobody does",
        ),
      }),
    ], { error: "stdout, { file: PATH } or { unix: PATH }" }).optional()
      .describe("stdout (the default), { file: PATH } or { unix: PATH }"),
    file: path.optional()
      .describe("short for sink: { file: PATH }"),
    unix: path.optional()
      .describe("short for sink: { unix: PATH }"),
    responses: z.boolean().default(false)
      .describe("a line for each reply, too"),
  }).prefault({}),
  admin: z.unknown().optional().describe("without effect yet"),
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
    frameBytes: z.int().min(1).default(16_777_216)
      .describe("held of one frame, per direction"),
    connections: z.int().min(1).default(10_000)
      .describe("lowered to what the open-file limit allows"),
    parserTime: duration(1).prefault("20ms"),
    connectTimeout: duration(1).prefault("5s"),
    idleTimeout: duration(1).prefault("1h")
      .describe("without a byte in either direction, such as 1h"),
    drain: duration(0).prefault("30s")
      .describe("how long connections may go on after SIGTERM, such as 30s"),
    stall: duration(1).prefault("1s"),
  }).prefault({}),
});

/** JSON Schema 2020-12 of parley.yaml. */
export function configJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, {
    io: "input",
    unrepresentable: "any",
  });
  return { $schema, title: "parley.yaml", ...rest };
}

/** What the schema makes of a file. */
export type Parsed = z.output<typeof configSchema>;
