/** Mistakes in what selects workloads and peers. */
import { FROM, ingress, object, type Row } from "./row.ts";

export const PEERS: readonly Row[] = [
  // Selectors
  {
    code: "sel.key",
    name: "a bad label key",
    text: ingress('{fromEndpoints: [{matchLabels: {‸"a b": c}}]}'),
    path: `${FROM}.matchLabels["a b"]`,
  },
  {
    code: "sel.value",
    name: "a bad label value",
    text: ingress("{fromEndpoints: [{matchLabels: {a: ‸-b}}]}"),
    path: `${FROM}.matchLabels.a`,
  },
  {
    code: "sel.op",
    name: "an unknown operator",
    text: ingress(
      "{fromEndpoints: [{matchExpressions: [{key: a, operator: ‸Equals, values: [b]}]}]}",
    ),
    path: `${FROM}.matchExpressions[0].operator`,
  },
  {
    code: "sel.op",
    name: "an operator in the wrong case",
    text: ingress(
      "{fromEndpoints: [{matchExpressions: [{key: a, operator: ‸in, values: [b]}]}]}",
    ),
    path: `${FROM}.matchExpressions[0].operator`,
  },
  {
    code: "sel.values",
    name: "In without values",
    text: ingress(
      "{fromEndpoints: [{matchExpressions: [‸{key: a, operator: In}]}]}",
    ),
    path: `${FROM}.matchExpressions[0].values`,
  },
  {
    code: "sel.values",
    name: "Exists with values",
    text: ingress(
      "{fromEndpoints: [{matchExpressions: [{key: a, operator: Exists, values: ‸[b]}]}]}",
    ),
    path: `${FROM}.matchExpressions[0].values`,
  },
  {
    code: "sel.dotted-source",
    name: "a source with a dot",
    severity: "warning",
    text: ingress("{fromEndpoints: [{matchLabels: {‸k8s.app: a}}]}"),
    path: `${FROM}.matchLabels["k8s.app"]`,
  },
  {
    code: "sel.source",
    name: "an unknown source",
    severity: "warning",
    text: ingress('{fromEndpoints: [{matchLabels: {‸"k8:app": a}}]}'),
    path: `${FROM}.matchLabels["k8:app"]`,
  },
  {
    code: "sel.namespace",
    name: "a subject in another namespace",
    severity: "warning",
    text: object(
      "  endpointSelector: {matchLabels: {io.kubernetes.pod.namespace: ‸other}}\n  ingress: [{}]",
    ),
    path: 'spec.endpointSelector.matchLabels["io.kubernetes.pod.namespace"]',
  },
  {
    code: "sel.namespace-labels",
    name: "peers by the labels of namespaces",
    severity: "warning",
    text: ingress(
      "{fromEndpoints: [‸{matchLabels: {io.cilium.k8s.namespace.labels.team: a}}]}",
    ),
    path: FROM,
  },

  // Peers
  {
    code: "peer.combined",
    name: "two peer fields",
    text: ingress("{fromCIDR: [10.0.0.1], ‸fromEntities: [all]}"),
    path: "spec.ingress[0].fromEntities",
  },
  {
    code: "peer.nobody",
    name: "an empty list of peers",
    severity: "warning",
    text: ingress("{fromCIDR: ‸[]}"),
    path: "spec.ingress[0].fromCIDR",
  },
  {
    code: "peer.entity",
    name: "an unknown entity",
    text: ingress("{fromEntities: [‸internet]}"),
    path: "spec.ingress[0].fromEntities[0]",
  },
  {
    code: "peer.entity",
    name: "an entity in the wrong case",
    text: ingress("{fromEntities: [‸World]}"),
    path: "spec.ingress[0].fromEntities[0]",
  },
  {
    code: "peer.entity-unknown",
    name: "an entity without addresses",
    severity: "warning",
    text: ingress("{fromEntities: [‸host]}"),
    path: "spec.ingress[0].fromEntities[0]",
  },
  {
    code: "peer.nodes-disabled",
    name: "nodes as peers",
    text: ingress("{‸fromNodes: [{}]}"),
    path: "spec.ingress[0].fromNodes",
  },
  {
    code: "cidr.empty",
    name: "an empty prefix",
    text: ingress('{fromCIDR: [‸""]}'),
    path: "spec.ingress[0].fromCIDR[0]",
  },
  {
    code: "cidr.parse",
    name: "a bad address",
    text: ingress("{fromCIDR: [‸10.0.0/8]}"),
    path: "spec.ingress[0].fromCIDR[0]",
  },
  {
    code: "cidr.host-bits",
    name: "a prefix with bits past its length",
    severity: "warning",
    text: ingress("{fromCIDR: [‸192.0.2.77/8]}"),
    path: "spec.ingress[0].fromCIDR[0]",
  },
  {
    code: "sel.strangers",
    name: "a selector that says only what must not be",
    severity: "warning",
    text: ingress(
      '{fromEndpoints: [‸{matchExpressions: [{key: "reserved:host", operator: DoesNotExist}]}]}',
    ),
    path: "spec.ingress[0].fromEndpoints[0]",
  },
  {
    code: "cidr.mask",
    name: "a dotted mask",
    text: ingress("{fromCIDR: [‸10.0.0.0/255.0.255.0]}"),
    path: "spec.ingress[0].fromCIDR[0]",
  },
  {
    code: "cidrset.parse",
    name: "a set of a bare address",
    text: ingress("{fromCIDRSet: [{cidr: ‸10.0.0.1}]}"),
    path: "spec.ingress[0].fromCIDRSet[0].cidr",
  },
  {
    code: "cidrset.choice",
    name: "a set of nothing",
    text: ingress("{fromCIDRSet: [‸{except: []}]}"),
    path: "spec.ingress[0].fromCIDRSet[0]",
  },
  {
    code: "cidrset.except",
    name: "a bare address as an exception",
    text: ingress("{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [‸10.0.0.1]}]}"),
    path: "spec.ingress[0].fromCIDRSet[0].except[0]",
  },
  {
    code: "cidrset.except",
    name: "an exception outside its set",
    text: ingress("{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [‸10.0.0.0/7]}]}"),
    path: "spec.ingress[0].fromCIDRSet[0].except[0]",
  },
];
