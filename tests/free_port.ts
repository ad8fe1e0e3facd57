/** Ports that clients come to before the test knows who listens there. @module */

/** Below those that the system gives to connections (ip_local_port_range): nobody gets one by chance meanwhile. */
const FIRST = 10_000;
const COUNT = 22_000;

/** Somebody here has each of these by now, or will. */
const given = new Set<number>();

/** A TCP port of loopback at which nobody listens. */
export function freePort(): number {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (given.has(port)) continue;
    given.add(port);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
