/**
 * The shape of parley.yaml, in zod. Every key has a default, and a key that is
 * not known is an error.
 *
 * @module
 */
import { z } from "zod";
import {
  cidr,
  controllerUrl,
  dnsListenAddress,
  duration,
  hostname,
  ipAddress,
  labels,
  listenAddress,
  namespace,
  path,
  ports,
  resolverAddress,
  upstreamAddress,
} from "./values.ts";

const listener = z.strictObject({
  name: z.string().min(1).optional().describe("listener-N unless given"),
  direction: z.enum(["ingress", "egress"]).default("ingress")
    .describe("ingress: the client is the peer; egress: the upstream is"),
  listen: listenAddress,
  upstream: upstreamAddress,
  transparent: z.union([z.boolean(), z.literal("tproxy")], {
    error: "true, false or tproxy",
  }).default(false).describe(
    "true: takes connections that nftables redirects; tproxy: those of its tproxy verdict, and keeps the client's address towards the upstream",
  ),
  port: z.int().min(1).max(65535).optional().describe(
    "the port that the policy speaks of; the original destination's, or else upstream's, unless given",
  ),
  l7proto: z.string().min(1).optional().describe(
    "the parser where no policy names one: requests are logged and allowed",
  ),
});

const workload = {
  name: z.string().default("workload"),
  namespace,
  labels,
  ports: ports.optional(),
};

const service = z.strictObject({
  name: z.string().min(1),
  namespace,
  labels,
  selector: z.record(z.string(), z.string()).optional().describe(
    "the workloads of its namespace with these labels",
  ),
  addresses: z.array(ipAddress).optional().describe(
    "without a selector: where it leads outside the cluster",
  ),
});

/** The shape of parley.yaml. */
export const configSchema = z.strictObject({
  endpoint: z.strictObject({
    ...workload,
    podInfo: path.optional().describe(
      "a folder with the files labels, name and namespace of a downward API volume, which count in place of those here",
    ),
  }).prefault({}).describe("the workload that this sidecar guards"),
  endpoints: z.array(z.strictObject({
    ...workload,
    addresses: z.array(ipAddress).min(1, {
      error: "at least one address of the workload",
    }),
  })).optional().describe(
    "instead of endpoint: the workloads of a node, found by the address that a connection was meant for (egress: comes from)",
  ),
  listeners: z.array(listener).default([])
    .describe("where connections come in, and where they go on to"),
  identities: z.array(
    z.strictObject({ cidr, labels, namespace, ports: ports.optional() }),
  ).default([])
    .describe(
      "who is behind an address: the longest prefix counts, an address that none lists is reserved:world",
    ),
  cluster: z.strictObject({
    name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/, {
      error: "at most 32 lower-case letters, digits and '-'",
    }).optional().describe(
      "peers of policies are of this cluster unless a selector names one (io.cilium.k8s.policy.cluster)",
    ),
    podCidrs: z.array(cidr).default([]).describe(
      "prefixes of its workloads: an address there that no identity lists is reserved:unmanaged",
    ),
    nodes: z.boolean().default(false).describe(
      "policies may have fromNodes and toNodes: identities of nodes are labelled reserved:remote-node",
    ),
    services: z.array(service).default([]).describe("for toServices"),
    stream: path.optional().describe(
      "a file of events about identities and services, followed as it grows",
    ),
  }).prefault({}).describe("what is known of the cluster beside identities"),
  dns: z.strictObject({
    listen: dnsListenAddress.optional().describe(
      "workloads ask here, over UDP and TCP; without it the names of toFQDNs are looked up, again before they expire",
    ),
    resolvers: z.array(resolverAddress).min(1, {
      error: "at least one resolver",
    }).max(3, { error: "three resolvers at most" }).describe(
      "asked in their order; the port that dns rules speak of is theirs",
    ),
    minTtl: duration(0).prefault("10s").describe(
      "an address counts for so long at least, whatever its answer says",
    ),
  }).optional().describe(
    "where names lead, for toFQDNs; not in portable",
  ),
  controller: z.strictObject({
    url: controllerUrl,
    tokenFile: path.describe(
      "the token by which the controller knows the pod; read at each connection",
    ),
    caFile: path.describe(
      "PEM of the authority that signed the controller's certificate; read at each connection",
    ),
    stateFile: path.describe(
      "keeps what the controller told last: a sidecar that starts again goes on with it, for a day at most",
    ),
  }).optional().describe(
    "policies, identities and the workload's labels come from there too; a change counts after a restart; not in portable",
  ),
  policies: z.array(path).default([])
    .describe("files and folders, watched; without any, everything passes"),
  parsers: z.strictObject({
    folders: z.array(path).default([])
      .describe("watched; they add to the built-in parsers or override them"),
    config: z.record(z.string(), z.record(z.string(), z.string())).default({})
      .describe("settings by parser"),
    recycleAfter: z.int().min(1).default(50).describe(
      "versions that a worker loads before a fresh one takes its connections over; not in portable",
    ),
  }).prefault({}),
  mode: z.enum(["enforce", "audit"]).default("enforce")
    .describe("audit: what would be denied is logged, and passes"),
  enforcement: z.enum(["default", "always", "never"]).default("default")
    .describe(
      "always: what no policy allows is denied, whether or not one selects the workload; never: policies are not read",
    ),
  allowLocalhost: z.boolean().default(false).describe(
    "identities labelled reserved:host reach the workload whatever policies allow, unless one denies it",
  ),
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
    hash: z.array(z.string().min(1)).default([]).describe(
      "fields whose values are hashed with a secret, such as keys and query_table; what parsers throw is not quoted then",
    ),
    hashSecretFile: path.optional().describe(
      "the secret, 16 bytes at least; without it one is made at each start, and hashes of two runs cannot be compared",
    ),
  }).prefault({}),
  log: z.strictObject({
    level: z.enum(["info", "warning", "error"]).default("info")
      .describe("what the operator's log leaves out is below it"),
  }).prefault({}).describe("the operator's log, on standard error"),
  admin: z.strictObject({
    unix: path.optional().describe(
      "the socket that commands speak to; without it a path of the user's own",
    ),
    listen: listenAddress.optional().describe(
      "host:port where the admin API is served too: reading is open on loopback, all else needs tokenFile",
    ),
    tokenFile: path.optional().describe(
      "a file with the token of whoever changes something over TCP; read at each use",
    ),
    tls: z.strictObject({
      cert: path.describe("PEM, with the whole chain"),
      key: path.describe("PEM"),
    }).optional().describe(
      "the admin API over TCP speaks TLS; the files are read again when they change",
    ),
    hosts: z.array(hostname).default([]).describe(
      "names that clients may call listen by, beside its address and localhost",
    ),
    policies: path.optional().describe(
      "a folder that keeps the policies that are put in; without it they end with the sidecar; a change counts after a restart; not in portable",
    ),
  }).prefault({}),
  portChecks: z.strictObject({
    listen: listenAddress,
    ports: z.array(z.int().min(1).max(65535)).min(1, {
      error: "at least one port of the workload",
    }),
  }).optional().describe(
    "GET /ports/N there answers whether the workload takes connections at port N: for probes of redirected ports",
  ),
  data: z.strictObject({
    workers: z.int().min(1).max(64).default(1).describe(
      "processes that hold the connections, at most 64; portable has one",
    ),
    transport: z.enum(["auto", "epoll", "portable"]).default("auto")
      .describe("auto: epoll on Linux, portable elsewhere"),
  }).prefault({}),
  limits: z.strictObject({
    frameBytes: z.int().min(1).default(16_777_216)
      .describe("held of one frame, per direction"),
    connections: z.int().min(1).default(10_000)
      .describe("lowered to what the open-file limit allows"),
    workerBytes: z.int().min(67_108_864).default(1_073_741_824).describe(
      "of memory that one worker takes for heap and buffers; it ends with its connections when it needs more; not in portable",
    ),
    parserTime: duration(1).prefault("20ms").describe(
      "of one call of a parser, which then loses its connection; not in portable",
    ),
    connectTimeout: duration(1).prefault("5s"),
    idleTimeout: duration(1).prefault("1h")
      .describe("without a byte in either direction, such as 1h"),
    drain: duration(0).prefault("30s")
      .describe("how long connections may go on after SIGTERM, such as 30s"),
    stall: duration(1).prefault("1s").describe(
      "of one call of a parser that nothing else could end: its worker is killed and replaced; not in portable",
    ),
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
