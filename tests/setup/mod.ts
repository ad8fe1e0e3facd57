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
import { pythonWith } from "./python.ts";
import { type Missing, missing, onPath, type Tool } from "./tool.ts";

export type { Missing, Tool } from "./tool.ts";

/** memcached. */
export function memcachedServer(): Promise<Tool | Missing> {
  return programOf("memcached", "memcached");
}

/** The load generator of libmemcached. */
export function memcaslap(): Promise<Tool | Missing> {
  return programOf("libmemcached-tools", "memcaslap");
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
