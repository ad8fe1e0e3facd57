/**
 * A place in the cluster's network from which connections are opened: the node
 * itself, or a client on it.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { Wire } from "../e2e/wire.ts";
import type { Addresses, Host } from "../hosts/host.ts";

const DOOR = fileURLToPath(new URL("door.ts", import.meta.url));

/** A connection that nobody took. */
export class NotConnected extends Error {
  override readonly name = "NotConnected";
}

export class Place {
  private constructor(private readonly socket: string, readonly host: Host) {}

  /** `folder` is for its socket. */
  static async open(host: Host, folder: string): Promise<Place> {
    const socket = `${folder}/${host.namespace}.sock`;
    const args = ["run", "-q", "-A", "--no-config", DOOR, socket];
    const door = host.spawn(Deno.execPath(), args);
    await door.stdout.until((line) => line === "open", "open door");
    return new Place(socket, host);
  }

  /** Its addresses, one of each family. */
  get addresses(): Addresses {
    return this.host.address;
  }

  /** A connection from there. @throws {NotConnected} */
  async dial(address: string, port: number): Promise<Deno.UnixConn> {
    const conn = await Deno.connect({ transport: "unix", path: this.socket });
    const text = new TextEncoder().encode(`${address} ${port}\n`);
    await conn.write(text);
    const answer = await line(conn);
    if (answer.startsWith("ok ")) return conn;
    conn.close();
    throw new NotConnected(`${address}:${port}: ${answer}`);
  }

  /** The same, for bytes in and out. */
  async connect(address: string, port: number): Promise<Wire> {
    return Wire.over(await this.dial(address, port));
  }

  /** A GET; the status, or nothing if nobody answers. */
  async get(
    address: string,
    port: number,
    path: string,
    headers: readonly { name: string; value: string }[] = [],
  ): Promise<number | undefined> {
    try {
      using wire = await this.connect(address, port);
      const own = headers.map(({ name, value }) => `${name}: ${value}\r\n`);
      const request = `GET ${path} HTTP/1.1\r\n${own.join("")}` +
        "connection: close\r\n\r\n";
      await wire.send(request);
      const { text } = await wire.readToEnd();
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(text) ?? [];
      return status ? Number(status) : undefined;
    } catch (error) {
      if (error instanceof NotConnected) return undefined;
      throw error;
    }
  }
}

/** What the door says, and nothing of what comes after it. */
async function line(conn: Deno.Conn): Promise<string> {
  const byte = new Uint8Array(1);
  let text = "";
  while (await conn.read(byte) !== null && byte[0] !== 10) {
    text += String.fromCharCode(byte[0]!);
  }
  return text;
}
