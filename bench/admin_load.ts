/**
 * Load on an admin API, until it is killed.
 *
 *     admin_load.ts ORIGIN ask PATH REQUESTS_A_SECOND
 *     admin_load.ts ORIGIN idle CLIENTS
 */
const [origin, kind, ...rest] = Deno.args;

async function ask(path: string, rate: number): Promise<void> {
  let next = performance.now();
  for (;;) {
    void fetch(`${origin}${path}`).then((response) => response.text())
      .catch(() => {}); // it is busy; the next one comes all the same
    next += 1000 / rate;
    const wait = Math.max(0, next - performance.now());
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** Who was sent away comes back after so long. */
const BACK_MS = 1000;

/** Connects, says nothing, and comes back when it is sent away. */
async function idle(clients: number): Promise<void> {
  const { hostname, port } = new URL(origin!);
  await Promise.all(Array.from({ length: clients }, async () => {
    for (;;) {
      try {
        using conn = await Deno.connect({ hostname, port: Number(port) });
        await conn.read(new Uint8Array(1024));
      } catch { /* refused: try again */ }
      await new Promise((resolve) => setTimeout(resolve, BACK_MS));
    }
  }));
}

if (kind === "ask") await ask(rest[0]!, Number(rest[1]));
else await idle(Number(rest[0]));
