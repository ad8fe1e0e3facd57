/**
 * Parley as it is measured: from the checkout, with a file as access log.
 *
 * @module
 */
import type { CommandLine } from "./proxies.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** The port that the policy speaks of, whatever port is free. */
const POLICY_PORT = 11211;

/** A parser, and a policy for it. */
export interface Enforced {
  /** What allows the load's requests. */
  readonly rules: readonly Readonly<Record<string, string>>[];
  /** A request that they do not allow, and what a denial of it says. */
  readonly other: string;
  readonly denial: string;
  /** How many log lines a connection has beside those of the load's requests. */
  readonly lines: number;
}

export const ENFORCED = {
  memcache: {
    rules: [
      { command: "set", keyPrefix: "bench/" },
      { command: "get", keyPrefix: "bench/" },
    ],
    other: "get other\r\n",
    denial: "access denied",
    lines: 2, // its set and its end
  },
  cassandra: {
    rules: [
      { query_action: "select", query_table: "^bench\\.items$" },
      { query_action: "select", query_table: "^system(_.*)?\\." },
    ],
    other:
      "\x04\0\0\0\x07\0\0\0\x1f\0\0\0\x18SELECT v FROM other.items\0\x01\0",
    denial: "access denied",
    lines: 3, // STARTUP, PREPARE and its end
  },
} as const satisfies Record<string, Enforced>;

/**
 * `passer` reads nothing, asks no policy and logs connections only; the others
 * read and log every request, under a policy that allows what the load asks.
 */
export function parleyArguments(
  parser: "passer" | keyof typeof ENFORCED,
  folder: string,
  port: number,
  upstream: number,
): CommandLine {
  const accessLog = `${folder}/access.log`;
  const config = {
    endpoint: { name: "bench-0", labels: { app: "bench" } },
    listeners: [{
      name: "bench",
      listen: `127.0.0.1:${port}`,
      upstream: `127.0.0.1:${upstream}`,
      port: POLICY_PORT,
      ...(parser === "passer" ? { l7proto: parser } : {}),
    }],
    identities: [{ cidr: "127.0.0.1/32", labels: { function: "bench" } }],
    ...(parser === "passer" ? {} : { policies: ["policy.yaml"] }),
    accessLog: { sink: { file: accessLog } },
    limits: { drain: "100ms" },
  };
  // JSON is YAML.
  Deno.writeTextFileSync(`${folder}/parley.yaml`, JSON.stringify(config));
  if (parser !== "passer") {
    Deno.writeTextFileSync(
      `${folder}/policy.yaml`,
      JSON.stringify(policy(parser, ENFORCED[parser].rules)),
    );
  }
  return {
    args: ["run", "-P", "main.ts", "run", "-c", `${folder}/parley.yaml`],
    cwd: ROOT,
    ready: /listener bench .* at /,
    accessLog,
  };
}

function policy(l7proto: string, l7: Enforced["rules"]): unknown {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { name: "bench" },
    spec: {
      endpointSelector: { matchLabels: { app: "bench" } },
      ingress: [{
        fromEndpoints: [{ matchLabels: { function: "bench" } }],
        toPorts: [{
          ports: [{ port: String(POLICY_PORT), protocol: "TCP" }],
          rules: { l7proto, l7 },
        }],
      }],
    },
  };
}

/** Whether a request that the policy does not allow is denied. */
export async function deniesOthers(
  { other, denial }: Enforced,
  port: number,
): Promise<boolean> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  await socket.write(new TextEncoder().encode(other));
  const bytes = new Uint8Array(256);
  const length = await socket.read(bytes) ?? 0;
  const reply = new TextDecoder().decode(bytes.subarray(0, length));
  return reply.includes(denial);
}
