/**
 * What the system's limits leave for connections.
 *
 * @module
 */
import { openLibc } from "./linux/libc.ts";

/** Descriptors that are not sockets of proxied connections. */
const RESERVED_DESCRIPTORS = 64;
const RLIMIT_NOFILE = 7;

/** The configured limit, lowered to what the system's open-file limit allows: two descriptors a connection. */
export function connectionLimit(
  configured: number,
  log: { warn(message: string): void },
): number {
  const files = openFileLimit();
  if (files === undefined) return configured;
  const possible = Math.max(1, Math.floor((files - RESERVED_DESCRIPTORS) / 2));
  if (possible >= configured) return configured;
  log.warn(
    `limits.connections is ${configured}, but the open-file limit of ${files} allows ${possible}; raise it with ulimit -n`,
  );
  return possible;
}

/** The soft limit (getrlimit(2)); nothing where there is no such call. */
function openFileLimit(): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const libc = openLibc({
    getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  });
  const limit = new BigUint64Array(2);
  const failed = libc.symbols.getrlimit(RLIMIT_NOFILE, limit) !== 0;
  libc.close();
  return failed ? undefined : Number(limit[0]);
}
