/**
 * The sidecars' ends of `controller.ts`: streams that are read, and when each
 * was told something.
 */
export type Report =
  /** All streams have their first state. */
  | { readonly type: "ready" }
  /** A sidecar was told of a change, at so many milliseconds since the epoch. */
  | { readonly type: "told"; readonly sidecar: number; readonly at: number };

const SYNCED = '{"event":"synced"';
/** So many call from one address: the controller takes no more than 256. */
const SIDECARS_OF_ADDRESS = 200;

if (import.meta.main) {
  const [port, count, ca] = Deno.args;
  const addresses = Math.ceil(Number(count) / SIDECARS_OF_ADDRESS);
  const clients = Array.from(
    { length: addresses },
    (_, i) =>
      Deno.createHttpClient({
        caCerts: [atob(ca!)],
        localAddress: `127.0.1.${i + 1}`,
        poolMaxIdlePerHost: 0,
      }),
  );
  const first = await Promise.all(
    Array.from({ length: Number(count) }, (_, i) => {
      const client = clients[Math.floor(i / SIDECARS_OF_ADDRESS)]!;
      return follow(client, port!, i);
    }),
  );
  report({ type: "ready" });
  await Promise.all(first.map((rest) => rest()));
}

/** Reads up to the first state; the answer reads on. */
async function follow(
  client: Deno.HttpClient,
  port: string,
  sidecar: number,
): Promise<() => Promise<void>> {
  const batches = syncedOf(await open(client, port, sidecar));
  await batches.next();
  return async () => {
    for await (const _ of batches) {
      report({ type: "told", sidecar, at: Date.now() });
    }
  };
}

/** Comes again where too many come at once, as sidecars do. */
async function open(
  client: Deno.HttpClient,
  port: string,
  sidecar: number,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  for (;;) {
    const response = await fetch(`https://127.0.0.1:${port}/v1/sidecar`, {
      client,
      headers: { authorization: `Bearer ${sidecar}` },
    });
    if (response.ok) return response.body!;
    const text = await response.text();
    if (response.status !== 503) throw new Error(text);
    const delay = 250 * (0.5 + Math.random());
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}

/** Each time when something was told whole. */
async function* syncedOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<void> {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) if (line.startsWith(SYNCED)) yield;
  }
}

function report(what: Report): void {
  console.log(JSON.stringify(what));
}
