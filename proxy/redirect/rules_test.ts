/** The script's text; what the kernel makes of it is in tests/hosts. */
import {
  deepStrictEqual as assertEquals,
  doesNotMatch as assertNoMatch,
  match as assertMatch,
} from "node:assert/strict";
import { type Redirect, removal, rules } from "./rules.ts";

const PORTS = [{ first: 9042, last: 9042 }, { first: 11211, last: 11213 }];
const BASE = { uid: 1337 };

const CASES: readonly {
  readonly name: string;
  readonly redirect: Redirect;
  readonly chains: readonly string[];
  readonly has: readonly RegExp[];
  readonly lacks: readonly RegExp[];
}[] = [
  {
    name: "ingress",
    redirect: { ...BASE, ingress: { ports: PORTS, to: 15006 } },
    chains: ["ingress", "udp_ingress"],
    has: [
      /elements = \{ 9042, 11211-11213 \}/,
      /nat hook prerouting [^}]*fib daddr type local tcp dport @ingress_ports [^}]* redirect to :15006/,
      /ct direction original fib daddr type local udp dport @ingress_ports [^}]* drop/,
    ],
    lacks: [/skuid/, /hook output/, /mark/],
  },
  {
    name: "egress",
    redirect: { ...BASE, egress: { ports: PORTS, to: 15001 } },
    chains: ["egress", "udp_egress"],
    has: [
      /oifname "lo" return\n +meta skuid 1337 [^}]* return\n +tcp dport @egress_ports [^}]* redirect to :15001/,
      /oifname "lo" return\n +meta skuid 1337 return\n +ct direction original udp dport @egress_ports [^}]* drop/,
    ],
    lacks: [/hook prerouting/, /mark/],
  },
  {
    name: "both",
    redirect: {
      uid: 7,
      ingress: { ports: PORTS, to: 6 },
      egress: { ports: [{ first: 53, last: 53 }], to: 1 },
    },
    chains: ["ingress", "egress", "udp_ingress", "udp_egress"],
    has: [
      /set ingress_ports \{[^}]*elements = \{ 9042, 11211-11213 \}/,
      /set egress_ports \{[^}]*elements = \{ 53 \}/,
      /redirect to :6\n/,
      /redirect to :1\n/,
      /skuid 7 /,
    ],
    lacks: [/skuid 1337/, /mark/],
  },
  {
    name: "egress that leaves further users alone",
    redirect: {
      ...BASE,
      egress: { ports: PORTS, to: 15001, excludedUids: [5, 6] },
    },
    chains: ["egress", "udp_egress"],
    has: [
      /own_passed return\n +meta skuid \{ 5, 6 \} return\n +tcp dport/,
      /meta skuid 1337 return\n +meta skuid \{ 5, 6 \} return\n +ct direction/,
    ],
    lacks: [/hook prerouting/],
  },
  {
    name: "TPROXY",
    redirect: { ...BASE, ingress: { ports: PORTS, to: 15006, mark: 0x539 } },
    chains: ["ingress", "answers", "udp_ingress"],
    has: [
      /tproxy to :15006 meta mark set 0x539 accept\n +tcp dport @ingress_ports reject with tcp reset/,
      /ct mark 0x539 ct direction reply meta mark set 0x539/,
    ],
    lacks: [/type nat/, /redirect/, /fib daddr type local udp/],
  },
];

for (const { name, redirect, chains, has, lacks } of CASES) {
  Deno.test(`rules() for ${name}`, () => {
    const text = rules(redirect);
    // One transaction that replaces one table, and touches no other.
    assertMatch(
      text,
      /^table inet parley\ndelete table inet parley\ntable inet parley \{\n/,
    );
    assertEquals(text.match(/^\S.*$/gm)!.length, 4);
    const found = [...text.matchAll(/^ {2}chain (\S+) \{$/gm)];
    assertEquals(found.map(([, chain]) => chain), chains);
    for (const wanted of has) assertMatch(text, wanted);
    for (const unwanted of lacks) assertNoMatch(text, unwanted);
  });
}

Deno.test("rules() declares each counter that it uses, and no other", () => {
  for (const { redirect } of CASES) {
    const text = rules(redirect);
    const names = (pattern: RegExp) =>
      [...new Set([...text.matchAll(pattern)].map(([, name]) => name))].sort();
    assertEquals(
      names(/^ {2}counter (\S+) \{$/gm),
      names(/counter name (\S+)/g),
    );
  }
});

Deno.test("removal() needs no table to be there", () =>
  assertEquals(removal(), "table inet parley\ndelete table inet parley\n"));
