/**
 * block: a test protocol of length-prefixed frames, which are decided from
 * their head.
 *
 * ```text
 * block  = length ":" word [SP data]
 * length = 1*5DIGIT      ; of the whole block in bytes, itself included
 * word   = "PASS" / "DROP" / "INJECT" / "INSERT"
 * ```
 *
 * The words mean what they mean in `line.ts`. A passed or dropped block is not
 * buffered: its data follow unseen. An injected one must be here whole. There
 * are no rule keys; blocks that no rule covers are dropped.
 *
 * @module
 */
import {
  type Connection,
  type Decision,
  defineParser,
  drop,
  error,
  fixed,
  FRAME_LENGTH,
  latin1,
  more,
  nop,
  type Parser,
  pass,
  type Verdict,
  z,
} from "parley/proxylib";

interface Request {
  readonly word: string;
  readonly length: number;
}

const MAX_PREFIX = 6;
const WORD = "INJECT ".length; // the longest word and the space behind it
const DROPPED: Decision = {
  allowed: false,
  verdict: "denied",
  reason: "dropped",
};

class BlockParser implements Parser {
  readonly #connection: Connection<Request>;

  constructor(connection: Connection<Request>) {
    this.#connection = connection;
  }

  onData(reply: boolean, _end: boolean, data: Uint8Array): Verdict {
    if (data.length === 0) return nop();
    const prefix = /^([0-9]{1,5})(:?)/.exec(
      latin1(data.subarray(0, MAX_PREFIX)),
    );
    if (!prefix?.[2]) {
      const cut = prefix?.[0].length === data.length;
      return cut ? more(1) : error("frame-type");
    }
    const length = Number(prefix[1]);
    const start = prefix[0].length;
    const head = Math.min(length, start + WORD);
    if (length <= start) return error(FRAME_LENGTH);
    if (data.length < head) return more(head - data.length);
    const word = latin1(data, start, head).split(" ", 1)[0]!;
    return this.#judge(reply, data, { word, length });
  }

  #judge(reply: boolean, data: Uint8Array, request: Request): Verdict {
    const { word, length } = request;
    const injects = word === "INJECT" || word === "INSERT";
    if (!injects && word !== "PASS" && word !== "DROP") {
      return error("frame-type");
    }
    // Before anything is logged: the block is shown again after MORE.
    if (injects && data.length < length) return fixed(data, length);

    const decision = word === "DROP"
      ? DROPPED
      : this.#connection.matches(request);
    const asked = this.#connection.log(decision, { word, length });
    this.#connection.answered(asked); // blocks have no replies
    if (!decision.allowed) return drop(length);
    if (!injects) return pass(length);
    this.#connection.inject(
      word === "INJECT" ? !reply : reply,
      data.slice(0, length),
    );
    return drop(length);
  }
}

export default defineParser<Request, Record<string, never>>({
  description: "test protocol: length-prefixed blocks with their verdict",
  rule: z.strictObject({}),
  matches: () => true,
  create: (connection) => new BlockParser(connection),
});
