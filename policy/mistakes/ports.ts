/** Mistakes in ports, and in the rules for requests on them. */
import { FORTY_ONE, ingress, ITEM, l7, ports, type Row, RULES } from "./row.ts";

export const PORTS: readonly Row[] = [
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
];
