/** Ports by number and by name, asked about in any order. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { NamedPort, Peer, Query } from "./mod.ts";
import { load, pod, subject, summary } from "./testing.ts";

function policy(ports: string, direction = "ingress"): string {
  return `- endpointSelector: { matchLabels: { app: service } }
  ${direction}: [ { toPorts: [ { ports: [ ${ports} ] } ] } ]
`;
}

const WEB: readonly NamedPort[] = [
  { name: "web", port: 8080, protocol: "TCP" },
  { name: "dns", port: 53, protocol: "UDP" },
];

const ROWS: readonly {
  readonly name: string;
  readonly ports: string;
  /** Ports that are asked about one after the other, and whether each is allowed. */
  readonly asked: Readonly<Record<number, boolean>>;
  readonly protocol?: "UDP";
}[] = [
  {
    name: "a number",
    ports: '{ port: "80", protocol: TCP }',
    asked: { 79: false, 80: true, 81: false },
  },
  {
    name: "a range",
    ports: '{ port: "80", endPort: 82, protocol: TCP }',
    asked: { 83: false, 82: true, 81: true, 80: true, 79: false },
  },
  {
    name: "a range inside another",
    ports: '{ port: "10", endPort: 90 }, { port: "20", endPort: 30 }',
    asked: { 9: false, 10: true, 25: true, 31: true, 90: true, 91: false },
  },
  {
    name: "a name that the workload gives a port",
    ports: "{ port: WEB, protocol: TCP }",
    asked: { 8079: false, 8080: true, 8081: false, 80: false },
  },
  {
    name: "a name of another protocol",
    ports: "{ port: dns, protocol: TCP }",
    asked: { 53: false },
  },
  {
    name: "a name of UDP",
    ports: "{ port: dns }",
    asked: { 52: false, 53: true, 54: false },
    protocol: "UDP",
  },
  {
    name: "a name that nobody gives",
    ports: "{ port: sql, protocol: TCP }",
    asked: { 5432: false, 8080: false },
  },
  {
    name: "every port of a protocol",
    ports: '{ port: "0", protocol: UDP }',
    asked: { 1: false, 65535: false },
  },
];

for (const direction of ["ingress", "egress"] as const) {
  for (const { name, ports, asked, protocol = "TCP" } of ROWS) {
    Deno.test(`${direction}: ${name}`, () => {
      const { current } = load(policy(ports, direction));
      const own = { ...subject({ app: "service" }) };
      const other: Peer = pod({ app: "a" });
      // At ingress the workload is the destination, at egress the peer is.
      const [guarded, peer] = direction === "ingress"
        ? [{ ...own, ports: WEB }, other]
        : [own, { ...other, ports: WEB }];
      const found = Object.keys(asked).map((port) => {
        const query: Query = {
          subject: guarded,
          direction,
          port: Number(port),
          protocol,
          peer,
        };
        assertEquals(current.explain(query).access, current.resolve(query));
        return [port, summary(current.resolve(query)) !== "denied"];
      });
      assertEquals(Object.fromEntries(found), asked);
    });
  }
}

Deno.test("one name may be different ports of different peers", () => {
  const { current } = load(policy("{ port: web, protocol: TCP }", "egress"));
  const own = subject({ app: "service" });
  const judged = [80, 8080].map((port) =>
    [80, 8080].map((named) => {
      const ports = [{ name: "web", port: named, protocol: "TCP" as const }];
      const peer = { ...pod({ app: "a" }), ports };
      const query = { subject: own, direction: "egress" as const, port, peer };
      return current.resolve(query).verdict;
    })
  );
  assertEquals(judged, [["allowed", "denied"], ["denied", "allowed"]]);
});
