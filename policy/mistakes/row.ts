/**
 * What the rows of mistakes are made of: objects, rules and entries around the
 * part that is wrong.
 *
 * @module
 */
/** A text with one mistake, which ‸ marks. */
export interface Row {
  readonly code: string;
  readonly name: string;
  readonly text: string;
  readonly path: string;
  readonly severity?: "warning" | "note";
}

/** An object around the lines of a rule. */
export function object(spec: string, kind = "CiliumNetworkPolicy"): string {
  return `apiVersion: cilium.io/v2\nkind: ${kind}\nmetadata: {name: x}\nspec:\n${spec}`;
}

/** A rule around one entry, in flow style. */
export function ingress(entry: string, list = "ingress"): string {
  return object(`  endpointSelector: {}\n  ${list}: [${entry}]`);
}

/** An entry around one toPorts item. */
export function ports(item: string): string {
  return ingress(`{toPorts: [${item}]}`);
}

/** A toPorts item around L7 rules. */
export function l7(rules: string): string {
  return ports(`{ports: [{port: "80", protocol: TCP}], rules: ${rules}}`);
}

/** An egress entry around one item of `toFQDNs`. */
export function fqdn(item: string): string {
  return ingress(`{toFQDNs: [${item}]}`, "egress");
}

/** An egress entry around one item of `toServices`. */
export function service(item: string): string {
  return ingress(`{toServices: [${item}]}`, "egress");
}

export const CLUSTERWIDE = "CiliumClusterwideNetworkPolicy";
export const NAMES = "spec.egress[0].toFQDNs[0]";
export const SERVICE = "spec.egress[0].toServices[0]";
export const ITEM = "spec.ingress[0].toPorts[0]";
export const RULES = `${ITEM}.rules`;
export const FROM = "spec.ingress[0].fromEndpoints[0]";
export const FORTY_ONE = Array(41).fill('{port: "1"}').join();
