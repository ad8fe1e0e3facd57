/**
 * A small memcached, for machines that have none: the text protocol, as far as
 * the tour uses it, with the habits that the tour is about. A line ends at a
 * bare LF, and a storage line that is refused does not take its data block
 * along.
 *
 * @module
 */

/** A server of this process. */
export interface LocalServer {
  readonly port: number;
  close(): Promise<void>;
}

interface Item {
  readonly flags: string;
  readonly data: string;
  readonly unique: number;
}

/** Starts it on a free loopback port. */
export function startStandIn(): LocalServer {
  const cache = new Cache();
  return serve((conn) => converse(conn, cache));
}

/** Accepts connections on a free loopback port until it is closed. */
export function serve(
  converse: (conn: Deno.TcpConn) => Promise<void>,
): LocalServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Map<Deno.TcpConn, Promise<void>>();
  const accepting = (async () => {
    for await (const conn of listener) {
      const over = converse(conn)
        .catch(() => {}) // the peer has hung up
        .finally(() => {
          open.delete(conn);
          closeQuietly(conn);
        });
      open.set(conn, over);
    }
  })();
  return {
    port: listener.addr.port,
    async close() {
      listener.close();
      await accepting;
      const conversations = [...open.values()];
      for (const conn of open.keys()) closeQuietly(conn);
      await Promise.all(conversations);
    },
  };
}

function closeQuietly(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch { /* closed already */ }
}

async function converse(conn: Deno.TcpConn, cache: Cache): Promise<void> {
  const writer = conn.writable.getWriter();
  let held = "";
  for await (const chunk of conn.readable) {
    held += latin1(chunk);
    for (;;) {
      const answer = cache.answer(held);
      if (!answer) break;
      if (answer.reply === "quit") return await writer.close();
      held = held.slice(answer.taken);
      await writer.write(bytes(answer.reply));
    }
  }
}

/** What a request is answered, and how many characters it took. */
interface Answer {
  readonly taken: number;
  readonly reply: string;
}

const BAD_FORMAT = "CLIENT_ERROR bad command line format\r\n";
const VALUE_MAX = 1024 * 1024;
const NUMBER = /^\d{1,9}$/;

class Cache {
  readonly #items = new Map<string, Item>();
  readonly #counts = { cmd_get: 0, cmd_set: 0, cmd_flush: 0 };
  #unique = 0;

  /** Answers the first request of `text`, once it is whole. */
  answer(text: string): Answer | undefined {
    const taken = text.indexOf("\n") + 1;
    if (taken === 0) return undefined;
    const line = text.slice(0, taken - 1).replace(/\r$/, "");
    const [command, ...words] = line.split(" ").filter((word) => word !== "");
    if (command === "set") return this.#set(text, taken, words);
    return { taken, reply: this.#reply(command, words) };
  }

  #reply(command: string | undefined, words: readonly string[]): string {
    switch (command) {
      case "get":
      case "gets":
        return words.length > 0 ? this.#get(command, words) : "ERROR\r\n";
      case "delete":
        return this.#items.delete(words[0] ?? "")
          ? "DELETED\r\n"
          : "NOT_FOUND\r\n";
      case "touch":
        return this.#items.has(words[0] ?? "")
          ? "TOUCHED\r\n"
          : "NOT_FOUND\r\n";
      case "flush_all":
        this.#counts.cmd_flush++;
        this.#items.clear();
        return "OK\r\n";
      case "stats":
        return this.#stats();
      case "version":
        return "VERSION stand-in\r\n";
      case "quit":
        return "quit";
      default:
        return "ERROR\r\n";
    }
  }

  #get(command: string, keys: readonly string[]): string {
    this.#counts.cmd_get += keys.length;
    const values = keys.map((key) => {
      const item = this.#items.get(key);
      if (!item) return "";
      const { flags, data, unique } = item;
      const tail = command === "gets" ? ` ${unique}` : "";
      return `VALUE ${key} ${flags} ${data.length}${tail}\r\n${data}\r\n`;
    });
    return `${values.join("")}END\r\n`;
  }

  /** `set <key> <flags> <exptime> <bytes>`; refused, what follows is the next request. */
  #set(
    text: string,
    taken: number,
    [key, flags, exptime, length, ...more]: readonly string[],
  ): Answer | undefined {
    const size = Number(length);
    if (key === undefined || length === undefined || more.length > 0) {
      return { taken, reply: "ERROR\r\n" };
    }
    const numbers = [flags, exptime, length] as string[];
    if (!numbers.every((word) => NUMBER.test(word)) || size > VALUE_MAX) {
      return { taken, reply: BAD_FORMAT };
    }
    const end = taken + size;
    if (text.length < end + 2) return undefined;
    if (text.slice(end, end + 2) !== "\r\n") {
      return { taken: end + 2, reply: "CLIENT_ERROR bad data chunk\r\n" };
    }
    this.#counts.cmd_set++;
    const data = text.slice(taken, end);
    this.#items.set(key, { flags: flags!, data, unique: ++this.#unique });
    return { taken: end + 2, reply: "STORED\r\n" };
  }

  #stats(): string {
    const lines = Object.entries({
      curr_items: this.#items.size,
      ...this.#counts,
    }).map(([name, count]) => `STAT ${name} ${count}\r\n`);
    return `${lines.join("")}END\r\n`;
  }
}

/** One character a byte. */
export function latin1(chunk: Uint8Array): string {
  let text = "";
  for (const byte of chunk) text += String.fromCharCode(byte);
  return text;
}

/** The bytes of a text of one character each. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
