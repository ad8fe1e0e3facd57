/**
 * The CustomResourceDefinitions of Parley's own policies, made of the schema
 * that the loader reads them with.
 *
 * @module
 */
import { ruleSchema } from "../../policy/schema.ts";
import { statusSchema } from "./status.ts";
import { type Structural, structural } from "./structural.ts";

export const GROUP = "parley.dev";
export const VERSION = "v1alpha1";

/** What tells the two kinds apart. */
interface Names {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly scope: "Namespaced" | "Cluster";
  readonly description: string;
}

const NAMES: readonly Names[] = [
  {
    kind: "ParleyPolicy",
    plural: "parleypolicies",
    shortName: "ppol",
    scope: "Namespaced",
    description:
      "who may connect to workloads of its namespace, where they may connect to, and with which requests; the rules are those of a CiliumNetworkPolicy",
  },
  {
    kind: "ParleyClusterPolicy",
    plural: "parleyclusterpolicies",
    shortName: "pcpol",
    scope: "Cluster",
    description:
      "who may connect to workloads of any namespace, where they may connect to, and with which requests; the rules are those of a CiliumClusterwideNetworkPolicy",
  },
];

/** A rule in CEL that the API server holds, and what it says otherwise: the loader's words. */
interface Validation {
  readonly rule: string;
  readonly message: string;
}

const OF_POLICY: readonly Validation[] = [{
  rule: "has(self.spec) || (has(self.specs) && size(self.specs) > 0)",
  message: "the policy has neither spec nor specs: add spec with a rule",
}];

const OF_RULE: readonly Validation[] = [
  {
    rule: "has(self.endpointSelector) || has(self.nodeSelector)",
    message:
      "the rule selects no workloads: add endpointSelector; {} means all",
  },
  {
    rule: "!has(self.endpointSelector) || !has(self.nodeSelector)",
    message:
      "the rule has both endpointSelector and nodeSelector: delete nodeSelector",
  },
];

const OF_NAMESPACED_RULE: readonly Validation[] = [{
  rule: "!has(self.nodeSelector)",
  message:
    "a ParleyPolicy cannot select nodes: use a ParleyClusterPolicy, or endpointSelector",
}];

/** Both definitions. */
export function definitions(): object[] {
  return NAMES.map(definition);
}

function definition(names: Names): object {
  const { kind, plural, shortName, scope } = names;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [shortName],
        categories: ["parley"],
      },
      versions: [{
        name: VERSION,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: COLUMNS,
        schema: { openAPIV3Schema: schemaOf(names) },
      }],
    },
  };
}

const COLUMNS = [
  column("Accepted", "string", condition("Accepted", "status")),
  column("Pods", "integer", ".status.pods"),
  column("Must-Restart", "integer", ".status.mustRestart"),
  {
    ...column("Message", "string", condition("Accepted", "message")),
    priority: 1,
  },
  column("Age", "date", ".metadata.creationTimestamp"),
];

function column(name: string, type: string, jsonPath: string) {
  return { name, type, jsonPath };
}

function condition(type: string, field: string): string {
  return `.status.conditions[?(@.type=="${type}")].${field}`;
}

function schemaOf({ scope, description }: Names): Structural {
  const rule = {
    ...structural(ruleSchema),
    "x-kubernetes-validations": [
      ...OF_RULE,
      ...(scope === "Namespaced" ? OF_NAMESPACED_RULE : []),
    ],
  };
  return {
    type: "object",
    description,
    properties: {
      spec: { ...rule, nullable: true, description: "a rule" },
      specs: {
        type: "array",
        nullable: true,
        items: rule,
        description: "rules, instead of one or beside it",
      },
      status: structural(statusSchema),
    },
    "x-kubernetes-validations": OF_POLICY,
    "x-kubernetes-preserve-unknown-fields": true,
  };
}
