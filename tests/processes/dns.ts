/**
 * A resolver and a client that speak real DNS, over UDP and TCP.
 *
 * @module
 */
import dgram from "node:dgram";
import { readReply, type Reply } from "../../proxy/dns/message.ts";
import { query, reply, two, type Written } from "../../proxy/dns/testkit.ts";
import { poll, within } from "../e2e/wait.ts";

const LOCAL = "127.0.0.1";

/** What a name leads to. */
export type Zone = Record<string, readonly Written[]>;

/** An A record. */
export function a(name: string, address: string, ttl: number): Written {
  return [name, 1, ttl, address.split(".").map(Number)];
}

/** An AAAA record of loopback. */
export function loopback6(name: string, ttl: number): Written {
  return [name, 28, ttl, [...new Array(15).fill(0), 1]];
}

/** Answers of a zone; what it does not have leads nowhere. */
export class Resolver implements AsyncDisposable {
  readonly #socket = dgram.createSocket("udp4");
  readonly #zone: Zone;
  readonly #listener: Deno.TcpListener;
  readonly #talks: Promise<void>;
  readonly port: number;
  /** `name protocol`, in the order of asking; not the root, by which it is looked for. */
  readonly asked: string[] = [];
  /** Over UDP all is truncated. */
  truncates = false;
  /** It is there and says nothing. */
  isSilent = false;
  /** Sent before the answer, from the same place. */
  forge: ((query: Uint8Array) => Uint8Array[]) | undefined;

  private constructor(zone: Zone) {
    this.#zone = zone;
    this.#listener = Deno.listen({ hostname: LOCAL, port: 0 });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#talks = this.#serve();
  }

  static async start(zone: Zone): Promise<Resolver> {
    const resolver = new Resolver(zone);
    const socket = resolver.#socket;
    await new Promise<void>((done, failed) => {
      socket.once("error", failed);
      socket.bind(resolver.port, LOCAL, done);
    });
    socket.on("message", (message, from) => {
      const asked = new Uint8Array(message);
      const answer = resolver.#answer(asked, "UDP");
      if (!answer) return;
      for (const bytes of [...resolver.forge?.(asked) ?? [], answer]) {
        socket.send(bytes, from.port, from.address);
      }
    });
    return resolver;
  }

  get address(): string {
    return `${LOCAL}:${this.port}`;
  }

  #answer(query: Uint8Array, protocol: "UDP" | "TCP"): Uint8Array | undefined {
    const name = nameOf(query);
    if (name !== "") this.asked.push(`${name} ${protocol}`);
    if (this.isSilent) return undefined;
    const truncated = this.truncates && protocol === "UDP";
    const type = query[12 + name.length + (name === "" ? 2 : 3)];
    const records = (this.#zone[name] ?? [])
      .filter(([, kind]) => kind === type || kind === 5 || type === 255);
    return reply(query, truncated ? [] : records, { truncated });
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      const query = await frame(connection).catch(() => undefined);
      const answer = query && this.#answer(query, "TCP");
      if (answer) {
        await connection.write(
          new Uint8Array([...two(answer.length), ...answer]),
        ).catch(() => {});
      }
      connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    this.#listener.close();
    await this.#talks;
  }
}

function nameOf(query: Uint8Array): string {
  const labels: string[] = [];
  for (let at = 12; query[at]! > 0; at += query[at]! + 1) {
    const label = query.subarray(at + 1, at + 1 + query[at]!);
    labels.push(new TextDecoder().decode(label));
  }
  return labels.join(".");
}

async function frame(connection: Deno.Conn): Promise<Uint8Array> {
  const bytes = new Uint8Array(65_537);
  let have = 0;
  while (have < 2 || have < 2 + (bytes[0]! << 8 | bytes[1]!)) {
    const read = await connection.read(bytes.subarray(have));
    if (read === null) throw new Error("the stream ended inside of a message");
    have += read;
  }
  return bytes.slice(2, have);
}

/** Sends bytes to a port, and the datagram that comes back. */
export async function exchange(
  port: number,
  bytes: Uint8Array,
  hostname = LOCAL,
): Promise<Uint8Array> {
  const socket = dgram.createSocket(hostname === LOCAL ? "udp4" : "udp6");
  try {
    const answer = new Promise<Uint8Array>((resolve) =>
      socket.on("message", (message) => resolve(new Uint8Array(message)))
    );
    socket.send(bytes, port, hostname);
    return await within(answer, () => "answer to a query", () => {});
  } finally {
    socket.close();
  }
}

/** What a name leads to, by whoever answers at a port. */
export async function lookUp(port: number, name: string): Promise<Reply> {
  const id = 1 + Math.floor(Math.random() * 65_534);
  const bytes = await exchange(port, query(id, name));
  return whole(bytes, id);
}

/** The IPv6 addresses, by whoever answers at a port of `::1`. */
export async function lookUp6(port: number, name: string): Promise<Reply> {
  return whole(await exchange(port, query(66, name, 28), "::1"), 66);
}

/** The same, over TCP. */
export async function lookUpByTcp(port: number, name: string): Promise<Reply> {
  using connection = await Deno.connect({ hostname: LOCAL, port });
  const asked = query(77, name);
  await connection.write(new Uint8Array([...two(asked.length), ...asked]));
  return whole(await frame(connection), 77);
}

function whole(bytes: Uint8Array, id: number): Reply {
  const read = readReply(bytes);
  if (!read || (bytes[0]! << 8 | bytes[1]!) !== id) {
    throw new Error("the answer is none");
  }
  return read;
}

/** Until a name has been asked for. */
export async function isAsked(
  { asked }: Resolver,
  question: string,
  from = 0,
): Promise<void> {
  await poll(
    () => asked.indexOf(question, from) >= 0 ? true : undefined,
    () => `question ${question} among ${asked}`,
  );
}
