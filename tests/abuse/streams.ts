/**
 * Connections that end in every way there is, whose bytes are checked one by
 * one: what either end knows of itself and of the other.
 *
 * A client's first line is its {@linkcode Plan}; then it sends `up` bytes. The
 * server sends `down` bytes as soon as it knows the plan. Every byte of a stream
 * follows from its number and its place.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Random } from "../random.ts";

/** How an end goes: properly, by a reset, or by closing whatever is unread. */
type Leaving = "end" | "reset" | "close";

/** What both ends of a connection are going to do. */
export interface Plan {
  readonly id: number;
  readonly up: number;
  readonly down: number;
  readonly client: {
    /** After so many bytes it waits until all connections are open. */
    readonly pauseAt: number;
    /** It does not read before all connections are open. */
    readonly deaf: boolean;
    /** How it goes, once it has sent `stopAt` bytes. */
    readonly leaves: Leaving;
    readonly stopAt: number;
    /** A plan that is never sent: nothing is said at all. */
    readonly mute: boolean;
  };
  readonly server: { readonly leaves: Leaving; readonly stopAt: number };
}

/** What became of one end. */
export interface Outcome {
  /** Bytes that the system was given, and took. */
  sent: number;
  received: number;
  /** Where a byte was not the one that was sent. */
  wrongAt: number | undefined;
  /** How the other side was seen to go. */
  saw: "end" | "reset" | undefined;
  /** It said properly that all was sent. */
  ended: boolean;
}

/** Both ends of one connection; the server may never have heard of it. */
export interface Exchange {
  readonly plan: Plan;
  readonly client: Outcome;
  readonly server: Outcome | undefined;
}

const POOL = Buffer.alloc(1 << 20);
const LONG = 2 << 20;
const PIECE = 64 * 1024;
{
  const random = new Random(20_261_125);
  for (let at = 0; at < POOL.length; at++) POOL[at] = random.below(256);
}

/** Bytes of a stream from a place on, `PIECE` at most. */
function bytesOf(stream: number, at: number, end: number): Buffer {
  const start = (stream * 7919 + at) % POOL.length;
  return POOL.subarray(start, start + Math.min(PIECE, end - at));
}

function newOutcome(): Outcome {
  return {
    sent: 0,
    received: 0,
    wrongAt: undefined,
    saw: undefined,
    ended: false,
  };
}

/** Plans of every kind, the same for the same seed. */
export function plans(count: number, seed: number): Plan[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, id) => {
    const size = () =>
      random.below(random.pick([1, 200, 20_000, 20_000, 200_000, LONG]));
    const leaving = () =>
      random.pick<Leaving>(["end", "end", "end", "reset", "close"]);
    const [up, down] = [size(), size()];
    const client = leaving();
    const server = leaving();
    return {
      id,
      up,
      down,
      client: {
        pauseAt: random.below(up + 1),
        deaf: random.below(4) === 0,
        leaves: client,
        stopAt: client === "end" ? up : random.below(up + 1),
        mute: random.below(12) === 0,
      },
      server: {
        leaves: server,
        stopAt: server === "end" ? down : random.below(down + 1),
      },
    };
  });
}

/** Sends a stream's bytes from a place on; resolves when the system took them, or the connection is gone. */
async function pour(
  socket: Socket,
  outcome: Outcome,
  stream: number,
  end: number,
): Promise<void> {
  while (outcome.sent < end && !socket.destroyed) {
    const bytes = bytesOf(stream, outcome.sent, end);
    const taken = await new Promise<boolean>((resolve) => {
      const gone = () => resolve(false);
      socket.once("close", gone);
      socket.write(bytes, (error) => {
        socket.off("close", gone);
        resolve(!error);
      });
    });
    if (!taken) return;
    outcome.sent += bytes.length;
  }
}

function check(outcome: Outcome, stream: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) {
    const wanted = bytesOf(
      stream,
      outcome.received,
      outcome.received + bytes.length - at,
    );
    const part = bytes.subarray(at, at + wanted.length);
    if (!part.equals(wanted)) outcome.wrongAt ??= outcome.received;
    outcome.received += wanted.length;
    at += wanted.length;
  }
}

/** Notes how the other side goes; resolves when the socket is gone. */
function follow(socket: Socket, outcome: Outcome): Promise<void> {
  socket.on("end", () => outcome.saw ??= "end");
  socket.on("error", () => outcome.saw = "reset");
  return new Promise((resolve) => socket.on("close", () => resolve()));
}

function leave(socket: Socket, outcome: Outcome, leaving: Leaving): void {
  if (leaving === "end") {
    outcome.ended = true;
    socket.end();
  } else if (leaving === "reset") socket.resetAndDestroy();
  else socket.destroy();
}

/** The upstream. */
export class StreamServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly outcomes = new Map<number, Outcome>();

  private constructor() {
    this.#server = createServer(
      { allowHalfOpen: true, noDelay: true },
      (socket) => this.#take(socket),
    );
  }

  static async start(port = 0): Promise<StreamServer> {
    const server = new StreamServer();
    await new Promise<void>((resolve) =>
      server.#server.listen(port, "127.0.0.1", 4096, resolve)
    );
    return server;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get open(): number {
    return this.#sockets.size;
  }

  /** As when its machine loses power: every connection is reset, and nobody listens. */
  async vanish(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket);
    const outcome = newOutcome();
    void follow(socket, outcome).then(() => this.#sockets.delete(socket));
    let plan: Plan | undefined;
    let head = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      if (plan) return check(outcome, 2 * plan.id, bytes);
      head = Buffer.concat([head, bytes]);
      const line = head.indexOf(0x0a);
      if (line < 0) return;
      plan = JSON.parse(head.toString("utf8", 0, line)) as Plan;
      this.outcomes.set(plan.id, outcome);
      check(outcome, 2 * plan.id, head.subarray(line + 1));
      void this.#answer(socket, outcome, plan);
    });
    // Without a plan there is nothing to say.
    socket.on("end", () => !plan && socket.end());
  }

  async #answer(socket: Socket, outcome: Outcome, plan: Plan): Promise<void> {
    const { leaves, stopAt } = plan.server;
    await pour(socket, outcome, 2 * plan.id + 1, stopAt);
    if (!socket.destroyed && outcome.sent === stopAt) {
      leave(socket, outcome, leaves);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** A client that is connected, and what comes of it. */
export interface Client {
  readonly outcome: Outcome;
  /** Resolves when the connection is gone. */
  readonly done: Promise<void>;
  /** Ends it whatever it is at. */
  destroy(): void;
}

/** Connects and begins; `all` resolves when every client has. */
export async function startClient(
  port: number,
  plan: Plan,
  all: Promise<void>,
): Promise<Client> {
  const outcome = newOutcome();
  const socket = connect({
    port,
    host: "127.0.0.1",
    allowHalfOpen: true,
    noDelay: true,
  });
  const gone = follow(socket, outcome);
  await Promise.race([
    new Promise<void>((resolve) => socket.once("connect", () => resolve())),
    gone,
  ]);
  if (outcome.saw === "reset") throw new Error("a connection was refused");
  if (!plan.client.deaf) listen(socket, outcome, plan);
  const talk = converse(socket, outcome, plan, all);
  return {
    outcome,
    done: Promise.all([gone, talk]).then(() => {}),
    destroy: () => socket.destroy(),
  };
}

function listen(socket: Socket, outcome: Outcome, plan: Plan): void {
  const stream = 2 * plan.id + 1;
  socket.on("data", (bytes: Buffer) => check(outcome, stream, bytes));
}

async function converse(
  socket: Socket,
  outcome: Outcome,
  plan: Plan,
  all: Promise<void>,
): Promise<void> {
  const { pauseAt, leaves, stopAt, mute, deaf } = plan.client;
  if (!mute) {
    socket.write(`${JSON.stringify(plan)}\n`);
    await pour(socket, outcome, 2 * plan.id, Math.min(pauseAt, stopAt));
  }
  await all;
  if (deaf && !socket.destroyed) listen(socket, outcome, plan);
  if (!mute) await pour(socket, outcome, 2 * plan.id, stopAt);
  if (mute || outcome.sent === stopAt) leave(socket, outcome, leaves);
}

/**
 * What is wrong with an exchange; nothing if all is in order: every byte arrived
 * as it was sent, or the connection was seen to be reset.
 */
export function faults({ plan, client, server }: Exchange): string[] {
  const found: string[] = [];
  for (const [end, outcome] of Object.entries({ client, server })) {
    if (outcome?.wrongAt !== undefined) {
      found.push(`the ${end} got a wrong byte at ${outcome.wrongAt}`);
    }
  }
  if (plan.client.mute) return found;
  if (!server) {
    if (client.saw === "end" && plan.client.leaves === "end") {
      found.push("the server never heard of it, and the client saw an end");
    }
    return found;
  }
  found.push(
    ...oneWay("server", client, server, plan.client.leaves),
    ...oneWay("client", server, client, plan.server.leaves),
  );
  const isProper = plan.client.leaves === "end" && plan.server.leaves === "end";
  if (isProper && (client.saw !== "end" || server.saw !== "end")) {
    found.push(`both ended properly, and saw ${client.saw}, ${server.saw}`);
  }
  return found;
}

/** What `to` saw of `from`. */
function oneWay(
  name: string,
  from: Outcome,
  to: Outcome,
  leaves: Leaving,
): string[] {
  if (to.saw !== "end") return [];
  if (leaves === "reset" && !from.ended) {
    return [`the ${name} saw an end, and the other side was reset`];
  }
  // A socket that is closed sends what it was given, and then ends; how much that is, its owner knows.
  return to.received < from.sent
    ? [`the ${name} saw an end after ${to.received} of ${from.sent} bytes`]
    : [];
}
