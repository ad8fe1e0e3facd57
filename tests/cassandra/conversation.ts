/**
 * Asks statements in all the ways that the protocol has: as texts, prepared and
 * executed, at once and behind other statements, and in batches of texts and ids;
 * in version 5 also with a keyspace of their own.
 *
 * @module
 */
import {
  batch,
  execute,
  frame,
  type Part,
  prepare,
  query,
  type QueryOptions,
} from "../../parsers/cassandra/testkit.ts";
import type { Random } from "../random.ts";
import { errorOf, Native, type Reply } from "./native.ts";
import { type Prepared, readPrepared, valuesFor } from "./prepared.ts";
import type { Generated } from "./statements.ts";

const OPTIONS = 0x05;
const UNAUTHORIZED = 0x2100;
/** What the parser's denials begin with; the server has words of its own. */
const DENIAL = "access denied by policy";
const MODIFICATIONS = ["INSERT", "UPDATE", "DELETE"];

/** What became of a request: the server took it, did not, or never saw it. */
export type Outcome = "accepted" | "refused" | "denied";

/** A request, and what became of it. */
export interface Step {
  readonly opcode: "query" | "prepare" | "execute" | "batch";
  /** The text of each statement in it. */
  readonly texts: readonly string[];
  /** The keyspace that the request names for its unqualified names. */
  readonly keyspace: string | undefined;
  readonly frame: Uint8Array;
  readonly outcome: Outcome;
}

/** All that was asked on one connection. */
export interface Conversation {
  readonly version: number;
  /** The client's end. */
  readonly address: string;
  /** Behind each of them, and before the first, the client has sent OPTIONS. */
  readonly steps: readonly Step[];
}

/**
 * Asks for each of the statements, one after the other.
 *
 * @param keyspaces that requests may name for their unqualified names
 */
export async function converse(
  port: number,
  version: number,
  statements: readonly Generated[],
  keyspaces: readonly string[],
  random: Random,
): Promise<Conversation> {
  using native = await Native.connect(port, version);
  const asking = new Asking(native, keyspaces, random);
  await asking.mark();
  for (const statement of statements) await asking.ask(statement);
  return { version, address: native.address, steps: asking.steps };
}

class Asking {
  readonly steps: Step[] = [];
  readonly #native: Native;
  readonly #keyspaces: readonly string[];
  readonly #random: Random;
  /** A text that may stand in a batch. */
  #modification = "";
  /** What was prepared before, perhaps in another keyspace. */
  readonly #known: { prepared: Prepared; text: string }[] = [];

  constructor(native: Native, keyspaces: readonly string[], random: Random) {
    this.#native = native;
    this.#keyspaces = keyspaces;
    this.#random = random;
  }

  /** Sends what has no statement, so that one can tell in the log which lines belong together. */
  async mark(): Promise<void> {
    await this.#native.ask(frame(OPTIONS, "", this.#native.options));
  }

  async ask(statement: Generated): Promise<void> {
    const { text, prepared } = statement;
    if (this.#known.length > 0 && this.#random.below(8) === 0) {
      const known = this.#random.pick(this.#known);
      await this.#execute(known.prepared, known.text);
    }
    if (prepared || this.#random.below(4) === 0) {
      return await this.#prepared(statement);
    }
    if (MODIFICATIONS.includes(statement.verb)) {
      const before = this.#modification || text;
      this.#modification = text;
      if (this.#random.below(4) === 0) {
        return await this.#batch([{ text: before }, { text }], [before, text]);
      }
    }
    const options = this.#options();
    const asked = query(text, options);
    await this.#step("query", [text], asked, options.keyspace);
  }

  async #prepared({ text, verb }: Generated): Promise<void> {
    const options = this.#options();
    const asked = prepare(text, options);
    const reply = await this.#step("prepare", [text], asked, options.keyspace);
    if (errorOf(reply)) return;
    const prepared = readPrepared(reply.body, this.#native.version);
    this.#known.push({ prepared, text });
    await (MODIFICATIONS.includes(verb) && this.#random.below(2) === 0
      ? this.#batchOf(prepared, text)
      : this.#execute(prepared, text));
  }

  async #execute(prepared: Prepared, text: string): Promise<void> {
    const asked = execute(prepared.id, {
      ...this.#native.options,
      values: valuesFor(prepared),
    });
    await this.#step("execute", [text], asked);
  }

  async #batchOf(prepared: Prepared, text: string): Promise<void> {
    const parts: Part[] = [{ id: prepared.id, values: valuesFor(prepared) }];
    const texts = [text];
    if (this.#modification !== "") {
      parts.push({ text: this.#modification });
      texts.push(this.#modification);
    }
    await this.#batch(parts, texts);
  }

  async #batch(
    parts: readonly Part[],
    texts: readonly string[],
  ): Promise<void> {
    const options = this.#options();
    const asked = batch(parts, options);
    await this.#step("batch", texts, asked, options.keyspace);
  }

  async #step(
    opcode: Step["opcode"],
    texts: readonly string[],
    frame: Uint8Array,
    keyspace?: string,
  ): Promise<Reply> {
    const reply = await this.#native.ask(frame).catch((cause) => {
      const asked = `${opcode} of ${JSON.stringify(texts)}`;
      throw new Error(`no answer to ${asked}`, { cause });
    });
    const outcome = outcomeOf(reply);
    this.steps.push({ opcode, texts, keyspace, frame, outcome });
    await this.mark();
    return reply;
  }

  #options(): QueryOptions {
    const { options } = this.#native;
    return this.#native.version >= 5 && this.#random.below(4) === 0
      ? { ...options, keyspace: this.#random.pick(this.#keyspaces) }
      : options;
  }
}

function outcomeOf(reply: Reply): Outcome {
  const error = errorOf(reply);
  if (!error) return "accepted";
  const isDenial = error.code === UNAUTHORIZED &&
    error.message.startsWith(DENIAL);
  return isDenial ? "denied" : "refused";
}
