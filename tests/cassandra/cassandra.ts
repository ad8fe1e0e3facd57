/**
 * A real Cassandra of one's own, with its audit log on: it says of every
 * statement what kind it was, and of which keyspace and table.
 *
 * @module
 */
import type { Tool } from "../setup/mod.ts";
import { entries, type Entry, LAYOUT } from "./audit.ts";
import { freePort } from "../free_port.ts";

/** It takes about ten seconds, on a busy machine several times that. */
const START_MS = 240_000;
const POLL_MS = 100;

/** What the daemon wants of a Java since 9, as Cassandra's own start script has it. */
const EXPORTS = [
  "java.base/jdk.internal.misc",
  "java.base/jdk.internal.ref",
  "java.base/sun.nio.ch",
  "java.management.rmi/com.sun.jmx.remote.internal.rmi",
  "java.rmi/sun.rmi.registry",
  "java.rmi/sun.rmi.server",
  "java.rmi/sun.rmi.transport",
  "java.rmi/sun.rmi.transport.tcp",
  "java.sql/java.sql",
  "jdk.unsupported/sun.misc",
  "jdk.attach/sun.tools.attach",
  "jdk.compiler/com.sun.tools.javac.api",
];
const OPENS = [
  "java.base/java.io",
  "java.base/java.lang",
  "java.base/java.lang.module",
  "java.base/java.lang.reflect",
  "java.base/java.net",
  "java.base/java.nio",
  "java.base/java.util",
  "java.base/java.util.concurrent",
  "java.base/java.util.concurrent.atomic",
  "java.base/jdk.internal.loader",
  "java.base/jdk.internal.math",
  "java.base/jdk.internal.module",
  "java.base/jdk.internal.ref",
  "java.base/jdk.internal.reflect",
  "java.base/jdk.internal.util.jar",
  "java.base/sun.nio.ch",
  "java.rmi/sun.rmi.transport.tcp",
  "java.management/com.sun.jmx.mbeanserver",
  "jdk.management/com.sun.management.internal",
];

/** A Cassandra on a free loopback port, until it is disposed of. It lets in `cassandra` with that password. */
export class Cassandra implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  /** Of the native protocol. */
  readonly port: number;

  private constructor(child: Deno.ChildProcess, folder: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.port = port;
  }

  /** Starts it, and waits until it takes connections, and the role. */
  static async start(tool: Tool): Promise<Cassandra> {
    const folder = await Deno.makeTempDir({ prefix: "parley-cassandra-" });
    const port = freePort();
    await writeSettings(folder, port, "rpc_address: 127.0.0.1");
    const child = new Deno.Command(tool.command, {
      args: javaArguments(folder, tool.env.CLASSPATH!.replace("*", "")),
      env: tool.env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    let ended = false;
    child.status.then(() => ended = true);
    const cassandra = new Cassandra(child, folder, port);
    const end = performance.now() + START_MS;
    while (!ended && performance.now() < end) {
      if (await hasRole(folder) && await listens(port)) return cassandra;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const log = await Deno.readTextFile(`${folder}/system.log`).catch(() => "");
    await cassandra[Symbol.asyncDispose]();
    throw new Error(
      `Cassandra did not start: ${log.split("\n").slice(-20).join("\n")}`,
    );
  }

  /** What the audit log has so far. */
  audit(): Promise<readonly Entry[]> {
    return auditIn(this.#folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch { /* it ended before */ }
    await this.#child.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** What the audit log of a Cassandra in a folder has so far. */
export async function auditIn(folder: string): Promise<readonly Entry[]> {
  return entries(await Deno.readTextFile(`${folder}/audit.log`));
}

/** Whether a Cassandra in a folder has made the role that it lets in; it takes connections before. */
export async function hasRole(folder: string): Promise<boolean> {
  const log = await Deno.readTextFile(`${folder}/system.log`)
    .catch(() => ""); // there is none yet
  return log.includes("Created default superuser role 'cassandra'");
}

/** Files that it starts with; `rpc` is the setting of where it takes clients. */
export async function writeSettings(
  folder: string,
  port: number,
  rpc: string,
): Promise<void> {
  await Deno.writeTextFile(
    `${folder}/cassandra.yaml`,
    settings(folder, port, rpc),
  );
  await Deno.writeTextFile(`${folder}/logback.xml`, logging(folder));
}

/** `java`'s, for one whose files are in a folder. */
export function javaArguments(folder: string, libraries: string): string[] {
  return [
    ...["-Xms768m", "-Xmx768m", "-XX:+UseSerialGC", "-Xss512k"],
    "-Djdk.attach.allowAttachSelf=true",
    "-Dio.netty.tryReflectionSetAccessible=true",
    `-javaagent:${libraries}jamm-0.4.0.jar`,
    `-Dcassandra.config=file://${folder}/cassandra.yaml`,
    `-Dcassandra.storagedir=${folder}`,
    `-Dlogback.configurationFile=${folder}/logback.xml`,
    "-Dcassandra-foreground=yes",
    `-Dcassandra.jmx.local.port=${freePort()}`,
    // One node waits for nobody.
    "-Dcassandra.ring_delay_ms=0",
    "-Dcassandra.skip_wait_for_gossip_to_settle=0",
    "-Dcassandra.superuser_setup_delay_ms=0",
    "-Dcassandra.disable_tcactive_openssl=true",
    ...EXPORTS.flatMap((name) => ["--add-exports", `${name}=ALL-UNNAMED`]),
    ...OPENS.flatMap((name) => ["--add-opens", `${name}=ALL-UNNAMED`]),
    "org.apache.cassandra.service.CassandraDaemon",
  ];
}

/** Everything that a statement may need is on; what takes memory or time is small. */
function settings(folder: string, port: number, rpc: string): string {
  const storage = freePort();
  return `
cluster_name: parley
num_tokens: 1
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{ seeds: "127.0.0.1:${storage}" }]
listen_address: 127.0.0.1
storage_port: ${storage}
${rpc}
native_transport_port: ${port}
data_file_directories: ["${folder}/data"]
commitlog_directory: ${folder}/commitlog
saved_caches_directory: ${folder}/saved_caches
hints_directory: ${folder}/hints
cdc_raw_directory: ${folder}/cdc
commitlog_sync: periodic
commitlog_sync_period: 10s
commitlog_segment_size: 4MiB
memtable_heap_space: 96MiB
memtable_offheap_space: 96MiB
file_cache_size: 32MiB
key_cache_size: 8MiB
auto_snapshot: false
authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
role_manager: CassandraRoleManager
network_authorizer: CassandraNetworkAuthorizer
cidr_authorizer: { class_name: CassandraCIDRAuthorizer }
auth_write_consistency_level: ONE
auth_read_consistency_level: ONE
materialized_views_enabled: true
sasi_indexes_enabled: true
user_defined_functions_enabled: true
dynamic_data_masking_enabled: true
drop_compact_storage_enabled: true
audit_logging_options:
  enabled: true
  logger: [{ class_name: FileAuditLogger }]
  excluded_keyspaces: ""
`;
}

function logging(folder: string): string {
  const appender = (name: string, pattern: string) =>
    `<appender name="${name}" class="ch.qos.logback.core.FileAppender">
  <file>${folder}/${name}.log</file>
  <encoder><charset>UTF-8</charset><pattern>${pattern}</pattern></encoder>
</appender>`;
  return `<configuration>
${appender("system", "%level %msg%n%ex")}
${appender("audit", LAYOUT)}
<logger name="org.apache.cassandra.audit" level="INFO" additivity="false">
  <appender-ref ref="audit"/>
</logger>
<logger name="org.apache.cassandra.auth.CassandraRoleManager" level="INFO"/>
<root level="WARN"><appender-ref ref="system"/></root>
</configuration>
`;
}

async function listens(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
