/**
 * Whether a policy loads, in the words of `parley check`.
 *
 * @module
 */
import {
  createPolicyStore,
  type L7Catalog,
  type Problem,
} from "../../policy/mod.ts";

/** All that `parley check` says of a file that holds this object alone. */
export function judge(
  object: unknown,
  catalog: L7Catalog,
): readonly Problem[] {
  const text = JSON.stringify(object);
  return createPolicyStore(catalog).update([{ file: "", text }]).problems;
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
