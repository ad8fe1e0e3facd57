/**
 * Names of ports that no guarded workload gives: an entry for one covers
 * nothing, and a deny entry denies nothing.
 *
 * @module
 */
import type { PolicyDocument } from "./document.ts";
import { parseLabels, selects } from "./labels.ts";
import type { Subject } from "./model.ts";
import { coversPort, isName, type PortTest } from "./port_range.ts";
import { quote } from "./problem.ts";
import type { Entry, Rule } from "./rule.ts";

/** Warns of ingress entries whose names of ports nobody knows; without workloads nobody could. */
export function warnOfUnnamed(
  documents: readonly PolicyDocument[],
  subjects: readonly Subject[],
): void {
  for (const document of documents) {
    for (const rule of document.rules) {
      const guarded = subjects.filter((subject) => isSelected(rule, subject));
      if (guarded.length === 0) continue;
      for (const entry of rule.ingress.entries) {
        warn(document, entry, guarded);
      }
    }
  }
}

function isSelected({ subject }: Rule, { labels }: Subject): boolean {
  return selects(subject, parseLabels(labels));
}

function warn(
  document: PolicyDocument,
  { ports, path, verdict }: Entry,
  guarded: readonly Subject[],
): void {
  const unknown = ports.flatMap((test) => {
    return isName(test) && !guarded.some((one) => gives(one, test))
      ? [quote(test.name)]
      : [];
  });
  if (unknown.length === 0) return;
  document.root.reporter.add("warning", [...path, "ports"], "value", {
    code: "port.unnamed",
    message: `no guarded workload calls a port ${
      unknown.join(" or ")
    }, so nothing is ${verdict === "allow" ? "allowed" : "denied"} by it`,
    mend:
      "name it under ports of the endpoint in parley.yaml, or write its number",
  });
}

/** Whether the workload has a port that the test covers. */
function gives({ ports = [] }: Subject, test: PortTest): boolean {
  return ports.some(({ port, protocol }) =>
    coversPort([test], { port, protocol, named: ports })
  );
}
