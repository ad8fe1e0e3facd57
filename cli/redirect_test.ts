/** `parley redirect` as far as it needs no rights: its options, and what it shows. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { parley } from "./capture_test.ts";

const WRONG = [
  { args: "show", err: /--ports is missing; name the ports/ },
  { args: "apply", err: /--ports is missing/ },
  { args: "show --ports", err: /argument missing/ },
  {
    args: "show --ports 0",
    err: /--ports: "0" cannot be; write ports from 1 to 65535/,
  },
  { args: "show --ports 65536", err: /--ports: "65536" cannot be/ },
  { args: "show --ports 90-80", err: /--ports: "90-80" cannot be/ },
  { args: "show --ports 80,,90", err: /--ports: "" cannot be/ },
  { args: "show --ports http", err: /--ports: "http" cannot be/ },
  {
    args: "show --ports 80 --exclude-ports 90",
    err: /--exclude-ports belongs to --ports all/,
  },
  {
    args: "show --ports all --exclude-ports x",
    err: /--exclude-ports: "x" cannot be/,
  },
  {
    args: "show --ports all --exclude-ports 1-65535",
    err: /leaves no port to redirect; exclude fewer/,
  },
  {
    args: "show --ports 80 --direction in",
    err: /--direction: "in" cannot be; write ingress, egress, both/,
  },
  {
    args: "show --ports 80 --uid 0",
    err: /--uid 0 would leave all that root opens alone/,
  },
  {
    args: "show --ports 80 --uid nobody",
    err: /--uid: "nobody" cannot be; write the sidecar's user id/,
  },
  {
    args: "show --ports 80 --uid 4294967295",
    err: /--uid: "4294967295" cannot be/,
  },
  {
    args: "show --ports 80 --ingress-to 0",
    err: /--ingress-to: "0" cannot be; write one port/,
  },
  {
    args: "show --ports 80 --direction egress --to x",
    err: /--to: "x" cannot be/,
  },
  {
    args: "show --ports 80 --direction both --to 9 --ingress-to 9",
    err: /--to and --ingress-to are both 9/,
  },
  {
    args: "show --ports 15000-15010",
    err: /--ports 15000-15010 has 15006, where the sidecar listens/,
  },
  {
    args: "show --ports 80 --tproxy --direction egress",
    err: /--tproxy takes what comes in/,
  },
  {
    args: "show --ports 80 --egress-ports 90",
    err: /--egress-ports is for two directions/,
  },
  {
    args: "show --ports 80 --direction both --egress-ports 15001",
    err: /--egress-ports 15001 has 15001, where the sidecar listens/,
  },
  {
    args: "show --ports 80 --exclude-uids 5",
    err: /--exclude-uids is about what goes out/,
  },
  {
    args: "show --ports 80 --direction egress --exclude-uids 5,0",
    err: /--exclude-uids 0 would leave all that root opens alone/,
  },
  { args: "show --ports 80 --mark 5", err: /--mark belongs to --tproxy/ },
  {
    args: "show --ports 80 --tproxy --mark 0",
    err: /--mark: "0" cannot be; write a number above 0/,
  },
  {
    args: "show --ports 80 --tproxy --mark 0x100000000",
    err: /--mark: "0x100000000" cannot be/,
  },
  { args: "show --prots 80", err: /unknown option '--prots'/ },
  { args: "aply", err: /unknown command 'aply'[^]*apply\?/ },
];

for (const { args, err } of WRONG) {
  Deno.test(`parley redirect ${args}: exit 2`, async () => {
    const { exit, err: said } = await parley("redirect", ...args.split(" "));
    assertEquals(exit, 2);
    assertMatch(said, err);
  });
}

const SHOWN = [
  {
    args: "--ports 9042,11211",
    has: [/elements = \{ 9042, 11211 \}/, /redirect to :15006/],
  },
  { args: "--ports 11211-11212,11213", has: [/elements = \{ 11211-11213 \}/] },
  // Connections to the sidecar itself are its own to refuse.
  { args: "--ports all", has: [/elements = \{ 1-15005, 15007-65535 \}/] },
  {
    args: "--ports all --exclude-ports 22,53 --direction both",
    has: [/elements = \{ 1-21, 23-52, 54-15000, 15002-15005, 15007-65535 \}/],
  },
  {
    args:
      "--ports 80 --egress-ports all --exclude-ports 53 --direction both --exclude-uids 5,6",
    has: [
      /set ingress_ports \{[^}]*elements = \{ 80 \}/,
      /set egress_ports \{[^}]*elements = \{ 1-52, 54-15000, /,
      /skuid \{ 5, 6 \} return/,
    ],
  },
  {
    args: "--ports 80 --direction egress --uid 5 --to 7",
    has: [/skuid 5 /, /redirect to :7\n/],
  },
  {
    args: "--ports 80 --tproxy",
    has: [/^# ip -6 rule add fwmark 0x539 lookup 15006$/m, /tproxy to :15006/],
  },
  { args: "--ports 80 --tproxy --mark 16", has: [/mark set 0x10 accept/] },
];

for (const { args, has } of SHOWN) {
  Deno.test(`parley redirect show ${args}`, async () => {
    const { exit, out, err: said } = await parley(
      "redirect",
      "show",
      ...args.split(" "),
    );
    assertEquals([exit, said], [0, ""]);
    for (const wanted of has) assertMatch(out, wanted);
  });
}

Deno.test("parley redirect --help lists show, apply and remove", async () => {
  const { exit, out } = await parley("redirect", "--help");
  assertEquals(exit, 0);
  assertMatch(out, /show[^]*apply[^]*remove/);
});
