/**
 * Whether a policy loads, in the words of `parley check`.
 *
 * @module
 */
import { readDocument } from "../../policy/document.ts";
import type { L7Catalog, Problem } from "../../policy/mod.ts";
import { DEFAULTS } from "../../policy/scope.ts";
import { warnOfUnfed } from "../../policy/unfed.ts";

/** An object of the API server stands on no line. */
const NOWHERE = { line: 1, column: 1 };

/**
 * All that `parley check` says of a file that holds this object alone, but for
 * the lines. The object is not written as YAML for that: of a megabyte that
 * takes seconds.
 */
export function judge(
  object: unknown,
  catalog: L7Catalog,
): readonly Problem[] {
  const read = readDocument(object, [], {
    catalog,
    subjects: [],
    options: DEFAULTS,
    yaml: {
      file: "",
      value: object,
      keyAt: () => NOWHERE,
      valueAt: () => NOWHERE,
      problems: [],
    },
    listName: "",
  });
  if ("key" in read) warnOfUnfed([read], DEFAULTS);
  return read.problems;
}

/** A catalog that knows further protocols, whose rules it cannot judge: pods bring their parsers. */
export function trusting(
  catalog: L7Catalog,
  protos: readonly string[],
): L7Catalog {
  const NONE = { errors: [], warnings: [] };
  const isTrusted = (proto: string) => protos.includes(proto);
  return {
    names: () => [...catalog.names(), ...protos],
    has: (proto) => isTrusted(proto) || catalog.has(proto),
    check: (proto, rule) =>
      isTrusted(proto) ? NONE : catalog.check(proto, rule),
    checkList: (proto, rules) =>
      isTrusted(proto) ? NONE : catalog.checkList(proto, rules),
  };
}
