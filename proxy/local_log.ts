/**
 * The access log of a sidecar that is one process: it is written, followed and
 * remembered in the same place.
 *
 * @module
 */
import {
  type FollowerGroup,
  Followers,
  type LogFollower,
} from "./accesslog/followers.ts";
import { lineText, type TakeLine } from "./accesslog/format.ts";
import { type KeptLine, LastLines } from "./accesslog/last_lines.ts";
import { type LineFilter, LineSelection } from "./accesslog/line_filter.ts";
import type { LogWriter } from "./accesslog/writer.ts";

/** Where lines go. */
export class LocalLog {
  readonly #writer: LogWriter;
  readonly #selections = new Map<FollowerGroup, LineSelection>();
  readonly #followers = new Followers(
    (group) => this.#selections.set(group, new LineSelection(group.filter)),
    (group) => this.#selections.delete(group),
  );
  readonly #last = new LastLines();

  constructor(writer: LogWriter) {
    this.#writer = writer;
  }

  readonly take: TakeLine = (...line) => {
    const text = lineText(...line);
    this.#writer.write(text);
    this.#last.take(...line);
    for (const [group, selection] of this.#selections) {
      if (selection.wants(line[1])) group.take([text.trimEnd()]);
    }
  };

  follow(filter: LineFilter): LogFollower {
    return this.#followers.add(filter);
  }

  get last(): KeptLine[] {
    return this.#last.lines();
  }

  /** Nobody can follow any more. */
  close(): void {
    this.#followers.close();
  }
}
