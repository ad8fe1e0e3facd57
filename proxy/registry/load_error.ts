/**
 * Why a parser cannot be loaded, in words for its author.
 *
 * @module
 */
import { ParleyError } from "../../proxylib/error.ts";
import type { ParserSource } from "./discover.ts";

/** A parser as its author knows it. */
export type Authored = Pick<ParserSource, "name" | "folder" | "entry">;

/** Why a parser cannot be loaded. */
export function loadError(
  { name }: Authored,
  where: string,
  found: string,
  options?: ErrorOptions,
): ParleyError {
  return new ParleyError(`Cannot load parser ${name}`, {
    blame: "parser",
    where,
    found,
    mend:
      "correct the file and save it; until then the last good version serves",
  }, options);
}
