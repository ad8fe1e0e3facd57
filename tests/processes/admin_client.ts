/**
 * Clients of the admin socket: one that speaks HTTP, and one that speaks
 * anything.
 *
 * @module
 */
import { within } from "../e2e/wait.ts";

/** An answer, as JSON. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  // deno-lint-ignore no-explicit-any -- tests compare it
  readonly body: any;
}

/** Asks, as a client that is well made. */
export async function ask(
  socket: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  using client = Deno.createHttpClient({
    proxy: { transport: "unix", path: socket },
  });
  const response = await fetch(`http://parley${path}`, {
    client,
    method,
    ...(body === undefined ? {} : {
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "content-type": "application/json" },
    }),
  });
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    body: await response.json(),
  };
}

/** A connection to the socket on which a test says what it likes. */
export class Raw implements Disposable {
  readonly #conn: Deno.UnixConn;

  private constructor(conn: Deno.UnixConn) {
    this.#conn = conn;
  }

  static async connect(path: string): Promise<Raw> {
    return new Raw(await Deno.connect({ transport: "unix", path }));
  }

  /** Sends it whole; false: the other side has closed meanwhile. */
  async send(text: string | Uint8Array): Promise<boolean> {
    const bytes = typeof text === "string"
      ? new TextEncoder().encode(text)
      : text;
    try {
      for (let at = 0; at < bytes.length;) {
        at += await this.#conn.write(bytes.subarray(at));
      }
      return true;
    } catch {
      return false;
    }
  }

  /** All that comes until the other side closes. */
  readToEnd(): Promise<string> {
    return within(this.#readAll(), () => "end of the answer", () => {
      this.#conn.close();
    });
  }

  /** What comes next. */
  async readSome(): Promise<string> {
    const buffer = new Uint8Array(64 * 1024);
    const read = await within(
      this.#conn.read(buffer),
      () => "answer",
      () => this.#conn.close(),
    );
    return new TextDecoder().decode(buffer.subarray(0, read ?? 0));
  }

  /** What comes, up to where there is enough of it. */
  async readUntil(isEnough: (text: string) => boolean): Promise<string> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(64 * 1024);
    let text = "";
    while (!isEnough(text)) {
      const read = await within(
        this.#conn.read(buffer),
        () => `more after ${text.slice(-500)}`,
        () => this.#conn.close(),
      );
      if (read === null) throw new Error(`the end came after ${text}`);
      text += decoder.decode(buffer.subarray(0, read), { stream: true });
    }
    return text;
  }

  async #readAll(): Promise<string> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(64 * 1024);
    let text = "";
    try {
      for (;;) {
        const read = await this.#conn.read(buffer);
        if (read === null) return text;
        text += decoder.decode(buffer.subarray(0, read), { stream: true });
      }
    } catch {
      return text; // closed with something unread
    }
  }

  [Symbol.dispose](): void {
    try {
      this.#conn.close();
    } catch { /* it was late */ }
  }
}
