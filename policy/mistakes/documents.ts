/** Mistakes of files, documents, and rules as a whole. */
import {
  FROM,
  ingress,
  ITEM,
  l7,
  object,
  ports,
  type Row,
  RULES,
} from "./row.ts";

export const DOCUMENTS: readonly Row[] = [
  // Files and YAML
  {
    code: "yaml.syntax",
    name: "broken YAML",
    text: "spec: {a: 1\n‸",
    path: "",
  },
  {
    code: "yaml.key-twice",
    name: "a key set twice",
    text: object("  endpointSelector: {}\n  ingress: [{}]\n  ‸ingress: []"),
    path: "spec.ingress",
  },
  {
    code: "doc.none",
    name: "an empty file",
    severity: "warning",
    text: "‸# nothing",
    path: "",
  },

  // Documents
  {
    code: "doc.kind",
    name: "another kind of object",
    text: "kind: ‸Pod",
    path: "kind",
  },
  {
    code: "doc.kind",
    name: "Kubernetes' own policy",
    text: "kind: ‸NetworkPolicy",
    path: "kind",
  },
  {
    code: "doc.kind",
    name: "a rule outside a list",
    text: "‸endpointSelector: {}\ningress: [{}]",
    path: "",
  },
  { code: "doc.kind", name: "no policy at all", text: "‸just: text", path: "" },
  {
    code: "doc.kind",
    name: "a kind in the wrong case",
    text: "kind: ‸ciliumnetworkpolicy",
    path: "kind",
  },
  {
    code: "schema.value",
    name: "Parley's own kind with Cilium's API version",
    text: object("  endpointSelector: {}\n  ingress: [{}]", "ParleyPolicy")
      .replace("cilium.io/v2", "‸cilium.io/v2"),
    path: "apiVersion",
  },
  {
    code: "schema.value",
    name: "another API version",
    text: object("  endpointSelector: {}\n  ingress: [{}]").replace(
      "cilium.io/v2",
      "‸cilium.io/v3",
    ),
    path: "apiVersion",
  },
  {
    code: "schema.missing",
    name: "no API version",
    text: `‸${
      object("  endpointSelector: {}\n  ingress: [{}]").replace(
        "apiVersion: cilium.io/v2\n",
        "",
      )
    }`,
    path: "apiVersion",
  },
  {
    code: "doc.name",
    name: "no name",
    text: object("  endpointSelector: {}\n  ingress: [{}]").replace(
      "{name: x}",
      "‸{}",
    ),
    path: "metadata.name",
  },
  {
    code: "doc.name",
    name: "a name that cannot be",
    text: object("  endpointSelector: {}\n  ingress: [{}]").replace(
      "{name: x}",
      "{name: ‸X_Y}",
    ),
    path: "metadata.name",
  },
  {
    code: "doc.namespace",
    name: "a namespace that cannot be",
    text: object("  endpointSelector: {}\n  ingress: [{}]").replace(
      "name: x",
      "name: x, namespace: ‸a.b",
    ),
    path: "metadata.namespace",
  },
  {
    code: "doc.namespace",
    name: "a namespace of a clusterwide policy",
    severity: "warning",
    text: object(
      "  endpointSelector: {}\n  ingress: [{}]",
      "CiliumClusterwideNetworkPolicy",
    ).replace("name: x", "name: x, ‸namespace: a"),
    path: "metadata.namespace",
  },
  {
    code: "doc.description",
    name: "a description outside the rule",
    severity: "warning",
    text: object("  endpointSelector: {}\n  ingress: [{}]\n‸description: d"),
    path: "description",
  },
  {
    code: "doc.empty",
    name: "neither spec nor specs",
    text:
      "‸apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: x}\nspecs: []",
    path: "",
  },
  {
    code: "doc.twice",
    name: "a second document of one name",
    text: `${ingress("{}")}\n---\n${
      ingress("{}").replace("name: x", "name: ‸x")
    }`,
    path: "metadata.name",
  },

  // Rules
  {
    code: "doc.node-in-cnp",
    name: "nodes in a namespaced policy",
    text: object("  ‸nodeSelector: {}\n  ingress: [{}]"),
    path: "spec.nodeSelector",
  },
  {
    code: "rule.two-subjects",
    name: "two subjects",
    text: object(
      "  ‸endpointSelector: {}\n  nodeSelector: {}\n  ingress: [{}]",
      "CiliumClusterwideNetworkPolicy",
    ),
    path: "spec",
  },
  {
    code: "rule.no-subject",
    name: "no subject",
    text: object("  ‸ingress: [{}]"),
    path: "spec",
  },
  {
    code: "rule.no-direction",
    name: "a rule without entries",
    severity: "warning",
    text: object("  ‸endpointSelector: {}\n  ingress: []"),
    path: "spec",
  },
  {
    code: "entry.empty",
    name: "an entry of nulls",
    severity: "warning",
    text: ingress("‸{fromEndpoints: null}"),
    path: "spec.ingress[0]",
  },
  {
    code: "entry.empty",
    name: "a deny entry of nulls",
    severity: "warning",
    text: ingress("‸{fromEndpoints: null}", "ingressDeny"),
    path: "spec.ingressDeny[0]",
  },

  // Shape
  {
    code: "schema.unknown-key",
    name: "an unknown key",
    text: ingress("{‸sources: []}"),
    path: "spec.ingress[0].sources",
  },
  {
    code: "schema.unknown-key",
    name: "a misspelt key",
    text: ingress("{‸fromEndpoint: []}"),
    path: "spec.ingress[0].fromEndpoint",
  },
  {
    code: "schema.unknown-key",
    name: "a key in the wrong case",
    text: l7("{‸HTTP: []}"),
    path: `${RULES}.HTTP`,
  },
  {
    code: "schema.type",
    name: "a number for text",
    text: ports("{ports: [{port: ‸80}]}"),
    path: `${ITEM}.ports[0].port`,
  },
  {
    code: "schema.type",
    name: "nothing for text",
    text: l7("{l7proto: memcache, l7: [{command: ‸null}]}"),
    path: `${RULES}.l7[0].command`,
  },
  {
    code: "schema.type",
    name: "a mapping for a list",
    text: ingress("{fromEndpoints: ‸{}}"),
    path: "spec.ingress[0].fromEndpoints",
  },
  {
    code: "schema.type",
    name: "nothing for a mapping",
    text: ingress("‸null"),
    path: "spec.ingress[0]",
  },
  {
    code: "schema.type",
    name: "text for a boolean",
    text: object(
      '  endpointSelector: {}\n  ingress: [{}]\n  enableDefaultDeny: {ingress: ‸"no"}',
    ),
    path: "spec.enableDefaultDeny.ingress",
  },
  {
    code: "schema.missing",
    name: "no operator",
    text: ingress("{fromEndpoints: [{matchExpressions: [‸{key: a}]}]}"),
    path: `${FROM}.matchExpressions[0].operator`,
  },
];
