/** Mistakes in what Cilium knows beside peers and ports. */
import {
  CLUSTERWIDE,
  fqdn,
  ingress,
  ITEM,
  NAMES,
  object,
  ports,
  type Row,
  RULES,
  SERVICE,
  service,
} from "./row.ts";

export const CONSTRUCTS: readonly Row[] = [
  // Constructs that Cilium knows
  ...["fromGroups", "authentication"].map(
    (key): Row => {
      return {
        code: "unsupported",
        name: key,
        text: ingress(`{‸${key}: [{}]}`),
        path: `spec.ingress[0].${key}`,
      };
    },
  ),
  {
    code: "unsupported",
    name: "toGroups",
    text: ingress("{‸toGroups: []}", "egress"),
    path: "spec.egress[0].toGroups",
  },
  {
    code: "peer.nodes-disabled",
    name: "toNodes",
    text: ingress("{‸toNodes: [{}]}", "egress"),
    path: "spec.egress[0].toNodes",
  },
  ...["terminatingTLS", "originatingTLS", "listener", "serverNames"].map(
    (key): Row => {
      return {
        code: "unsupported",
        name: key,
        text: ports(`{ports: [{port: "1"}], ‸${key}: {}}`),
        path: `${ITEM}.${key}`,
      };
    },
  ),
  ...["cidrGroupRef", "cidrGroupSelector"].map((key): Row => {
    return {
      code: "unsupported",
      name: key,
      text: ingress(`{fromCIDRSet: [{‸${key}: x}]}`),
      path: `spec.ingress[0].fromCIDRSet[0].${key}`,
    };
  }),

  // Nodes
  {
    code: "partly.nodes",
    name: "a rule for nodes",
    severity: "warning",
    text: object("  ‸nodeSelector: {}\n  ingress: [{}]", CLUSTERWIDE),
    path: "spec.nodeSelector",
  },
  {
    code: "host.l7",
    name: "L7 rules for nodes",
    text: object(
      `  nodeSelector: {}\n  ingress: [{toPorts: [{ports: [{port: "1", protocol: TCP}], ‸rules: {l7proto: r2d2, l7: [{}]}}]}]`,
      CLUSTERWIDE,
    ),
    path: RULES,
  },

  // Requirements
  {
    code: "peer.requires",
    name: "fromRequires",
    severity: "warning",
    text: ingress("{‸fromRequires: [{matchLabels: {env: prod}}]}"),
    path: "spec.ingress[0].fromRequires",
  },
  {
    code: "peer.requires",
    name: "toRequires",
    severity: "warning",
    text: ingress("{‸toRequires: [{}]}", "egress"),
    path: "spec.egress[0].toRequires",
  },
  {
    code: "peer.requires-others",
    name: "a requirement beside peers that have no labels",
    severity: "warning",
    text: ingress("‸{fromRequires: [{}]}, {fromEntities: [all]}").replace(
      "[‸{",
      "‸[{",
    ),
    path: "spec.ingress",
  },

  // Names of DNS
  {
    code: "fqdn.both",
    name: "a name and a pattern in one item",
    text: fqdn('{matchName: a.io, ‸matchPattern: "*"}'),
    path: `${NAMES}.matchPattern`,
  },
  {
    code: "fqdn.none",
    name: "an item without a name",
    text: fqdn("‸{}"),
    path: NAMES,
  },
  {
    code: "fqdn.name",
    name: "a name with a character that none has",
    text: fqdn("{matchName: ‸a!.io}"),
    path: `${NAMES}.matchName`,
  },
  {
    code: "fqdn.name",
    name: "an empty name",
    text: fqdn('{matchName: ‸""}'),
    path: `${NAMES}.matchName`,
  },
  {
    code: "fqdn.name",
    name: "a pattern where a name stands",
    text: fqdn('{matchName: ‸"*.io"}'),
    path: `${NAMES}.matchName`,
  },
  {
    code: "fqdn.pattern",
    name: "a pattern with an empty label",
    text: fqdn('{matchPattern: ‸"*..io"}'),
    path: `${NAMES}.matchPattern`,
  },
  {
    code: "fqdn.length",
    name: "a name that is too long",
    text: fqdn(`{matchName: ‸${Array(65).fill("abc").join(".")}}`),
    path: `${NAMES}.matchName`,
  },
  {
    code: "fqdn.length",
    name: "a pattern that is too long",
    text: fqdn(`{matchPattern: ‸${Array(65).fill("abc").join(".")}}`),
    path: `${NAMES}.matchPattern`,
  },
  {
    code: "fqdn.deny",
    name: "names that are denied",
    text: ingress("{‸toFQDNs: [{matchName: a.io}]}", "egressDeny"),
    path: "spec.egressDeny[0].toFQDNs",
  },
  {
    code: "fqdn.unfed",
    name: "names that nobody may ask for",
    severity: "warning",
    text: ingress("{toFQDNs: ‸[{matchName: a.io}]}", "egress"),
    path: "spec.egress[0].toFQDNs",
  },

  // Services
  {
    code: "peer.service",
    name: "an item without a service",
    text: service("‸{}"),
    path: SERVICE,
  },
  {
    code: "peer.service",
    name: "a service without a name",
    text: service("{k8sService: ‸{namespace: a}}"),
    path: `${SERVICE}.k8sService.serviceName`,
  },
  {
    code: "peer.service",
    name: "a name that no service has",
    text: service("{k8sService: {serviceName: ‸A_B}}"),
    path: `${SERVICE}.k8sService.serviceName`,
  },
  {
    code: "peer.service",
    name: "a selector of services that is not there",
    text: service("{k8sServiceSelector: ‸{namespace: a}}"),
    path: `${SERVICE}.k8sServiceSelector`,
  },
  {
    code: "peer.service",
    name: "a service of two namespaces",
    text: service(
      "{k8sService: {serviceName: a, namespace: x}, k8sServiceSelector: {selector: {}, namespace: ‸y}}",
    ),
    path: `${SERVICE}.k8sServiceSelector.namespace`,
  },

  // ICMP
  {
    code: "partly.icmp",
    name: "ICMP",
    severity: "note",
    text: ingress("{icmps: ‸[{fields: [{type: EchoRequest, family: IPv4}]}]}"),
    path: "spec.ingress[0].icmps",
  },
  {
    code: "icmp.with-ports",
    name: "ICMP beside ports",
    text: ingress(
      '{‸icmps: [{fields: [{type: 8}]}], toPorts: [{ports: [{port: "1"}]}]}',
    ),
    path: "spec.ingress[0].icmps",
  },
  {
    code: "icmp.count",
    name: "41 fields of ICMP",
    text: ingress(
      `{icmps: [{fields: ‸[${Array(41).fill("{type: 8}").join()}]}]}`,
    ),
    path: "spec.ingress[0].icmps[0].fields",
  },
  {
    code: "icmp.family",
    name: "a family that ICMP has not",
    text: ingress("{icmps: [{fields: [{type: 8, family: ‸ipv4}]}]}"),
    path: "spec.ingress[0].icmps[0].fields[0].family",
  },
];
