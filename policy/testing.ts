/**
 * What the tests of this folder share: a catalog that knows just enough of
 * three protocols, and short ways to load a policy.
 *
 * @module
 */
import type { L7Catalog, RuleIssue } from "./model.ts";
import { createPolicyStore, endpointLabels } from "./mod.ts";
import type { Access, Direction, Peer, PolicyStore, Subject } from "./mod.ts";

const KEYS: Readonly<Record<string, readonly string[]>> = {
  cassandra: ["query_action", "query_table"],
  memcache: ["command", "keyExact", "keyPrefix", "keyRegex"],
  r2d2: ["cmd", "file"],
};

/** Judges keys, and of values only what the tests need. */
export const catalog: L7Catalog = {
  names: () => Object.keys(KEYS),
  has: (proto) => Object.hasOwn(KEYS, proto),
  check(proto, rule) {
    const errors: RuleIssue[] = [];
    const warnings: RuleIssue[] = [];
    for (const [key, value] of Object.entries(rule)) {
      if (!KEYS[proto]!.includes(key)) {
        errors.push({
          path: [key],
          code: `${proto}.key`,
          message: `${proto} has no key ${key}`,
          mend: `write one of ${KEYS[proto]!.join(", ")}`,
        });
      }
      if (proto !== "memcache" || key !== "command") continue;
      if (value === "") {
        warnings.push({
          path: [key],
          code: "memcache.command",
          message: "the empty command allows every request",
          mend: "write {} to say so",
        });
      } else if (!["get", "set"].includes(value)) {
        errors.push({
          path: [key],
          code: "memcache.command",
          message: `${value} is not a command`,
          mend: "write get or set",
        });
      }
    }
    return { errors, warnings };
  },
  checkList: () => ({ errors: [], warnings: [] }),
};

/** A workload of a namespace. */
export function subject(
  labels: Record<string, string>,
  namespace = "default",
): Subject {
  return { labels: endpointLabels(labels, namespace) };
}

/** A peer with a cluster identity. */
export function pod(
  labels: Record<string, string>,
  namespace = "default",
  address = "10.0.0.1",
): Peer {
  return { address, labels: endpointLabels(labels, namespace) };
}

/** A peer without one. */
export function world(address = "192.0.2.1"): Peer {
  return { address, labels: ["reserved:world"] };
}

/** A store that has loaded one file. */
export function load(
  text: string,
  file = "policy.yaml",
  subjects: readonly Subject[] = [],
  options: { readonly nodes: boolean } = { nodes: false },
): PolicyStore & ReturnType<PolicyStore["update"]> {
  const store = createPolicyStore(catalog, subjects, options);
  return Object.assign(store, store.update([{ file, text }]));
}

/** `denied`, `denied by RULE`, `all`, `all by RULE`, or the L7 rules that allow. */
export function summary(access: Access): string {
  if (access.verdict === "denied") {
    return access.rule === undefined ? "denied" : `denied by ${access.rule}`;
  }
  if (access.unrestricted !== undefined) {
    const { rule } = access.unrestricted;
    return rule === undefined ? "all" : `all by ${rule}`;
  }
  return access.sets.map(({ rules }) => {
    return JSON.stringify(rules.map(({ raw }) => raw));
  }).join(" or ");
}

/** The summary for a connection to the workload that the tests guard. */
export function judge(
  store: PolicyStore,
  peer: Peer,
  port: number,
  to: Subject,
  direction: Direction = "ingress",
): string {
  return summary(store.current.resolve({ subject: to, direction, port, peer }));
}
