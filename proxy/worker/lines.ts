/**
 * Where a worker's lines go: to the access log, to those who follow it, and the
 * last ones are kept.
 *
 * @module
 */
import type { DescriptorLog } from "../accesslog/descriptor_log.ts";
import type { TakeLine } from "../accesslog/format.ts";
import { type KeptLine, LastLines } from "../accesslog/last_lines.ts";
import { type LineFilter, LineSelection } from "../accesslog/line_filter.ts";

/** Bytes that may wait for a group of those who follow. */
export const COPIED_MAX = 256 * 1024;

/** Lines for one group. */
interface Copy {
  readonly selection: LineSelection;
  /** It loses lines rather than wait. */
  readonly log: DescriptorLog;
}

/** All of them. */
export class Lines {
  readonly #log: DescriptorLog;
  readonly #openCopy: () => DescriptorLog;
  readonly #copies = new Map<number, Copy>();
  readonly #last = new LastLines();

  /** @param openCopy makes a log of at most `COPIED_MAX` bytes */
  constructor(log: DescriptorLog, openCopy: () => DescriptorLog) {
    this.#log = log;
    this.#openCopy = openCopy;
  }

  readonly take: TakeLine = (time, middle, fields, verdict) => {
    this.#log.write(time, middle, fields);
    this.#last.take(time, middle, fields, verdict);
    if (this.#copies.size > 0) this.#copy(time, middle, fields);
  };

  #copy(time: number, middle: Uint8Array, fields: string | Uint8Array): void {
    for (const { selection, log } of this.#copies.values()) {
      if (selection.wants(middle)) log.write(time, middle, fields);
    }
  }

  /** A group reads at the other end of this descriptor. */
  copy(group: number, filter: LineFilter, descriptor: number): void {
    const log = this.#openCopy();
    log.open(descriptor);
    this.#copies.set(group, { selection: new LineSelection(filter), log });
  }

  /** Nobody reads there any more. */
  endCopy(group: number): void {
    this.#copies.get(group)?.log.open(-1);
    this.#copies.delete(group);
  }

  get last(): KeptLine[] {
    return this.#last.lines();
  }

  /** Writes what is pending for those who follow. */
  flush(): void {
    for (const { log } of this.#copies.values()) log.flush();
  }
}
