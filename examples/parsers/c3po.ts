/**
 * c3po: a parser for a protocol that nobody wrote one for yet. Its requests are
 * lines; those that contain "C-3PO" are dropped, all others are put to the
 * policy.
 *
 * To use it, copy this file into a folder that `parsers.folders` names, under
 * the name of your own protocol, and write that name as `l7proto`. The running
 * proxy picks it up; nothing is registered or restarted.
 *
 * ```yaml
 * l7proto: c3po
 * l7:
 * - contains: "R2-D2"   # only requests that speak of R2-D2
 * ```
 *
 * @module
 */
import {
  bytes,
  type Connection,
  type Decision,
  defineParser,
  drop,
  type Fields,
  fromPrintable,
  latin1,
  line,
  nop,
  type Parser,
  pass,
  printable,
  type Verdict,
  z,
} from "parley/proxylib";

/** What rules are asked about: give it whatever your rules should see. */
interface Request {
  readonly line: string;
}

/** Longest request in bytes. Without a limit a client could fill the memory. */
const MAX_LINE = 4096;

const UNWANTED: Decision = {
  allowed: false,
  verdict: "denied",
  reason: "c-3po",
};

/** What the log says. `printable`: no odd byte may cost a line of it. */
function fieldsOf({ line }: Request): Fields {
  return { line: printable(line.trimEnd()) };
}

/** One per connection. Fields of your own may keep what it must remember. */
class C3poParser implements Parser {
  readonly #connection: Connection<Request>;

  constructor(connection: Connection<Request>) {
    this.#connection = connection;
  }

  /** `data` starts where the last decision ended. Each call decides one frame. */
  onData(
    reply: boolean,
    _end: boolean,
    data: Uint8Array,
    seen: number,
  ): Verdict {
    if (data.length === 0) return nop(); // all is decided
    if (reply) return pass(data.length); // replies are not looked at

    // A whole line, or "call me again when there is more".
    const found = line(data, seen, MAX_LINE);
    if (found.op !== "pass") return found;

    const text = latin1(data, 0, found.bytes);
    const decision = text.includes("C-3PO")
      ? UNWANTED
      : this.#connection.matches({ line: text });
    const asked = this.#connection.log(decision, fieldsOf({ line: text }));
    this.#connection.answered(asked); // which reply is whose is not known here
    return decision.allowed ? pass(found.bytes) : drop(found.bytes);
    // To answer as well as drop: this.#connection.inject(true, bytes("NO\n")).
  }

  /** What it remembers, for the version that is saved next: nothing, so any can go on. */
  snapshot(): unknown {
    return {};
  }
}

export default defineParser({
  description: "example: lines, less those that mention C-3PO",
  // The keys a rule may have. Anything else is refused when the policy loads.
  rule: z.strictObject({
    // The line is a text of bytes, one character each, so the rule's is too.
    contains: z.string().min(1).transform((text) => latin1(bytes(text))),
  }),
  matches: (rule, request: Request) => request.line.includes(rule.contains),
  // For `parley trace`: what the log says of a request, and the request again.
  fields: fieldsOf,
  fromFields: ({ line = [] }) => ({ line: fromPrintable(line[0] ?? "") }),
  create: (connection) => new C3poParser(connection),
  restore: (connection) => new C3poParser(connection),
});
