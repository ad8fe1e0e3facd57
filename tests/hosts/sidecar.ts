/**
 * `parley run` on a machine, under a user of its own, and a memcached.
 *
 * @module
 */
import { AccessLog, type LogLine } from "../e2e/access_log.ts";
import type { Tool } from "../setup/mod.ts";
import type { Addresses, Host, Running } from "./host.ts";

const ROOT = new URL("../../", import.meta.url);

/** The user that `redirect` leaves alone unless told otherwise. */
export const SIDECAR_UID = 1337;

/** A line of the access log, as far as these tests read it. */
export type Line = LogLine & {
  readonly direction: string;
  readonly destination: { readonly address: string };
};

/** A sidecar with files of its own, until it is disposed of. */
export class HostSidecar implements AsyncDisposable {
  private constructor(
    private readonly folder: string,
    readonly process: Running,
    readonly log: AccessLog,
  ) {}

  /** Starts it and waits until every listener is there. `capability`: what TPROXY needs. */
  static async start(
    host: Host,
    config: Readonly<Record<string, unknown>> & {
      readonly listeners: readonly object[];
    },
    policies: readonly object[],
    { capability }: { readonly capability?: string } = {},
  ): Promise<HostSidecar> {
    const folder = await Deno.makeTempDir({ prefix: "parley-hosts-" });
    await Deno.chown(folder, SIDECAR_UID, SIDECAR_UID);
    await Deno.mkdir(`${folder}/modules`);
    const log = `${folder}/access.log`;
    const parley = {
      accessLog: { sink: { file: log } },
      limits: { drain: "100ms", connectTimeout: "3s" },
      policies: [`${folder}/policies.yaml`],
      ...config,
    };
    // JSON is YAML.
    await Deno.writeTextFile(`${folder}/parley.yaml`, JSON.stringify(parley));
    await Deno.writeTextFile(
      `${folder}/policies.yaml`,
      policies.map((policy) => JSON.stringify(policy)).join("\n---\n"),
    );
    const process = host.spawn(
      Deno.execPath(),
      ["run", "-q", "-P", "main.ts", "run", "-c", `${folder}/parley.yaml`],
      {
        uid: SIDECAR_UID,
        cwd: ROOT,
        // Modules are found where they were cached for this process.
        bind: [await denoDir(), `${folder}/modules`],
        env: { DENO_DIR: `${folder}/modules` },
        ...(capability ? { capability } : {}),
      },
    );
    const sidecar = new HostSidecar(folder, process, new AccessLog(log));
    try {
      let from = 0;
      for (const _ of config.listeners) {
        await process.stderr.until(LISTENER, "line about its listener", from);
        from = process.stderr.all().findIndex((line, i) =>
          i >= from && LISTENER(line)
        ) + 1;
      }
      return sidecar;
    } catch (error) {
      await sidecar[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop();
    await Deno.remove(this.folder, { recursive: true });
  }
}

const LISTENER = (line: string) =>
  /listener \S+ \((ingress|egress)\) at \S+:\d+, upstream/.test(line);

async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

/** A memcached on a host, at port 11211 of these addresses. */
export async function startMemcached(
  tool: Tool,
  host: Host,
  addresses: readonly string[],
): Promise<Running> {
  const server = host.spawn(tool.command, [
    ...["-l", addresses.join(","), "-p", "11211", "-U", "0", "-t", "1"],
    ...["-u", "root", "-vv"],
  ], { env: tool.env });
  let from = 0;
  for (const _ of addresses) {
    await server.stderr.until(LISTENING, "listening memcached", from);
    from = server.stderr.all().findIndex((line, i) =>
      i >= from && LISTENING(line)
    ) + 1;
  }
  return server;
}

const LISTENING = (line: string) => /^<\d+ server listening/.test(line);

/** Who may ask the workload with these labels for what. */
export function policy(
  name: string,
  labels: Readonly<Record<string, string>>,
  direction: "ingress" | "egress",
  peer: Readonly<Record<string, string>>,
  commands: readonly string[],
): object {
  const peers = direction === "ingress" ? "fromEndpoints" : "toEndpoints";
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { name },
    spec: {
      endpointSelector: { matchLabels: labels },
      [direction]: [{
        [peers]: [{ matchLabels: peer }],
        toPorts: [{
          ports: [{ port: "11211", protocol: "TCP" }],
          rules: {
            l7proto: "memcache",
            l7: commands.map((command) => ({ command })),
          },
        }],
      }],
    },
  };
}

/** A host's addresses as identities of the configuration. */
export function identities(
  { v4, v6 }: Addresses,
  labels: Readonly<Record<string, string>>,
): object[] {
  return [
    { cidr: `${v4}/32`, labels, namespace: "default" },
    { cidr: `${v6}/128`, labels, namespace: "default" },
  ];
}

/** A denial in memcached's own words. */
export const DENIED = "CLIENT_ERROR access denied\r\n";
export const SERVED = { app: "memcached" };
export const MONITORING = { function: "monitoring" };
export const REQUESTS = "get a\r\nset a 0 0 1\r\nx\r\nget a\r\n";
export const ANSWERS = `END\r\n${DENIED}END\r\n`;

export const INGRESS = {
  name: "in",
  direction: "ingress",
  listen: "[::]:15006",
  transparent: true,
  upstream: "original-dst",
};

/** The three requests as the access log has them. */
export async function requests(sidecar: HostSidecar): Promise<string[]> {
  const lines = await sidecar.log.expect(3, { type: "request" }) as Line[];
  return lines.map(({ verdict, direction, source, destination, fields }) =>
    [verdict, direction, source.address, destination.address, fields.command]
      .join(" ")
  );
}
