/**
 * Reads an access log while it is written.
 *
 * @module
 */
import { poll } from "./wait.ts";

/** One line, as far as these tests read it. */
export interface LogLine {
  readonly time: string;
  readonly type: string;
  readonly verdict: string;
  readonly connection: number;
  readonly source: { readonly address: string; readonly labels: string[] };
  readonly parser?: string;
  readonly rule?: string;
  readonly reason?: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** One of the connections that came from an address: its port may have been another's before. */
export interface Client {
  readonly address: string;
  /** No line of it is from before this moment (RFC 3339 in UTC, without the Z). */
  readonly since: string;
}

/** Members that a line must have, with these values. */
export interface Wanted {
  readonly type?: string;
  readonly verdict?: string;
  readonly reason?: string;
  readonly connection?: number;
  /** The client, or its address alone. */
  readonly source?: Client | string;
  readonly command?: string;
  /** The connection was not over yet. */
  readonly open?: boolean;
}

/** An access-log file. */
export class AccessLog {
  readonly path: string;
  readonly #decoder = new TextDecoder();
  #read = 0;
  #rest = "";
  readonly #lines: LogLine[] = [];

  constructor(path: string) {
    this.path = path;
  }

  /** All lines so far. */
  async lines(wanted: Wanted = {}): Promise<LogLine[]> {
    await this.#readOn();
    return this.#lines.filter((line) => fits(line, wanted));
  }

  /** So many lines of a kind, which may be still to come; more are an error. */
  async expect(count: number, wanted: Wanted): Promise<LogLine[]> {
    const lines = await poll(async () => {
      const lines = await this.lines(wanted);
      return lines.length >= count ? lines : undefined;
    }, () => `${count} log lines like ${textOf(wanted)}`);
    if (lines.length === count) return lines;
    throw new Error(
      `${lines.length} log lines, not ${count}, are like ${textOf(wanted)}`,
    );
  }

  /** The one line of a kind, which may be still to come. */
  async one(wanted: Wanted): Promise<LogLine> {
    const [line] = await this.expect(1, wanted);
    return line!;
  }

  /** The line that tells of a connection's end; all others of it came before. */
  closed(source: Client | string): Promise<LogLine> {
    return poll(async () => {
      const lines = await this.lines({ type: "connection", source });
      return lines.find(({ fields }) => fields["end"] !== undefined);
    }, () => `log line that ${addressOf(source)} is closed`);
  }

  async #readOn(): Promise<void> {
    using file = await Deno.open(this.path);
    await file.seek(this.#read, Deno.SeekMode.Start);
    const buffer = new Uint8Array(1 << 20);
    for (;;) {
      const read = await file.read(buffer);
      if (read === null) return;
      this.#read += read;
      const text = this.#decoder.decode(buffer.subarray(0, read), {
        stream: true,
      });
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop()!;
      this.#lines.push(...lines.map((line) => JSON.parse(line)));
    }
  }
}

function textOf({ source, ...wanted }: Wanted): string {
  return JSON.stringify(
    source === undefined ? wanted : { ...wanted, source: addressOf(source) },
  );
}

function addressOf(source: Client | string): string {
  return typeof source === "string" ? source : source.address;
}

function isFrom(line: LogLine, source: Client | string): boolean {
  return line.source.address === addressOf(source) &&
    (typeof source === "string" || line.time >= source.since);
}

function fits(line: LogLine, wanted: Wanted): boolean {
  const { command, source, open, ...members } = wanted;
  return (open === undefined || (line.fields["end"] === undefined) === open) &&
    (command === undefined || line.fields["command"] === command) &&
    (source === undefined || isFrom(line, source)) &&
    Object.entries(members).every(([key, value]) =>
      line[key as keyof LogLine] === value
    );
}
