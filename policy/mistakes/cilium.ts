/** Mistakes in DNS rules and in annotations, and what Cilium would find in what Parley refuses. */
import {
  CLUSTERWIDE,
  ingress,
  ITEM,
  l7,
  object,
  ports,
  type Row,
  RULES,
} from "./row.ts";

export const CILIUM: readonly Row[] = [
  // DNS rules
  {
    code: "l7.direction",
    name: "dns rules for what comes in",
    text: l7("{‸dns: [{matchName: a.io}]}"),
    path: `${RULES}.dns`,
  },
  {
    code: "dns.no-ports",
    name: "dns rules without ports",
    text: ingress(
      "{toPorts: [‸{rules: {dns: [{matchName: a.io}]}}]}",
      "egress",
    ),
    path: "spec.egress[0].toPorts[0]",
  },
  {
    code: "dns.range",
    name: "dns rules for a range of ports",
    text: ingress(
      '{toPorts: [{ports: [{port: "53", ‸endPort: 54, protocol: UDP}], rules: {dns: [{matchName: a.io}]}}]}',
      "egress",
    ),
    path: "spec.egress[0].toPorts[0].ports[0].endPort",
  },
  {
    code: "fqdn.pattern",
    name: "a dns rule with a pattern that is none",
    text: ingress(
      '{toPorts: [{ports: [{port: "53"}], rules: {dns: [{matchPattern: ‸"a b"}]}}]}',
      "egress",
    ),
    path: "spec.egress[0].toPorts[0].rules.dns[0].matchPattern",
  },

  // What Cilium would find in what Parley refuses
  {
    code: "sni.l7",
    name: "server names beside L7 rules",
    text: ports(
      '{ports: [{port: "1", protocol: TCP}], ‸serverNames: [a.io], rules: {l7proto: r2d2, l7: [{}]}}',
    ),
    path: `${ITEM}.serverNames`,
  },
  {
    code: "sni.empty",
    name: "an empty server name",
    text: ports('{ports: [{port: "1", protocol: TCP}], serverNames: [‸""]}'),
    path: `${ITEM}.serverNames[0]`,
  },
  {
    code: "listener.ingress",
    name: "a listener for what comes in",
    text: ports('{ports: [{port: "1", protocol: TCP}], ‸listener: {name: a}}'),
    path: `${ITEM}.listener`,
  },
  {
    code: "listener.l7",
    name: "a listener beside L7 rules",
    text: ingress(
      '{toPorts: [{ports: [{port: "1", protocol: TCP}], ‸listener: {name: a}, rules: {l7proto: r2d2, l7: [{}]}}]}',
      "egress",
    ),
    path: "spec.egress[0].toPorts[0].listener",
  },
  {
    code: "listener.kind",
    name: "a clusterwide policy that names a listener of a namespace",
    text: object(
      '  endpointSelector: {}\n  egress: [{toPorts: [{ports: [{port: "1"}], listener: {name: a, envoyConfig: {kind: ‸CiliumEnvoyConfig}}}]}]',
      CLUSTERWIDE,
    ),
    path: "spec.egress[0].toPorts[0].listener.envoyConfig.kind",
  },
  {
    code: "tls.missing",
    name: "TLS to terminate without a certificate",
    text: ports(
      '{ports: [{port: "1", protocol: TCP}], ‸terminatingTLS: {certificate: a}}',
    ),
    path: `${ITEM}.terminatingTLS`,
  },
  {
    code: "tls.missing",
    name: "TLS to start without an authority",
    text: ports(
      '{ports: [{port: "1", protocol: TCP}], ‸originatingTLS: {certificate: a}}',
    ),
    path: `${ITEM}.originatingTLS`,
  },

  // Audit mode
  {
    code: "doc.mode",
    name: "a mode that a policy has not",
    text: object("  endpointSelector: {}\n  ingress: [{}]").replace(
      "{name: x}",
      "{name: x, annotations: {parley.dev/mode: ‸Audit}}",
    ),
    path: 'metadata.annotations["parley.dev/mode"]',
  },
];
