/**
 * The kinds of policy, and where the API server has them.
 *
 * @module
 */
import { z } from "zod";
import type { PolicyKind, PolicyName } from "./cluster/facts.ts";

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}

const CILIUM = { group: "cilium.io", version: "v2" };
const PARLEY = { group: "parley.dev", version: "v1alpha1" };

const POLICY_KINDS: Readonly<Record<PolicyKind, Kind>> = {
  ParleyPolicy: { ...PARLEY, plural: "parleypolicies" },
  ParleyClusterPolicy: { ...PARLEY, plural: "parleyclusterpolicies" },
  CiliumNetworkPolicy: { ...CILIUM, plural: "ciliumnetworkpolicies" },
  CiliumClusterwideNetworkPolicy: {
    ...CILIUM,
    plural: "ciliumclusterwidenetworkpolicies",
  },
};

export const KIND_NAMES = Object.keys(POLICY_KINDS) as PolicyKind[];

export const DEFINITIONS_PATH =
  "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** The name of a kind's definition. */
export function definitionName(kind: PolicyKind): string {
  const { plural, group } = POLICY_KINDS[kind];
  return `${plural}.${group}`;
}

export function apiVersionOf(kind: PolicyKind): string {
  const { group, version } = POLICY_KINDS[kind];
  return `${group}/${version}`;
}

/** All objects of a kind. */
export function collectionPath(kind: PolicyKind): string {
  const { plural } = POLICY_KINDS[kind];
  return `/apis/${apiVersionOf(kind)}/${plural}`;
}

/** One object. */
export function policyPath({ kind, namespace, name }: PolicyName): string {
  const { plural } = POLICY_KINDS[kind];
  const place = namespace === undefined ? "" : `namespaces/${namespace}/`;
  return `/apis/${apiVersionOf(kind)}/${place}${plural}/${name}`;
}

/**
 * What can be done with a kind: `absent`, its objects are not served; `pruned`,
 * they are, without the part that L7 rules need, which would make plain allows
 * of them; `usable`.
 */
export type Usability = "absent" | "pruned" | "usable";

type Schema = { readonly [key: string]: unknown };

const definition = z.looseObject({
  spec: z.looseObject({
    versions: z.array(z.looseObject({
      name: z.string(),
      served: z.boolean(),
      schema: z.looseObject({
        openAPIV3Schema: z.record(z.string(), z.unknown()).optional(),
      }).optional(),
    })),
  }),
  status: z.looseObject({
    conditions: z.array(
      z.looseObject({ type: z.string(), status: z.string() }),
    ).nullish(),
  }).optional(),
});

/** By a kind's CustomResourceDefinition. */
export function usabilityOf(kind: PolicyKind, object: object): Usability {
  const { spec, status } = definition.parse(object);
  const isEstablished = status?.conditions?.some(({ type, status }) =>
    type === "Established" && status === "True"
  );
  const version = spec.versions.find(({ name, served }) =>
    name === POLICY_KINDS[kind].version && served
  );
  if (!version || !isEstablished) return "absent";
  return keeps(version.schema?.openAPIV3Schema, L7_PATH) ? "usable" : "pruned";
}

/** Where a policy names a parser; `[]` are the items of a list. */
const L7_PATH = [
  ...["spec", "ingress", "[]", "toPorts", "[]", "rules", "l7proto"],
];

/** Whether a value at a path of an object is kept by its schema. */
function keeps(schema: unknown, path: readonly string[]): boolean {
  if (typeof schema !== "object" || schema === null) return false;
  const [key, ...rest] = path;
  if (key === undefined) return true;
  const { properties, items, ...others } = schema as Schema;
  const next = key === "[]" ? items : (properties as Schema | undefined)?.[key];
  if (next !== undefined) return keeps(next, rest);
  return others["x-kubernetes-preserve-unknown-fields"] === true;
}
