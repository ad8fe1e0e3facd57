/**
 * The servers behind all proxies: a real memcached of one thread, and what
 * answers one statement in place of a Cassandra.
 *
 * @module
 */
import type { Tool } from "../../tests/setup/mod.ts";
import { freePort } from "../../tests/free_port.ts";
import { accepting, LOAD_CORE, type Processes } from "./processes.ts";
import { MAX_CONNECTIONS } from "./scenarios.ts";

/** Starts the stand-in of Cassandra, whose values have so many bytes. @return its port */
export async function startCassandra(
  processes: Processes,
  tool: Tool,
  valueBytes: number,
): Promise<number> {
  const port = freePort();
  const args = [String(port), String(valueBytes)];
  const process = processes.start({ tool, core: LOAD_CORE, args });
  await accepting(port, process);
  return port;
}

/** Starts memcached. @return its port */
export async function startMemcached(
  processes: Processes,
  tool: Tool,
): Promise<number> {
  const port = freePort();
  const process = processes.start({
    tool,
    core: LOAD_CORE,
    args: [
      ...["-l", "127.0.0.1", "-p", String(port), "-U", "0"],
      ...["-t", "1", "-m", "64", "-I", "2m"],
      ...["-c", String(MAX_CONNECTIONS)],
      ...(Deno.uid() === 0 ? ["-u", "root"] : []),
    ],
  });
  await accepting(port, process);
  return port;
}
