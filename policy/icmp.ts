/**
 * Reads `icmps`: it is checked as Cilium checks it, and enforced by nothing
 * here (policy semantics, sections 5 and 14).
 *
 * @module
 */
import type { Cursor } from "./cursor.ts";
import { nearMiss, oneOf, quote } from "./problem.ts";

const FIELD_LIMIT = 40; // of one item, as in Cilium
const FAMILIES = ["IPv4", "IPv6"];

/** Checks the `icmps` of an entry; whether it has any. */
export function readIcmps(entry: Cursor): boolean {
  const icmps = entry.get("icmps");
  if (!icmps.hasItems) return false;
  if (entry.get("toPorts").hasItems) {
    icmps.errorAtKey(
      "icmp.with-ports",
      "the entry has both icmps and toPorts",
      "give each an entry of its own",
    );
  }
  for (const item of icmps.items()) checkFields(item.get("fields"));
  icmps.note(
    "partly.icmp",
    "partly enforced: ICMP does not come through a sidecar",
    "leave it to the network plugin",
  );
  return true;
}

function checkFields(fields: Cursor): void {
  const items = fields.items();
  if (items.length > FIELD_LIMIT) {
    fields.error(
      "icmp.count",
      `${items.length} fields are listed, ${FIELD_LIMIT} at most are accepted`,
      "split the fields over several items of icmps",
    );
  }
  for (const field of items) {
    const family = field.get("family");
    const text = family.text();
    if (text === undefined || text === "" || FAMILIES.includes(text)) continue;
    family.error(
      "icmp.family",
      `${quote(text)} is not a family of ICMP`,
      nearMiss(text, FAMILIES) ?? `write ${oneOf(FAMILIES)}`,
    );
  }
}
