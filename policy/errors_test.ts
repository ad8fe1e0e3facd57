/**
 * A row per mistake: its code, and the place it is reported at, which ‸ marks
 * in the text.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { load } from "./testing.ts";

interface Row {
  readonly code: string;
  readonly name: string;
  readonly text: string;
  readonly path: string;
  readonly severity?: "warning" | "note";
}

/** An object around the lines of a rule. */
function object(spec: string, kind = "CiliumNetworkPolicy"): string {
  return `apiVersion: cilium.io/v2\nkind: ${kind}\nmetadata: {name: x}\nspec:\n${spec}`;
}

/** A rule around one entry, in flow style. */
function ingress(entry: string, list = "ingress"): string {
  return object(`  endpointSelector: {}\n  ${list}: [${entry}]`);
}

/** An entry around one toPorts item. */
function ports(item: string): string {
  return ingress(`{toPorts: [${item}]}`);
}

/** A toPorts item around L7 rules. */
function l7(rules: string): string {
  return ports(`{ports: [{port: "80", protocol: TCP}], rules: ${rules}}`);
}

/** An egress entry around one item of `toFQDNs`. */
function fqdn(item: string): string {
  return ingress(`{toFQDNs: [${item}]}`, "egress");
}

/** An egress entry around one item of `toServices`. */
function service(item: string): string {
  return ingress(`{toServices: [${item}]}`, "egress");
}

const CLUSTERWIDE = "CiliumClusterwideNetworkPolicy";
const NAMES = "spec.egress[0].toFQDNs[0]";
const SERVICE = "spec.egress[0].toServices[0]";
const ITEM = "spec.ingress[0].toPorts[0]";
const RULES = `${ITEM}.rules`;
const FROM = "spec.ingress[0].fromEndpoints[0]";
const FORTY_ONE = Array(41).fill('{port: "1"}').join();

const ROWS: readonly Row[] = [
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

  // Ports
  {
    code: "port.none",
    name: "no ports",
    severity: "warning",
    text: ports("‸{}"),
    path: ITEM,
  },
  {
    code: "port.missing",
    name: "no port",
    text: ports("{ports: [‸{protocol: TCP}]}"),
    path: `${ITEM}.ports[0].port`,
  },
  {
    code: "port.parse",
    name: "a port past 65535",
    text: ports('{ports: [{port: ‸"65536"}]}'),
    path: `${ITEM}.ports[0].port`,
  },
  {
    code: "port.name-range",
    name: "a named port that ends a range",
    severity: "warning",
    text: ports("{ports: [{port: web, ‸endPort: 90, protocol: TCP}]}"),
    path: `${ITEM}.ports[0].endPort`,
  },
  {
    code: "port.parse",
    name: "a name that no port can have",
    text: ports("{ports: [{port: ‸web--1, protocol: TCP}]}"),
    path: `${ITEM}.ports[0].port`,
  },
  {
    code: "partly.protocol",
    name: "a port of UDP",
    severity: "note",
    text: ports('{ports: ‸[{port: "1", protocol: UDP}]}'),
    path: `${ITEM}.ports`,
  },
  {
    code: "partly.ports",
    name: "an entry for every port",
    severity: "note",
    text: ingress("‸{fromEntities: [all]}"),
    path: "spec.ingress[0]",
  },
  {
    code: "port.count",
    name: "41 ports",
    text: ports(`{ports: ‸[${FORTY_ONE}]}`),
    path: `${ITEM}.ports`,
  },
  {
    code: "port.proto",
    name: "an unknown protocol",
    text: ports('{ports: [{port: "1", protocol: ‸ICMP}]}'),
    path: `${ITEM}.ports[0].protocol`,
  },
  {
    code: "port.proto",
    name: "a protocol in the wrong case",
    text: ports('{ports: [{port: "1", protocol: ‸tcp}]}'),
    path: `${ITEM}.ports[0].protocol`,
  },
  {
    code: "port.range",
    name: "a range that ends before it begins",
    text: ports('{ports: [{port: "80", endPort: ‸79}]}'),
    path: `${ITEM}.ports[0].endPort`,
  },

  // L7
  {
    code: "l7.two-types",
    name: "two types",
    text: l7("‸{l7proto: r2d2, http: [{}]}"),
    path: RULES,
  },
  {
    code: "l7.no-proto",
    name: "l7 alone",
    text: l7("{‸l7: [{}]}"),
    path: `${RULES}.l7`,
  },
  {
    code: "l7.no-proto",
    name: "an empty l7proto",
    text: l7('{l7proto: ‸"", l7: [{}]}'),
    path: `${RULES}.l7proto`,
  },
  {
    code: "l7.no-list",
    name: "l7proto alone",
    severity: "warning",
    text: l7("{l7proto: ‸r2d2}"),
    path: `${RULES}.l7proto`,
  },
  {
    code: "l7.empty-list",
    name: "an empty list of http",
    severity: "warning",
    text: l7("{http: ‸[]}"),
    path: `${RULES}.http`,
  },
  {
    code: "l7.empty-key",
    name: "an empty key",
    text: l7('{l7proto: r2d2, l7: [{‸"": x}]}'),
    path: `${RULES}.l7[0][""]`,
  },
  {
    code: "l7.not-tcp",
    name: "L7 without a protocol",
    text: ports('{ports: [‸{port: "80"}], rules: {l7proto: r2d2, l7: []}}'),
    path: `${ITEM}.ports[0].protocol`,
  },
  {
    code: "l7.not-tcp",
    name: "L7 on UDP",
    text: ports(
      '{ports: [{port: "80", protocol: ‸UDP}], rules: {l7proto: r2d2, l7: []}}',
    ),
    path: `${ITEM}.ports[0].protocol`,
  },
  {
    code: "l7.port-zero",
    name: "L7 on every port",
    text: ports(
      '{ports: [{port: ‸"0", protocol: TCP}], rules: {l7proto: r2d2, l7: []}}',
    ),
    path: `${ITEM}.ports[0].port`,
  },
  {
    code: "l7.unknown-proto",
    name: "an unknown parser",
    text: l7("{l7proto: ‸redis, l7: []}"),
    path: `${RULES}.l7proto`,
  },
  {
    code: "l7.unknown-proto",
    name: "a misspelt parser",
    text: l7("{l7proto: ‸memcached, l7: []}"),
    path: `${RULES}.l7proto`,
  },
  {
    code: "l7.unknown-proto",
    name: "rules of http",
    text: l7("{‸http: [{}]}"),
    path: `${RULES}.http`,
  },
  {
    code: "l7.deny",
    name: "L7 rules in a deny entry",
    text: ingress(
      '{toPorts: [{ports: [{port: "80", protocol: TCP}], ‸rules: {l7proto: r2d2}}]}',
      "ingressDeny",
    ),
    path: "spec.ingressDeny[0].toPorts[0].rules",
  },
  {
    code: "memcache.key",
    name: "a key that the parser does not know",
    text: l7("{l7proto: memcache, l7: [{‸comand: get}]}"),
    path: `${RULES}.l7[0].comand`,
  },
  {
    code: "memcache.command",
    name: "a value that the parser does not know",
    text: l7("{l7proto: memcache, l7: [{command: ‸gett}]}"),
    path: `${RULES}.l7[0].command`,
  },
  {
    code: "merge.l7-type",
    name: "two parsers on overlapping ports",
    text: ingress(
      '{toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {l7proto: r2d2}}]}, {fromEntities: [world], toPorts: [{ports: [{port: "79", endPort: 81, protocol: TCP}], rules: {l7proto: ‸memcache, l7: [{}]}}]}',
    ).replace("{l7proto: r2d2}", "{l7proto: r2d2, l7: [{}]}"),
    path: "spec.ingress[1].toPorts[0].rules.l7proto",
  },

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

/** The text without its mark, and where the mark was. */
function unmark(marked: string) {
  const before = marked.slice(0, marked.indexOf("‸"));
  const lastLine = before.slice(before.lastIndexOf("\n") + 1);
  return {
    text: marked.replace("‸", ""),
    line: before.split("\n").length,
    column: lastLine.length + 1,
  };
}

for (const { code, name, text: marked, path, severity = "error" } of ROWS) {
  Deno.test(`the loader reports ${code} for ${name}`, () => {
    const { text, line, column } = unmark(marked);
    const { problems, documents } = load(text);
    const found = problems.filter((problem) => problem.code === code)
      .map(({ severity, line, column, path }) => ({
        severity,
        line,
        column,
        path,
      }));
    assertEquals(
      found,
      [{ severity, line, column, path }],
      JSON.stringify(problems, null, 1),
    );
    const isApplied = documents.every(({ status }) => status === "applied");
    assertEquals(
      isApplied && problems.every((p) => p.severity !== "error"),
      severity !== "error",
    );
  });
}

Deno.test("no two mistakes share a sentence", () => {
  const sentences = new Map<string, string>();
  for (const { code, name, text } of ROWS) {
    const problem = load(unmark(text).text).problems.find((p) =>
      p.code === code
    )!;
    const { message, mend } = problem;
    const known = sentences.get(`${message}; ${mend}`);
    assertEquals(known, undefined, `${name} and ${known}: ${message}; ${mend}`);
    sentences.set(`${message}; ${mend}`, name);
  }
});

/** Mistakes that are not in a value, or whose value is too long to repeat. */
const OF_NO_VALUE: ReadonlySet<string> = new Set([
  "doc.kind",
  "doc.empty",
  "doc.node-in-cnp",
  "schema.missing",
  "rule.no-subject",
  "rule.no-direction",
  "partly.nodes",
  "fqdn.length",
  "fqdn.deny",
]);

Deno.test("every mistake says what was found, and how to mend it", () => {
  for (const { code, name, text: marked } of ROWS) {
    const { message, mend } = load(unmark(marked).text).problems
      .find((problem) => problem.code === code)!;
    assert(mend.length > 0, name);
    // What stands at the mark: the value, or the key that should not be there.
    const [, found] = /‸"?([\w.*\/-]+)/.exec(marked) ?? [];
    if (found === undefined || OF_NO_VALUE.has(code)) continue;
    if (code.startsWith("yaml.")) continue;
    assert(`${message} ${mend}`.includes(found), `${name}: ${message}`);
  }
});

/** The codes of the specification that the loader itself has (section 10); parsers have their own. */
const CODES = [
  "doc.name doc.empty doc.node-in-cnp",
  "rule.no-subject rule.two-subjects rule.no-direction",
  "sel.key sel.value sel.op sel.values host.l7",
  "peer.combined peer.entity peer.nodes-disabled",
  "cidr.empty cidr.parse cidr.mask",
  "cidrset.parse cidrset.choice cidrset.except",
  "fqdn.both fqdn.name fqdn.pattern fqdn.length",
  "port.missing port.parse port.count port.proto port.range",
  "icmp.with-ports icmp.count icmp.family",
  "l7.two-types l7.no-proto l7.empty-key l7.not-tcp l7.port-zero l7.direction",
  "dns.no-ports dns.range sni.l7 sni.empty tls.missing",
  "listener.ingress listener.l7 listener.kind",
  "merge.l7-type l7.unknown-proto",
].join(" ").split(" ");

/** Those that cannot come up, as the manual says. */
const IMPOSSIBLE = [
  "peer.services-ports l7.disabled icmp.disabled",
  "merge.tls merge.auth merge.listener merge.sni",
].join(" ").split(" ");

Deno.test("every code of the specification has a row, or cannot come up, as the manual says", async () => {
  const rows = new Set(ROWS.map(({ code }) => code));
  assertEquals(CODES.filter((code) => !rows.has(code)), []);
  const manual = await Deno.readTextFile(
    new URL("../docs/policies.md", import.meta.url),
  );
  const unsaid = IMPOSSIBLE.filter((code) => !manual.includes(`\`${code}\``));
  assertEquals(unsaid, []);
});

Deno.test("the loader reports every mistake of a file at once", () => {
  const text = `${
    object(`
  endpointSelectr: {}
  ingress:
  - fromCIDR: [10.0.0]
    toPorts:
    - ports: [{port: 80}, {port: "x y", protocol: tcp}]
      rules: {l7proto: redis}
`)
  }
---
kind: Pod
---
${
    object("  endpointSelector: {}\n  egress: [{toEntities: [moon]}]").replace(
      "name: x",
      "name: y",
    )
  }`;
  const errors = load(text).problems
    .filter(({ severity }) => severity === "error");
  assertEquals(errors.map(({ code, line }) => `${line} ${code}`), [
    "6 schema.unknown-key",
    "6 rule.no-subject",
    "8 cidr.parse",
    "10 schema.type",
    "10 port.parse",
    "10 port.proto",
    "11 l7.unknown-proto",
    "14 doc.kind",
    "21 peer.entity",
  ]);
});

Deno.test("a rule for nodes is found in specs too", () => {
  const rules =
    "[{endpointSelector: {}, ingress: [{}]}, {nodeSelector: {}, ingress: [{}]}]";
  const { problems } = load(
    object("").replace("spec:\n", `specs: ${rules}`),
  );
  assertEquals(problems.map(({ code, path }) => [code, path]), [
    ["doc.node-in-cnp", "specs[1].nodeSelector"],
  ]);
});

Deno.test("a problem names its file and document", () => {
  const [problem] =
    load(ingress("{fromEntities: [moon]}"), "a/b.yaml").problems;
  assertEquals(problem?.file, "a/b.yaml");
  assertEquals(problem?.document, "default/x");
});

Deno.test("a value of the wrong type is reported once, and not judged as if it were absent", () => {
  const { problems } = load(
    l7("{l7proto: memcache, l7: [{comand: get, command: 5}]}"),
  );
  assertEquals(problems.map(({ code }) => code), ["schema.type"]);
});
