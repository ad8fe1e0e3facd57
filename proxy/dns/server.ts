/**
 * Where clients ask: one address, over UDP and TCP.
 *
 * @module
 */
import dgram from "node:dgram";
import type { Place } from "./judge.ts";
import { readFrame, writeFrame } from "./tcp_frames.ts";

/** TCP clients at a time; whoever comes then is closed. */
const CLIENTS = 128;
/** A client that has not asked for so long is closed. */
const IDLE_MS = 10_000;

/** Answers a query, or does not. Never rejects. */
export type Answer = (
  query: Uint8Array,
  client: Place,
  protocol: "UDP" | "TCP",
) => Promise<Uint8Array | undefined>;

/** Binds both sockets, to one port, and serves for ever. @throws {Error} when the address cannot be bound */
export async function serve(
  { hostname, port }: Place,
  answer: Answer,
): Promise<Place> {
  // The sandbox lets TCP have this port, or one of the kernel's choice.
  const listener = Deno.listen({ hostname, port });
  const bound = { hostname, port: (listener.addr as Deno.NetAddr).port };
  await serveUdp(bound, answer);
  void serveTcp(listener, answer);
  return bound;
}

async function serveUdp(place: Place, answer: Answer): Promise<void> {
  const { hostname, port } = place;
  const socket = dgram.createSocket(hostname.includes(":") ? "udp6" : "udp4");
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.on("error", reject); // later ones are of a client that is gone
  socket.bind({ address: hostname, port }, resolve);
  await promise;
  socket.on("message", async (message, { address, port }) => {
    const client = { hostname: address, port };
    const reply = await answer(new Uint8Array(message), client, "UDP");
    if (reply) socket.send(reply, port, address, () => {});
  });
}

async function serveTcp(listener: Deno.Listener, answer: Answer) {
  let clients = 0;
  for (;;) {
    const connection = await accept(listener);
    if (!connection) continue;
    if (clients >= CLIENTS) {
      connection.close();
      continue;
    }
    clients++;
    void talk(connection, answer).finally(() => clients--);
  }
}

/** Nothing: that one could not be had, the next one may. */
async function accept(listener: Deno.Listener) {
  try {
    return await listener.accept();
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return undefined;
  }
}

/** One query after the other. */
async function talk(connection: Deno.Conn, answer: Answer): Promise<void> {
  const { hostname, port } = connection.remoteAddr as Deno.NetAddr;
  const close = () => {
    try {
      connection.close();
    } catch { /* closed already */ }
  };
  let timer = setTimeout(close, IDLE_MS);
  try {
    for (;;) {
      const query = await readFrame(connection);
      if (!query) return;
      const reply = await answer(query, { hostname, port }, "TCP");
      if (!reply) return;
      await writeFrame(connection, reply);
      clearTimeout(timer);
      timer = setTimeout(close, IDLE_MS);
    }
  } catch {
    /* it has gone, or was idle */
  } finally {
    clearTimeout(timer);
    close();
  }
}
