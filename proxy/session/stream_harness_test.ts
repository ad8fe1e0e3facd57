/** A stream whose parser is a script: a function, or a list of verdicts. */
import { bytes, latin1, nop, type Parser, type Verdict } from "parley/proxylib";
import { Stream } from "./stream.ts";

export type Script = (
  call: {
    readonly reply: boolean;
    readonly end: boolean;
    readonly text: string;
    readonly seen: number;
  },
  stream: Stream,
) => Verdict;

/** A stream under test with all that came of it, as text. */
export class Bench {
  readonly events: string[] = [];
  readonly calls: string[] = [];
  readonly stream: Stream;

  constructor(script: Script, frameBytes = 64) {
    const parser: Parser = {
      onData: (reply, end, data, seen) => {
        const text = latin1(data);
        this.calls.push(`${reply ? "<" : ">"}${text}${end ? "$" : ""}@${seen}`);
        return script({ reply, end, text, seen }, this.stream);
      },
    };
    this.stream = new Stream(parser, {
      write: (reply, data) => this.#note(reply, latin1(data)),
      end: (reply) => this.#note(reply, "$"),
      partial: (reply, count) => this.#note(reply, `partial ${count}`),
      fail: ({ reason }, repliesDue) =>
        this.events.push(`fail ${reason}${repliesDue ? ", replies due" : ""}`),
      repliesDone: () => this.events.push("replies done"),
    }, frameBytes);
  }

  #note(reply: boolean, text: string): void {
    this.events.push(`${reply ? "<" : ">"}${text}`);
  }

  /** ">text" is the client's, "<text" the server's; a "$" at its end ends the stream. */
  feed(...chunks: string[]): this {
    for (const chunk of chunks) {
      const end = chunk.endsWith("$");
      const data = bytes(chunk.slice(1, end ? -1 : undefined));
      this.stream.feed(chunk[0] === "<", data, end);
      data.fill(0xee); // a transport reuses its buffer
    }
    return this;
  }
}

/** Answers the given verdicts in turn, then NOP. */
export function inTurn(...verdicts: Verdict[]): Script {
  return () => verdicts.shift() ?? nop();
}
