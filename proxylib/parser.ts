/**
 * A parser definition: what a file in `parsers/` exports as its default.
 *
 * @module
 */
import type { z } from "zod";
import type { Connection, Fields } from "./connection.ts";
import type { Verdict } from "./verdict.ts";

/** The state of one connection. Both directions share it; calls never overlap. */
export interface Parser {
  /**
   * Decides about the undecided bytes of one direction.
   *
   * Called with the bytes from a frame boundary, and again after each PASS and
   * DROP even with none left, until it answers MORE, NOP or an error.
   *
   * @param reply false: client to server; true: server to client
   * @param end no further bytes will come in this direction
   * @param data valid during the call only
   * @param seen how many of `data`'s first bytes were shown before, when this
   *   parser answered MORE: a search may start there
   */
  onData(
    reply: boolean,
    end: boolean,
    data: Uint8Array,
    seen: number,
  ): Verdict;
  /** The parser's state as plain data; the test kit compares it around MORE. */
  snapshot?(): unknown;
}

/** What is wrong, or doubtful, in one L7 rule. */
export interface RuleIssue {
  /** Keys inside the rule; empty for the rule as a whole. */
  readonly path: readonly (string | number)[];
  readonly code: string;
  readonly message: string;
  readonly mend: string;
}

/** Log fields as they are typed: any number of texts each. */
export type FieldTexts = Readonly<Record<string, readonly string[]>>;

/** A protocol: its rules, and how a connection is read. */
// deno-lint-ignore no-explicit-any -- definitions of all protocols stand in one registry
export interface ParserDefinition<Request = any, Rule = any> {
  /** One line for `parsers list`. */
  readonly description: string;
  /** Checks and compiles one `l7` map of a policy rule. `{}` never reaches it: it allows every request. */
  readonly rule: z.ZodType<Rule, unknown>;
  /** What is legal in a rule but probably not meant. */
  lint?(rule: Readonly<Record<string, string>>): readonly RuleIssue[];
  /** Whether a rule covers a request. Pure. */
  matches(rule: Rule, request: Request): boolean;
  /** What the access log says of a request. `trace` learns from it which fields there are. */
  fields?(request: Request): Fields;
  /**
   * A request as its log fields describe it, for `trace`: the inverse of
   * `fields`, as far as rules look. A field that is not given counts as empty.
   */
  fromFields?(fields: FieldTexts): Request;
  /**
   * A request that does several things, as requests that each do one: it is
   * allowed if all of them are, by whichever rules.
   */
  parts?(request: Request): readonly Request[] | undefined;
  /** Called once per connection. */
  create(connection: Connection<Request>): Parser;
}

/**
 * Types a parser that answers verdicts itself, for protocols with a mind of
 * their own. For request and reply protocols `defineProtocol` does the policy,
 * the log and the order of denials.
 */
export function defineParser<Request, Rule>(
  definition: ParserDefinition<Request, Rule>,
): ParserDefinition<Request, Rule> {
  return definition;
}
