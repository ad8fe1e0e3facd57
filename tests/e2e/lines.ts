/**
 * What a child process says, line by line, as it comes.
 *
 * @module
 */
import { within } from "./wait.ts";
import { decode } from "./wire.ts";

/** The lines of a stream; texts have one character a byte. */
export class Lines {
  readonly #lines: string[] = [];
  #grown = Promise.withResolvers<void>();
  #ended = false;
  /** Resolves when the stream is over. */
  readonly done: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.done = this.#collect(stream);
  }

  /** The lines so far, from the given one on. */
  all(from = 0): readonly string[] {
    return this.#lines.slice(from);
  }

  get length(): number {
    return this.#lines.length;
  }

  /** The first line from `from` on that passes the test, which may be still to come. */
  async until(
    test: (line: string) => boolean,
    what: string,
    from = 0,
  ): Promise<string> {
    let at = from;
    for (;;) {
      for (; at < this.#lines.length; at++) {
        const line = this.#lines[at]!;
        if (test(line)) return line;
      }
      if (this.#ended) {
        throw new Error(
          `no ${what} in\n${this.all(from).slice(-20).join("\n")}`,
        );
      }
      await within(
        this.#grown.promise,
        () => `${what} in\n${this.all(from).slice(-20).join("\n")}\n`,
      );
    }
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const chunk of stream) {
      const parts = (rest + decode(chunk)).split("\n");
      rest = parts.pop()!;
      this.#lines.push(...parts);
      this.#grown.resolve();
      this.#grown = Promise.withResolvers();
    }
    if (rest !== "") this.#lines.push(rest);
    this.#ended = true;
    this.#grown.resolve();
  }
}
