/**
 * A request as its log fields describe it, in its parser's own terms.
 *
 * @module
 */
import type { Fields, FieldTexts } from "../../proxylib/mod.ts";
import { nearMiss, oneOf } from "../../policy/problem.ts";
import type { LoadedParser } from "../registry/registry.ts";
import { thrownText } from "../thrown.ts";

/** A request, and what the access log would say of it; or why the fields make none, and what to do. */
export type DescribedRequest =
  | { readonly request: unknown; readonly fields: Fields }
  | { readonly wrong: string };

/** Makes the request that the fields describe. Never throws: what a parser throws about the fields is an answer to them. */
export function describedRequest(
  { name, definition }: LoadedParser,
  given: FieldTexts,
): DescribedRequest {
  if (!definition.fromFields) {
    return {
      wrong:
        `the parser ${name} cannot make a request of log fields (it has no fromFields); leave the fields out to trace the connection`,
    };
  }
  const read = (given: FieldTexts) => {
    const request = definition.fromFields!(given);
    return { request, fields: definition.fields?.(request) ?? given };
  };
  try {
    const found = read(given);
    if (!definition.fields) return found;
    const known = Object.keys({ ...read({}).fields, ...found.fields });
    const wrong = wrongName(name, given, known) ??
      wrongCount(name, given, found.fields);
    return wrong === undefined ? found : { wrong };
  } catch (error) {
    return {
      wrong: `the parser ${name} cannot read these fields: ${
        thrownText(error)
      }; write them as the access log shows them`,
    };
  }
}

function wrongName(
  parser: string,
  given: FieldTexts,
  known: readonly string[],
): string | undefined {
  const field = Object.keys(given).find((field) => !known.includes(field));
  if (field === undefined) return undefined;
  const mend = nearMiss(field, known) ??
    (known.length === 0 ? "leave it out" : `write ${oneOf(known)}`);
  return `a request of ${parser} has no field ${
    JSON.stringify(field)
  }; ${mend}`;
}

function wrongCount(
  parser: string,
  given: FieldTexts,
  fields: Fields,
): string | undefined {
  for (const [field, values] of Object.entries(given)) {
    if (values.length < 2 || Array.isArray(fields[field])) continue;
    return `the field ${field} of ${parser} has one value, and ${values.length} are given; keep one`;
  }
  return undefined;
}
