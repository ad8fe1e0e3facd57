/**
 * A request as `--l7 FIELD=VALUE` describes it, in its parser's own terms.
 *
 * @module
 */
import { type Fields, ParleyError } from "../../proxylib/mod.ts";
import { nearMiss, oneOf } from "../../policy/problem.ts";
import type { LoadedParser } from "../../proxy/registry/registry.ts";
import { UsageError } from "../exit.ts";

/** Values by field; a field may have been given several times. */
export type Given = Readonly<Record<string, readonly string[]>>;

/** A request, and what the access log would say of it. */
export interface DescribedRequest {
  readonly request: unknown;
  readonly fields: Fields;
}

/** Reads `FIELD=VALUE` texts. */
export function readFields(texts: readonly string[]): Given {
  const given: Record<string, string[]> = {};
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals < 1) {
      throw new UsageError(
        `--l7 ${
          JSON.stringify(text)
        } has no FIELD=VALUE; write such as --l7 command=get`,
      );
    }
    const name = text.slice(0, equals);
    // Not by assignment: `__proto__` is a name like any other here.
    const values = Object.hasOwn(given, name) ? given[name]! : [];
    Object.defineProperty(given, name, {
      value: [...values, text.slice(equals + 1)],
      enumerable: true,
      configurable: true,
    });
  }
  return given;
}

/** Makes the request that the fields describe. */
export function describedRequest(
  { name, definition }: LoadedParser,
  given: Given,
): DescribedRequest {
  const read = (fields: Given): DescribedRequest => {
    const request = definition.fromFields!(fields);
    return { request, fields: definition.fields?.(request) ?? fields };
  };
  if (!definition.fromFields) {
    throw new UsageError(
      `the parser ${name} cannot make a request of log fields (it has no fromFields); leave out --l7 to trace the connection`,
    );
  }
  const found = guarded(name, () => read(given));
  if (!definition.fields) return found;
  const empty = guarded(name, () => read({}));
  checkNames(name, given, { ...empty.fields, ...found.fields });
  checkCounts(name, given, found.fields);
  return found;
}

/** What a parser throws about the fields is an answer to them. */
function guarded<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      `the parser ${name} cannot read these fields: ${message}; write them as the access log shows them`,
    );
  }
}

function checkNames(parser: string, given: Given, fields: Fields): void {
  const known = Object.keys(fields);
  for (const field of Object.keys(given)) {
    if (known.includes(field)) continue;
    const mend = nearMiss(field, known) ??
      (known.length === 0 ? "leave it out" : `write ${oneOf(known)}`);
    throw new UsageError(
      `--l7: a request of ${parser} has no field ${
        JSON.stringify(field)
      }; ${mend}`,
    );
  }
}

function checkCounts(parser: string, given: Given, fields: Fields): void {
  for (const [field, values] of Object.entries(given)) {
    if (values.length < 2 || Array.isArray(fields[field])) continue;
    throw new UsageError(
      `--l7: the field ${field} of ${parser} has one value, and ${values.length} are given; keep one`,
    );
  }
}

/** A parser that fails on a request would close the connection; that is neither answer. */
export function orPanic<T>(name: string, ask: () => T): T {
  try {
    return ask();
  } catch (cause) {
    throw new ParleyError(`Cannot judge a request of ${name}`, {
      blame: "parser",
      where: `parser ${name}`,
      found: cause instanceof Error ? cause.message : String(cause),
      mend: "correct its matches; a connection would be closed here",
    }, { cause });
  }
}
