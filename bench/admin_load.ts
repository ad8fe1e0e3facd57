/**
 * Load on an admin API, until it is killed.
 *
 *     admin_load.ts ORIGIN ask PATH REQUESTS_A_SECOND
 *     admin_load.ts ORIGIN idle CLIENTS
 *     admin_load.ts ORIGIN follow CLIENTS [PATH REQUESTS_A_SECOND]
 *
 * So often it says how much has come through since: requests that were answered,
 * clients that were sent away, or kilobytes of the log.
 */
const SAY_MS = 250;
let through = 0;
setInterval(() => {
  console.log(through);
  through = 0;
}, SAY_MS);

const [origin, kind, ...rest] = Deno.args;

async function ask(path: string, rate: number): Promise<void> {
  let next = performance.now();
  for (;;) {
    void fetch(`${origin}${path}`).then((response) => response.text())
      .then(() => through++)
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
        through++;
      } catch { /* refused: try again */ }
      await new Promise((resolve) => setTimeout(resolve, BACK_MS));
    }
  }));
}

/** A slow reader reads a kilobyte so often. */
const READ_MS = 100;

/** Follows the access log, and reads less than comes. */
async function follow(clients: number): Promise<void> {
  const { hostname, port, host } = new URL(origin!);
  const request = new TextEncoder().encode(
    `GET /v1/accesslog HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
  );
  await Promise.all(Array.from({ length: clients }, async () => {
    for (;;) { // who came too many at once is sent away
      await readSlowly(hostname, Number(port), request);
      await new Promise((resolve) => setTimeout(resolve, BACK_MS));
    }
  }));
}

/** Until the other side ends it. */
async function readSlowly(
  hostname: string,
  port: number,
  request: Uint8Array,
): Promise<void> {
  using conn = await Deno.connect({ hostname, port });
  await conn.write(request);
  const buffer = new Uint8Array(1024);
  while (await conn.read(buffer) !== null) {
    through++;
    await new Promise((resolve) => setTimeout(resolve, READ_MS));
  }
}

if (kind === "follow") {
  const [clients, path, rate] = rest;
  if (path !== undefined) void ask(path, Number(rate));
  await follow(Number(clients));
} else if (kind === "ask") await ask(rest[0]!, Number(rest[1]));
else await idle(Number(rest[0]));
