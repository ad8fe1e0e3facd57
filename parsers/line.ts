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
 * are no rule keys: a rule covers every line or there is none, and then every
 * line is discarded.
 *
 * @module
 */
import {
  type Connection,
  type Decision,
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
const WORDS: ReadonlySet<string> = new Set([
  "PASS",
  "DROP",
  "INJECT",
  "INSERT",
]);
const DROPPED: Decision = {
  allowed: false,
  verdict: "denied",
  reason: "dropped",
};

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
    const word = text.split(" ", 1)[0]!;
    if (!WORDS.has(word)) return error("frame-type");
    const decision = word === "DROP"
      ? DROPPED
      : this.#connection.matches({ line: text });
    const asked = this.#connection.log(decision, { line: printable(text) });
    this.#connection.answered(asked); // lines have no replies
    if (!decision.allowed) return drop(found.bytes);
    if (word === "PASS") return pass(found.bytes);
    this.#connection.inject(
      word === "INJECT" ? !reply : reply,
      data.slice(0, found.bytes),
    );
    return drop(found.bytes);
  }
}

export default defineParser<Request, Record<string, never>>({
  description: "test protocol: each line's first word is its verdict",
  rule: z.strictObject({}),
  matches: () => true,
  create: (connection) => new LineParser(connection),
});
