/**
 * The policies that are compared, each with one rule or peer and with many, and
 * the requests and peers that are looked up: hits at any place, and misses.
 *
 * @module
 */
import {
  type Direction,
  endpointLabels,
  type Peer,
  type Subject,
} from "../../policy/mod.ts";

export const MANY = 10_000;
export const SUBJECT: Subject = {
  labels: endpointLabels({ app: "service" }, "default"),
};

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
/** Some of them, far apart. */
const some = (count: number) => numbers(7).map((i) => (i * 7919) % count);

function document(entries: string, direction = "ingress"): string {
  return `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: bench }
spec:
  endpointSelector: { matchLabels: { app: service } }
  ${direction}:
${entries}
`;
}

const PORTS = '{ port: "4040", protocol: TCP }';

function entry(peer: string, proto: string, l7: readonly string[]): string {
  return `  - ${peer}
    toPorts:
    - ports: [ ${PORTS} ]
      rules:
        l7proto: ${proto}
        l7:
${l7.map((rule) => `        - ${rule}`).join("\n")}`;
}

/** A QUERY of Cassandra's protocol v4, at consistency ONE. */
function query(cql: string): string {
  const length = (n: number) => `\0\0\0${String.fromCharCode(n)}`;
  return `\x04\0\0\0\x07${length(cql.length + 7)}${
    length(cql.length)
  }${cql}\0\x01\0`;
}

/** RESULT: void. */
const VOID = "\x84\0\0\0\x08\0\0\0\x04\0\0\0\x01";

const ANYBODY = "fromEntities: [ all ]";
const CLIENT: Peer = { address: "192.0.2.1", labels: ["reserved:world"] };

/** L7 rules on one port. */
export const RULES: readonly {
  readonly name: string;
  readonly proto: "cassandra" | "memcache" | "r2d2";
  readonly peer: Peer;
  rules(count: number): string;
  asked(count: number): readonly string[];
  readonly reply: string;
}[] = [
  {
    name: "memcache, rules with keyExact",
    proto: "memcache",
    peer: CLIENT,
    rules: (count) =>
      document(entry(
        ANYBODY,
        "memcache",
        numbers(count).map((i) => `{ command: get, keyExact: "key-${i}" }`),
      )),
    asked: (count) => some(count).map((i) => `get key-${i}\r\n`),
    reply: "END\r\n",
  },
  {
    name: "memcache, rules with keyPrefix",
    proto: "memcache",
    peer: CLIENT,
    rules: (count) =>
      document(entry(
        ANYBODY,
        "memcache",
        numbers(count).map((i) => `{ command: get, keyPrefix: "key-${i}/" }`),
      )),
    asked: (count) => some(count).map((i) => `get key-${i}/a\r\n`),
    reply: "END\r\n",
  },
  {
    name: "memcache, rules with keyRegex",
    proto: "memcache",
    peer: CLIENT,
    rules: (count) =>
      document(entry(
        ANYBODY,
        "memcache",
        numbers(count).map((i) => `{ command: get, keyRegex: "-${i}$" }`),
      )),
    asked: (count) => some(count).map((i) => `get key-${i}\r\n`),
    reply: "END\r\n",
  },
  {
    name: "memcache, an entry for each rule with keyExact",
    proto: "memcache",
    peer: CLIENT,
    rules: (count) =>
      document(
        numbers(count).map((i) =>
          entry(ANYBODY, "memcache", [`{ command: get, keyExact: "key-${i}" }`])
        ).join("\n"),
      ),
    asked: (count) => some(count).map((i) => `get key-${i}\r\n`),
    reply: "END\r\n",
  },
  {
    name: "r2d2, rules with an anchored file",
    proto: "r2d2",
    peer: CLIENT,
    rules: (count) =>
      document(entry(
        ANYBODY,
        "r2d2",
        numbers(count).map((i) => `{ cmd: READ, file: "^/public/${i}/" }`),
      )),
    asked: (count) => some(count).map((i) => `READ /public/${i}/a\r\n`),
    reply: "ok\r\n",
  },
  {
    name: "cassandra, rules with an anchored query_table",
    proto: "cassandra",
    peer: CLIENT,
    rules: (count) =>
      document(entry(
        ANYBODY,
        "cassandra",
        numbers(count).map((i) =>
          `{ query_action: select, query_table: '^shop\\.t${i}$' }`
        ),
      )),
    asked: (count) =>
      some(count).map((i) => query(`SELECT v FROM shop.t${i} WHERE k = 1`)),
    reply: VOID,
  },
];

const world = (address: string): Peer => ({
  address,
  labels: ["reserved:world"],
});

/** Peers of one policy. */
export const PEERS: readonly {
  readonly name: string;
  readonly direction: Direction;
  policy(count: number): string;
  peers(count: number): readonly Peer[];
}[] = [
  {
    name: "a workload among selectors",
    direction: "ingress",
    policy: (count) =>
      document(
        `  - fromEndpoints:\n${
          numbers(count).map((i) => `    - matchLabels: { app: a${i} }`)
            .join("\n")
        }`,
      ),
    peers: (count) =>
      some(count).map((i) => ({
        address: "10.0.0.1",
        labels: endpointLabels({ app: `a${i}`, tier: "b" }, "default"),
      })),
  },
  {
    name: "a workload among entries",
    direction: "ingress",
    policy: (count) =>
      document(
        numbers(count).map((i) =>
          entry(
            `fromEndpoints: [ { matchLabels: { app: a${i} } } ]`,
            "r2d2",
            ["{}"],
          )
        ).join("\n"),
      ),
    peers: (count) =>
      some(count).map((i) => ({
        address: "10.0.0.1",
        labels: endpointLabels({ app: `a${i}`, tier: "b" }, "default"),
      })),
  },
  {
    name: "an address among addresses",
    direction: "ingress",
    policy: (count) =>
      document(
        `  - fromCIDR:\n${
          numbers(count).map((i) => `    - 10.1.${i >> 8}.${i & 255}`).join(
            "\n",
          )
        }`,
      ),
    peers: (count) =>
      some(count).map((i) => world(`10.1.${i >> 8}.${i & 255}`)),
  },
  {
    name: "an address among prefixes of several lengths",
    direction: "ingress",
    policy: (count) =>
      document(
        `  - fromCIDR:\n${
          numbers(count).map((i) =>
            `    - 10.${i >> 8}.${i & 255}.0/${24 + i % 4}`
          ).join("\n")
        }`,
      ),
    peers: (count) =>
      some(count).map((i) => world(`10.${i >> 8}.${i & 255}.1`)),
  },
  {
    name: "a name among names",
    direction: "egress",
    policy: (count) =>
      document(
        `  - toFQDNs:\n${
          numbers(count).map((i) => `    - matchName: h${i}.example.org`)
            .join("\n")
        }`,
        "egress",
      ),
    peers: (count) =>
      some(count).map((i) => ({
        ...world("192.0.2.1"),
        names: [`h${i}.example.org.`],
      })),
  },
  {
    name: "a name among patterns",
    direction: "egress",
    policy: (count) =>
      document(
        `  - toFQDNs:\n${
          numbers(count)
            .map((i) => `    - matchPattern: "*.d${i}.example.org"`).join("\n")
        }`,
        "egress",
      ),
    peers: (count) =>
      some(count).map((i) => ({
        ...world("192.0.2.1"),
        names: [`www.d${i}.example.org.`],
      })),
  },
  {
    name: "nobody that is listed",
    direction: "ingress",
    policy: (count) =>
      document(
        `  - fromEndpoints:\n${
          numbers(count).map((i) => `    - matchLabels: { app: a${i} }`)
            .join("\n")
        }`,
      ),
    peers: () => [world("192.0.2.1")],
  },
];

/** A fleet's documents, one a file. */
export function documentsOf(count: number): string[] {
  return numbers(count).map((i) =>
    `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: p${i} }
spec:
  endpointSelector: { matchLabels: { app: ${
      i % 50 === 0 ? "service" : `a${i}`
    } } }
  ingress:
  - fromEndpoints:
    - matchLabels: { app: b${i} }
    toPorts:
    - ports: [ ${PORTS} ]
      rules:
        l7proto: memcache
        l7:
        - { command: get, keyPrefix: "a/${i}/" }
        - { command: set, keyExact: "b/${i}" }
`
  );
}
