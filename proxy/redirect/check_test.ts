import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { parseCounts } from "./check.ts";
import { neighbours } from "./egress_checks.ts";
import { countRules } from "./routes.ts";

Deno.test("parseCounts() reads what nft lists, and takes 0 for what is not there", () => {
  const counter = (name: string, packets: number) => ({
    counter: { family: "inet", name, table: "parley", packets, bytes: 0 },
  });
  const nftables = [
    { metainfo: { json_schema_version: 1 } },
    counter("egress_taken", 3),
    counter("udp_dropped", 2),
  ];
  assertEquals(parseCounts(JSON.stringify({ nftables })), {
    ingress_taken: 0,
    egress_taken: 3,
    own_passed: 0,
    udp_dropped: 2,
  });
});

Deno.test("countRules() counts those that lead to Parley's routing table", () =>
  assertEquals(
    countRules(
      "0:\tfrom all lookup local\n32765:\tfrom all fwmark 0x539 lookup 15006 \n32766:\tfrom all lookup 150061\n",
    ),
    1,
  ));

const NEIGHBOURS = [
  { cidr: "10.0.0.1/24", want: ["10.0.0.2"] },
  { cidr: "10.0.0.2/24", want: ["10.0.0.1"] },
  { cidr: "10.0.0.7/24", want: ["10.0.0.5"] },
  { cidr: "10.0.0.254/24", want: ["10.0.0.253"] },
  { cidr: "10.0.0.1/30", want: ["10.0.0.2"] },
  { cidr: "10.0.0.1/31", want: [] },
  { cidr: "10.0.0.1/32", want: [] },
  { cidr: "127.0.0.1/8", want: [] },
  { cidr: "fd00::1/64", want: ["fd00::2"] },
  { cidr: "fe80::1/64", want: [] },
  { cidr: "::1/128", want: [] },
];

for (const { cidr, want } of NEIGHBOURS) {
  Deno.test(`neighbours() of ${cidr}`, () => {
    const [address, length] = cidr.split("/") as [string, string];
    const own = [{ address, prefix: Number(length) }];
    const family = address.includes(":") ? 6 : 4;
    assertEquals(neighbours(family, own), want);
    assertEquals(neighbours(family === 4 ? 6 : 4, own), []);
  });
}
