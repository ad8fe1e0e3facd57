/**
 * Conditions on entity tags (RFC 9110 sections 8.8.3 and 13.1).
 *
 * @module
 */
import { quote } from "../../policy/problem.ts";
import type { Precondition } from "../../proxy/administered.ts";
import { RequestError } from "../problem.ts";

/** A tag may hold commas: a list is not to be split at them. */
const TAG = '(?:W/)?"[!#-~]*"';
const LIST = new RegExp(`^(\\*|${TAG}( *, *${TAG})*)$`);

/** Whether what the client has is what is there: by weak comparison, as `If-None-Match` wants it. */
export function isAtHand({ headers }: Request, etag: string): boolean {
  const field = headers.get("if-none-match");
  return field !== null && names(field, etag, "weak");
}

/** What a change depends on. @throws {RequestError} for fields that are none: no condition is met by them */
export function preconditionOf({ headers }: Request): Precondition {
  const match = headers.get("if-match");
  const noneMatch = headers.get("if-none-match");
  for (const field of [match, noneMatch]) {
    if (field === null || LIST.test(field)) continue;
    throw new RequestError(
      412,
      `${
        quote(field)
      } is no list of entity tags; send * or the ETag of GET, in its quotes`,
    );
  }
  return (etag) =>
    (match === null || (etag !== undefined && names(match, etag, "strong"))) &&
    (noneMatch === null || etag === undefined ||
      !names(noneMatch, etag, "weak"));
}

/** Whether a list names a tag, which is a strong one. By weak comparison `W/"a"` is `"a"`, by strong comparison it is nothing. */
function names(
  field: string,
  etag: string,
  comparison: "weak" | "strong",
): boolean {
  if (field.trim() === "*") return true;
  const listed = field.match(new RegExp(TAG, "g")) ?? [];
  return listed.some((tag) =>
    (comparison === "weak" ? tag.replace(/^W\//, "") : tag) === etag
  );
}
