/**
 * line: a test protocol. The first word of each line says what is to become of
 * it, so a test writes the engine's part in plain text.
 *
 * ```text
 * PASS …     goes on
 * DROP …     is discarded
 * INJECT …   is sent back to where it came from
 * INSERT …   goes on too, but as bytes of the parser's own
 * ```
 *
 * Lines end with LF, in both directions, and any other word is an error. There
 * are no rule keys: a rule covers every line or there is none, and a line that
 * none covers is discarded whatever its word.
 *
 * @module
 */
import {
  type Connection,
  defineParser,
  drop,
  error,
  latin1,
  line,
  nop,
  type Parser,
  pass,
  printable,
  type Verdict,
  z,
} from "parley/proxylib";

interface Request {
  readonly line: string;
}

const MAX_LINE = 4096;

class LineParser implements Parser {
  readonly #connection: Connection<Request>;

  constructor(connection: Connection<Request>) {
    this.#connection = connection;
  }

  onData(
    reply: boolean,
    _end: boolean,
    data: Uint8Array,
    seen: number,
  ): Verdict {
    if (data.length === 0) return nop();
    const found = line(data, seen, MAX_LINE);
    if (found.op !== "pass") return found;

    const text = latin1(data, 0, found.bytes - 1);
    const decision = this.#connection.matches({ line: text });
    this.#connection.log(decision, { line: printable(text) });
    return decision.allowed
      ? this.#act(reply, text, data.slice(0, found.bytes))
      : drop(found.bytes);
  }

  #act(reply: boolean, text: string, whole: Uint8Array): Verdict {
    switch (text.split(" ", 1)[0]) {
      case "PASS":
        return pass(whole.length);
      case "DROP":
        return drop(whole.length);
      case "INJECT":
        this.#connection.inject(!reply, whole);
        return drop(whole.length);
      case "INSERT":
        this.#connection.inject(reply, whole);
        return drop(whole.length);
      default:
        return error("frame-type");
    }
  }
}

export default defineParser<Request, Record<string, never>>({
  description: "test protocol: each line's first word is its verdict",
  rule: z.strictObject({}),
  matches: () => true,
  create: (connection) => new LineParser(connection),
});
