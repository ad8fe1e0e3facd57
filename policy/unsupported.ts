/**
 * What Cilium enforces and Parley does not: never ignored, always named.
 *
 * @module
 */
import type { Cursor } from "./cursor.ts";

/** The construct's key, and what to do instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  fromGroups: "list the addresses of these groups with fromCIDRSet",
  toGroups: "list the addresses of these groups with toCIDRSet",
  authentication: "delete it, or set its mode to disabled",
  cidrGroupRef: "write the group's prefixes in cidr",
  cidrGroupSelector: "write the prefixes of these groups in cidr",
  terminatingTLS: "place the sidecar behind what terminates TLS",
  originatingTLS: "place the sidecar before what starts TLS",
  listener: "leave the port to a policy of the network plugin's Envoy",
  serverNames: "select the peers by address or label",
};

/** Reports those of the known constructs that are written in a mapping. */
export function reportUnsupported(mapping: Cursor): void {
  for (const key of Object.keys(INSTEAD)) {
    const construct = mapping.get(key);
    if (!construct.present || isDisabled(key, construct)) continue;
    construct.errorAtKey(
      "unsupported",
      `${key} is known to Cilium, but Parley does not enforce it yet`,
      INSTEAD[key]!,
    );
  }
}

function isDisabled(key: string, construct: Cursor): boolean {
  return key === "authentication" &&
    construct.get("mode").text() === "disabled";
}
