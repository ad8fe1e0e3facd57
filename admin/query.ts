/**
 * Query parameters that nobody knows.
 *
 * @module
 */
import { nearMiss, oneOf, quote } from "../policy/problem.ts";
import { RequestError } from "./problem.ts";

/** Refuses parameters that are not known here, and those that come twice. @throws {RequestError} */
export function refuseParameters(
  query: URLSearchParams,
  known: readonly string[],
): void {
  const seen = new Set<string>();
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      const mend = nearMiss(name, known) ??
        (known.length === 0 ? "send none" : `use ${oneOf(known)}`);
      throw new RequestError(
        400,
        `the query parameter ${quote(name)} is not known here; ${mend}`,
      );
    }
    if (seen.has(name)) {
      throw new RequestError(
        400,
        `the query parameter ${quote(name)} comes twice; send it once`,
      );
    }
    seen.add(name);
  }
}
