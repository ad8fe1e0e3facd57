/**
 * Asks resolvers: over UDP from a port of its own each time, or over TCP.
 *
 * What comes back counts if it is a whole response, of this number, to this
 * question, from that address; all else is passed over until time is up.
 *
 * @module
 */
import dgram from "node:dgram";
import {
  idOf,
  isSameQuestion,
  type Question,
  readReply,
  type Reply,
  withId,
} from "./message.ts";
import type { Place } from "./judge.ts";
import { readFrame, writeFrame } from "./tcp_frames.ts";

/** A resolver that has not answered by then does not answer. */
const ANSWER_MS = 2000;

/** A response, as bytes under the number that was asked with, and as what was read of it. */
export interface Answered {
  readonly bytes: Uint8Array;
  readonly reply: Reply;
}

/** Asks one resolver. @throws {Error} when it does not answer, or cannot be reached */
export async function ask(
  resolver: Place,
  query: Uint8Array,
  question: Question,
  protocol: "UDP" | "TCP",
): Promise<Answered> {
  const id = crypto.getRandomValues(new Uint16Array(1))[0]!;
  const asked = withId(query, id);
  const take = (bytes: Uint8Array): Answered | undefined => {
    const reply = readReply(bytes);
    return reply && idOf(bytes) === id &&
        isSameQuestion(reply.question, question)
      ? { bytes: withId(bytes, idOf(query)), reply }
      : undefined;
  };
  const exchange = protocol === "UDP" ? askUdp : askTcp;
  return await exchange(resolver, asked, take);
}

type Take = (bytes: Uint8Array) => Answered | undefined;

async function askUdp(
  { hostname, port }: Place,
  query: Uint8Array,
  take: Take,
): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const socket = dgram.createSocket(hostname.includes(":") ? "udp6" : "udp4");
  const timer = setTimeout(() => reject(silence()), ANSWER_MS);
  socket.on("error", reject);
  socket.on("message", (message, from) => {
    // The kernel passes on what comes from there only; other systems may not.
    if (from.port !== port) return;
    const answered = take(new Uint8Array(message));
    if (answered) resolve(answered);
  });
  try {
    socket.connect(port, hostname, () => {
      socket.send(query, (error) => error && reject(error));
    });
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

async function askTcp(
  place: Place,
  query: Uint8Array,
  take: Take,
): Promise<Answered> {
  const { promise, reject } = Promise.withResolvers<never>();
  const end = new AbortController();
  const timer = setTimeout(() => {
    end.abort();
    reject(silence());
  }, ANSWER_MS);
  try {
    return await Promise.race([promise, talk(place, query, take, end.signal)]);
  } finally {
    clearTimeout(timer);
  }
}

async function talk(
  place: Place,
  query: Uint8Array,
  take: Take,
  signal: AbortSignal,
): Promise<Answered> {
  const connection = await Deno.connect({ ...place, signal });
  const close = () => {
    try {
      connection.close();
    } catch { /* closed already */ }
  };
  signal.addEventListener("abort", close);
  try {
    await writeFrame(connection, query);
    for (;;) {
      const frame = await readFrame(connection);
      if (!frame) throw new Error("it closed the connection");
      const answered = take(frame);
      if (answered) return answered;
    }
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

function silence(): Error {
  return new Error(`no answer within ${ANSWER_MS} ms`);
}
