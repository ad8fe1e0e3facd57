/**
 * The server that the demo guards: memcached where it is installed, else a
 * stand-in.
 *
 * @module
 */
import { Client } from "./client.ts";
import { cutMemcache } from "./replies.ts";
import { type LocalServer, startStandIn } from "./stand_in.ts";

/** A running cache, and what to call it. */
export interface Cache extends LocalServer {
  /** "memcached 1.6.18", or "stand-in". */
  readonly name: string;
  /** Why it is no real memcached. */
  readonly standsIn?: string;
}

/** Another program may take the free port before memcached does. */
const ATTEMPTS = 3;

/** Starts memcached, or the stand-in. */
export async function startCache(): Promise<Cache> {
  let standsIn = "memcached is not installed";
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const started = await startMemcached();
    if (typeof started === "object") return started;
    standsIn = started;
    if (started === NOT_INSTALLED) break;
  }
  return { ...startStandIn(), name: "stand-in", standsIn };
}

const NOT_INSTALLED = "memcached is not installed";

/** A running memcached, or why there is none. */
async function startMemcached(): Promise<Cache | string> {
  const port = freePort();
  const child = spawn(port);
  if (typeof child === "string") return child;
  let exited: Deno.CommandStatus | undefined;
  const status = child.status.then((status) => exited = status);
  const close = async () => {
    if (!exited) child.kill("SIGKILL"); // it has nothing to lose, and takes a second otherwise
    await status;
  };
  while (!exited) {
    const client = await Client.connect({ port, cut: cutMemcache })
      .catch(() => undefined);
    if (!client) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    const version = await client.ask("version\r\n");
    client.leave();
    const name = version.trim().replace("VERSION", "memcached");
    return { name, port, close };
  }
  return `memcached is installed, but ended with code ${exited.code}`;
}

function spawn(port: number): Deno.ChildProcess | string {
  try {
    return new Deno.Command("memcached", {
      // Only root needs `-u`; to others it means nothing.
      args: ["-u", "nobody", "-l", "127.0.0.1", "-p", `${port}`]
        .concat(["-U", "0", "-m", "16", "-t", "1"]),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return NOT_INSTALLED;
    return `memcached cannot be started: ${(error as Error).message}`;
  }
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
