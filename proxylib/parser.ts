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
  /**
   * The parser's state as plain data, for the version that replaces it
   * (`ParserDefinition.restore`); bytes that it has answered MORE for are shown
   * again, and are no part of it. The test kit compares it around MORE.
   */
  snapshot?(): unknown;
}

/** What is wrong, or doubtful, in an L7 rule or a list of them. */
export interface RuleIssue {
  /** Keys inside the rule, or list; empty for the whole. */
  readonly path: readonly (string | number)[];
  readonly code: string;
  readonly message: string;
  readonly mend: string;
}

/** Log fields as they are typed: any number of texts each. */
export type FieldTexts = Readonly<Record<string, readonly string[]>>;

/** Which requests a rule may cover, told by two texts of a request. */
export interface Filing {
  /** Those of one of these groups; of any, without. */
  readonly groups?: readonly string[];
  /** Those whose text is this. */
  readonly exact?: string;
  /** Those whose text begins so. */
  readonly prefix?: string;
}

/**
 * How the rules of a protocol are found where there are thousands. What is
 * found is asked as ever; a request without a text is taken to every rule of its
 * group.
 */
export interface RuleIndex<Request, Rule> {
  /** The requests that a rule may cover; `{}` for any. */
  file(rule: Rule): Filing;
  /** Such as a command. */
  group(request: Request): string;
  /** Such as a key: of several, the first. */
  text(request: Request): string | undefined;
  /** A text that only requests share which every rule treats alike: what was found out at some cost is kept by it. */
  alike(request: Request): string;
}

/** A protocol: its rules, and how a connection is read. */
// deno-lint-ignore no-explicit-any -- definitions of all protocols stand in one registry
export interface ParserDefinition<Request = any, Rule = any> {
  /** One line for `parsers list`. */
  readonly description: string;
  /** Checks and compiles one `l7` map of a policy rule. `{}` never reaches it: it allows every request. */
  readonly rule: z.ZodType<Rule, unknown>;
  /** What is legal in a rule but probably not meant. */
  lint?(rule: Readonly<Record<string, string>>): readonly RuleIssue[];
  /**
   * What is legal in a whole `l7` list but probably not meant, such as a rule
   * that clients need and that is not there. Paths begin in the list; empty for
   * the list as a whole. Asked where every rule is good and none is `{}`, which
   * allows every request; other lists may allow the same peers more.
   */
  lintRules?(rules: readonly Rule[]): readonly RuleIssue[];
  /** Whether a rule covers a request. Pure. */
  matches(rule: Rule, request: Request): boolean;
  /** Without it every rule is asked. */
  readonly index?: RuleIndex<Request, Rule>;
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
  /**
   * Goes on where another version of this parser was, with what its
   * `snapshot()` said. Throws if it cannot: the connection then stays with the
   * version it has. `connection` tells who is there and does nothing yet.
   */
  restore?(
    connection: Connection<Request>,
    state: unknown,
    fromVersion: string,
  ): Parser;
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
