/**
 * What is known while policies change: the new ones are not in force yet, or the
 * old ones are still.
 *
 * @module
 */
import type { Knowledge } from "../../policy/identity_source.ts";

/** What is known now, and what was known before of those of whom nothing is known now. */
export function widened(now: Knowledge, before: Knowledge): Knowledge {
  const cidrs = new Set(now.identities.map(({ cidr }) => cidr));
  const services = new Set(now.services.map(keyOf));
  return {
    ...now,
    identities: [
      ...now.identities,
      ...before.identities.filter(({ cidr }) => !cidrs.has(cidr)),
    ],
    services: [
      ...now.services,
      ...before.services.filter((service) => !services.has(keyOf(service))),
    ],
  };
}

function keyOf(
  { namespace, name }: { readonly namespace: string; readonly name: string },
): string {
  return `${namespace}/${name}`;
}
