/**
 * One version of a parser takes over what another one remembers.
 *
 * @module
 */
import type { Parser, ParserDefinition } from "parley/proxylib";
import { call, callInWords } from "../parser_call.ts";
import type { LoadedParser } from "../registry/registry.ts";
import type { ParserConnection } from "./parser_connection.ts";
import { scrubError, textsIn } from "./scrub.ts";

/** Whether a parser can go on where another version was; its definition may have been made to throw. */
export function takesOver(definition: ParserDefinition): boolean {
  try {
    return call(() => typeof definition.restore === "function");
  } catch {
    return false;
  }
}

/** Has a version take over what another one remembers. @throws {Error} that quotes nothing of it */
export function restore(
  { definition }: LoadedParser,
  connection: ParserConnection,
  state: unknown,
  version: string,
): Parser {
  try {
    return callInWords(() => definition.restore!(connection, state, version));
  } catch (error) {
    throw scrubError(error, textsIn(state));
  }
}
