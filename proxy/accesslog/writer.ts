/**
 * Writes access-log lines to a sink, whole and in batches.
 *
 * A slow sink never stalls traffic: past a bound lines are dropped, counted,
 * and the count is itself logged.
 *
 * @module
 */
import { thrownText } from "../thrown.ts";
import { Timestamps } from "./timestamps.ts";

/** A batch is written when it is this long, or this old. */
export const BATCH_BYTES = 64 * 1024;
export const BATCH_MS = 50;
/** What may wait for a slow sink, in characters; the batch that it holds counts. */
export const PENDING_MAX = 8 * 1024 * 1024;

/** Where batches go. */
export interface LogSink {
  /** Rejects when the bytes are lost. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes and opens it again, for rotated files. */
  reopen(): void;
  /** The end is near: a sink that may wait for long gives itself a deadline. */
  hurry?(): void;
  close(): void;
}

/** Collects lines and writes them. */
export class LogWriter {
  readonly #sink: LogSink;
  readonly #warn: (message: string) => void;
  readonly #encoder = new TextEncoder();
  #pending: string[] = [];
  #size = 0;
  /** Of the batch that is being written. */
  #underWay = 0;
  /** Not reported yet. */
  #unreported = 0;
  #dropped = 0;
  #rotated = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;

  constructor(sink: LogSink, warn: (message: string) => void) {
    this.#sink = sink;
    this.#warn = warn;
  }

  /** Lines dropped ever. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a whole line, its line feed included. */
  write(line: string): void {
    const waiting = this.#size + this.#underWay;
    // However long, a line is taken when nothing waits: it is not the sink that is slow.
    if (waiting > 0 && waiting + line.length > PENDING_MAX) {
      this.#unreported++;
      this.#dropped++;
      return;
    }
    this.#queue(line);
  }

  /** Follows a rotation, between two batches; a sink that cannot goes on as it was. */
  reopen(): void {
    this.#rotated = true;
    if (!this.#writing) this.#follow();
  }

  /** Writes what is pending, then closes the sink. */
  async close(): Promise<void> {
    this.#start();
    this.#sink.hurry?.();
    while (this.#writing) await this.#writing;
    clearTimeout(this.#timer);
    this.#sink.close();
  }

  #queue(line: string): void {
    this.#pending.push(line);
    this.#size += line.length;
    if (this.#size >= BATCH_BYTES) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), BATCH_MS);
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#drain();
  }

  async #drain(): Promise<void> {
    await Promise.resolve(); // #writing is set before it is cleared
    while (this.#pending.length > 0) {
      const lines = this.#pending;
      this.#pending = [];
      this.#underWay = this.#size;
      this.#size = 0;
      try {
        await this.#sink.write(this.#encoder.encode(lines.join("")));
      } catch (error) {
        this.#dropped += lines.length;
        this.#warn(
          `cannot write the access log: ${
            thrownText(error)
          }; ${lines.length} lines are dropped`,
        );
      }
      this.#underWay = 0;
      this.#reportDropped();
      this.#follow();
    }
    this.#writing = undefined;
  }

  #follow(): void {
    if (!this.#rotated) return;
    this.#rotated = false;
    try {
      this.#sink.reopen();
    } catch (error) {
      this.#warn(`${thrownText(error)}; the log goes on where it was`);
    }
  }

  /** The report is never dropped itself: it would be when it is needed most. */
  #reportDropped(): void {
    if (this.#unreported === 0) return;
    const dropped = this.#unreported;
    this.#unreported = 0;
    const time = new Timestamps().format(Date.now());
    this.#warn(`the access log's sink is slow: ${dropped} lines dropped`);
    this.#queue(droppedLine(time, dropped));
  }
}

/** What stands in the log for lines that were dropped. */
export function droppedLine(time: string, dropped: number): string {
  return `{"time":"${time}","type":"accesslog","verdict":"error","reason":"lines-dropped","fields":{"dropped":${dropped}}}\n`;
}
