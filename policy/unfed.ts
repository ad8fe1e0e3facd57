/**
 * Names that no DNS answer can make known: `toFQDNs` selects addresses seen in
 * answers, and only what `dns` rules allow is answered through Parley.
 *
 * @module
 */
import { describeName, fitsName, type NameTest } from "./dns_name.ts";
import type { PolicyDocument } from "./document.ts";
import { readTests } from "./l7.ts";
import { quote } from "./problem.ts";
import type { Entry } from "./rule.ts";
import type { ReadingOptions } from "./scope.ts";

/** Warns of `toFQDNs` that no `dns` rule of any document covers. */
export function warnOfUnfed(
  documents: readonly PolicyDocument[],
  { looksUp = false }: ReadingOptions,
): void {
  const asked = documents.flatMap(entriesOf).flatMap(({ l7 }) => {
    return l7?.proto === "dns" ? l7.rules.flatMap(readTests) : [];
  });
  for (const document of documents) {
    const seen = new Set<string>();
    for (const { peers, path } of entriesOf(document)) {
      if (peers === "any") continue;
      const entry = path.slice(0, path.indexOf("egress") + 2);
      const unfed = peers.names.filter((name) => {
        return !(looksUp && name.kind === "name") && !isAsked(name, asked);
      });
      if (unfed.length === 0 || seen.has(entry.join())) continue;
      seen.add(entry.join()); // an entry of several toPorts items is several
      const names = unfed.map((name) => quote(describeName(name))).join(", ");
      document.root.reporter.add("warning", [...entry, "toFQDNs"], "value", {
        code: "fqdn.unfed",
        message:
          `no dns rule covers ${names}, so no answer is seen that says where it leads`,
        mend: "add a dns rule for it to an egress entry for port 53",
      });
    }
  }
}

function entriesOf({ rules }: PolicyDocument): Entry[] {
  return rules.flatMap(({ egress }) => [...egress.entries]);
}

/** A pattern is asked for where a name that fits it is. */
function isAsked(wanted: NameTest, asked: readonly NameTest[]): boolean {
  const name = wanted.kind === "name"
    ? wanted.name
    : wanted.pattern.replaceAll(/\*+/g, "x");
  return asked.some((test) => fitsName(test, name));
}
