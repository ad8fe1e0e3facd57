/**
 * Reads the sidecar's access log while it is written.
 *
 * @module
 */
import { until } from "./until.ts";

/** The members of a line that the tour looks at. */
export interface LogLine {
  readonly type: "request" | "response" | "connection";
  readonly verdict: "forwarded" | "denied" | "error" | "audit";
  readonly connection: number;
  readonly source: { readonly address: string };
  readonly l7proto?: string;
  readonly parser?: string;
  readonly rule?: string;
  readonly reason?: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** An access-log file. */
export class AccessLog {
  readonly #file: Deno.FsFile;
  readonly #decoder = new TextDecoder();
  readonly #buffer = new Uint8Array(64 * 1024);
  readonly #lines: LogLine[] = [];
  #rest = "";

  constructor(path: string) {
    this.#file = Deno.openSync(path);
  }

  /** Every line so far. */
  async lines(): Promise<readonly LogLine[]> {
    for (;;) {
      const read = await this.#file.read(this.#buffer);
      if (read === null) return this.#lines;
      const chunk = this.#buffer.subarray(0, read);
      const text = this.#rest + this.#decoder.decode(chunk, { stream: true });
      const lines = text.split("\n");
      this.#rest = lines.pop()!;
      for (const line of lines) this.#lines.push(JSON.parse(line));
    }
  }

  /** The first line of a client that is as wanted, once it is there. */
  find(
    what: string,
    client: { readonly address: string },
    isWanted: (line: LogLine) => boolean,
  ): Promise<LogLine> {
    return until(`the log line of ${what}`, async () => {
      const lines = await this.lines();
      return lines.find((line) =>
        line.source.address === client.address && isWanted(line)
      );
    });
  }

  /** The line of a client's first request with a command. */
  request(
    client: { readonly address: string },
    command: string,
  ): Promise<LogLine> {
    return this.find(
      command,
      client,
      ({ type, fields }) => type === "request" && fields["command"] === command,
    );
  }

  close(): void {
    this.#file.close();
  }
}
