/**
 * The fields of a request, as `--l7 FIELD=VALUE` gives them.
 *
 * @module
 */
import { UsageError } from "../exit.ts";

/** Values by field; a field may have been given several times. */
export type Given = Readonly<Record<string, readonly string[]>>;

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
