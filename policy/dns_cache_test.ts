import {
  deepStrictEqual as assertEquals,
  strictEqual as assertSame,
} from "node:assert/strict";
import fc from "fast-check";
import { type DnsAnswer, DnsCache, type DnsRecord } from "./dns_cache.ts";

const A = "192.0.2.1";
const B = "192.0.2.2";

/** `name TYPE ttl value`, one a record; the first name is the question. */
function answer(...lines: string[]): DnsAnswer {
  const records = lines.map((line): DnsRecord => {
    const [name, type, ttl, value] = line.split(" ");
    return {
      name: name!,
      type: type as DnsRecord["type"],
      ttl: Number(ttl),
      value: value!,
    };
  });
  return { question: records[0]!.name, records };
}

const ANSWERS: readonly {
  readonly name: string;
  readonly answer: DnsAnswer;
  readonly want: Readonly<Record<string, readonly string[]>>;
}[] = [
  {
    name: "every address of a name",
    answer: answer(`Cilium.io A 60 ${A}`, "cilium.io. AAAA 60 2001:DB8::0:1"),
    want: { [A]: ["cilium.io."], "2001:db8::1": ["cilium.io."], [B]: [] },
  },
  {
    name: "the end of a chain of CNAMEs, by the name that was asked for",
    answer: answer(
      "www.cilium.io CNAME 60 cdn.example.",
      `edge.example A 60 ${A}`,
      "cdn.example CNAME 60 edge.example",
    ),
    want: { [A]: ["www.cilium.io."] },
  },
  {
    name: "nothing of names that were not asked for",
    answer: answer(`cilium.io A 60 ${A}`, `evil.example A 60 ${B}`),
    want: { [A]: ["cilium.io."], [B]: [] },
  },
  {
    name: "nothing of CNAMEs that go round",
    answer: answer("a.io CNAME 60 b.io", "b.io CNAME 60 a.io"),
    want: { [A]: [] },
  },
  {
    name: "nothing of what is no name, or no address",
    answer: answer(`a!.io A 60 ${A}`, "a!.io A 60 nowhere"),
    want: { [A]: [], nowhere: [] },
  },
];

for (const { name, answer, want } of ANSWERS) {
  Deno.test(`DnsCache learns ${name}`, () => {
    const cache = new DnsCache();
    cache.learn(answer, 0);
    for (const [address, names] of Object.entries(want)) {
      assertEquals(cache.namesOf(address), names);
    }
  });
}

Deno.test("DnsCache keeps an address for the shortest life on the way to it", () => {
  const cache = new DnsCache();
  cache.learn(answer("a.io CNAME 10 b.io", `b.io A 60 ${A}`), 1000);
  assertSame(cache.nextExpiry(), 11_000);
  assertSame(cache.expire(10_999), false);
  assertSame(cache.expire(11_000), true);
  assertEquals(cache.namesOf(A), []);
  assertSame(cache.nextExpiry(), undefined);
});

Deno.test("DnsCache raises a life to the minimum, and never shortens one", () => {
  const cache = new DnsCache({ minTtl: 30 });
  cache.learn(answer(`a.io A 1 ${A}`), 0);
  cache.expire(29_999);
  assertEquals(cache.namesOf(A), ["a.io."]);
  cache.learn(answer(`a.io A 100 ${A}`), 0);
  assertSame(cache.learn(answer(`a.io A 1 ${A}`), 1000), false);
  cache.expire(99_999);
  assertEquals(cache.namesOf(A), ["a.io."]);
});

Deno.test("DnsCache keeps an expired address while a connection uses it", () => {
  const cache = new DnsCache();
  cache.learn(answer(`a.io A 1 ${A}`), 0);
  cache.opened(A);
  cache.opened(`::ffff:${A}`);
  assertSame(cache.expire(1000), false);
  assertSame(cache.closed(A), false);
  assertEquals(cache.namesOf(A), ["a.io."]);
  assertSame(cache.closed(A), true);
  assertEquals(cache.namesOf(A), []);
  assertSame(cache.size, 0);
});

Deno.test("DnsCache brings an expired address back when it is heard of again", () => {
  const cache = new DnsCache();
  cache.learn(answer(`a.io A 1 ${A}`), 0);
  cache.opened(A);
  cache.expire(1000);
  cache.learn(answer(`a.io A 9 ${A}`), 2000);
  assertSame(cache.closed(A), false);
  assertEquals(cache.namesOf(A), ["a.io."]);
});

Deno.test("DnsCache has room for so many addresses of a name, and so many names", () => {
  const cache = new DnsCache({ perName: 2, names: 2 });
  for (const [index, address] of [A, B, "192.0.2.3"].entries()) {
    cache.learn(answer(`a.io A 60 ${address}`), index);
  }
  assertEquals([A, B].map((address) => cache.namesOf(address)), [
    [],
    ["a.io."],
  ]);
  cache.learn(answer(`b.io A 60 ${A}`), 4);
  cache.learn(answer(`a.io A 60 ${B}`), 5); // heard of again
  cache.learn(answer(`c.io A 60 ${A}`), 6);
  assertEquals(cache.namesOf(A), ["c.io."]);
  assertEquals(cache.namesOf(B), ["a.io."]);
});

Deno.test("DnsCache has room for so many expired addresses in use", () => {
  const cache = new DnsCache({ expiredInUse: 1 });
  cache.learn(answer(`a.io A 1 ${A}`, `a.io A 2 ${B}`), 0);
  cache.opened(A);
  cache.opened(B);
  cache.expire(1000);
  assertSame(cache.expire(2000), true);
  assertEquals([A, B].map((address) => cache.namesOf(address)), [[], [
    "a.io.",
  ]]);
});

Deno.test("DnsCache tells the same object until the names change", () => {
  const cache = new DnsCache();
  cache.learn(answer(`b.io A 9 ${A}`), 0);
  const told = cache.namesOf(A);
  assertSame(cache.namesOf(A), told);
  assertSame(cache.learn(answer(`a.io A 9 ${A}`), 0), true);
  assertEquals(cache.namesOf(A), ["a.io.", "b.io."]);
});

Deno.test("DnsCache tells another all that counts", () => {
  const [cache, other] = [new DnsCache({ minTtl: 5 }), new DnsCache()];
  cache.learn(answer(`a.io A 1 ${A}`, "a.io AAAA 9 2001:DB8:0::1"), 1000);
  assertEquals(cache.leases(), [
    { name: "a.io.", address: A, until: 6000 },
    { name: "a.io.", address: "2001:db8::1", until: 10_000 },
  ]);
  assertSame(other.take(cache.leases()), true);
  assertSame(other.take(cache.leases()), false);
  assertEquals(other.namesOf(A), ["a.io."]);
  assertSame(other.nextExpiry(), 6000);
});

Deno.test("DnsCache says which addresses in use have other names", () => {
  const cache = new DnsCache({ expiredInUse: 1 });
  cache.learn(answer(`a.io A 1 ${A}`), 0);
  assertEquals([...cache.takeChanged()], []);
  cache.opened(A);
  cache.learn(answer(`b.io A 1 ${A}`), 0);
  cache.learn(answer(`b.io A 9 ${B}`), 0);
  assertEquals([...cache.takeChanged()], [A]);
  assertEquals([...cache.takeChanged()], []);
  cache.expire(1000); // there is room for one of two
  assertEquals([...cache.takeChanged()], [A]);
});

type Step =
  | {
    readonly do: "learn";
    readonly name: string;
    readonly address: string;
    readonly ttl: number;
  }
  | { readonly do: "open" | "close"; readonly address: string }
  | { readonly do: "wait"; readonly seconds: number };

const address = fc.constantFrom(A, B);
const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant("learn" as const),
      name: fc.constantFrom("a.io.", "b.io."),
      address,
      ttl: fc.nat(5),
    }),
    fc.record({
      do: fc.constantFrom("open" as const, "close" as const),
      address,
    }),
    fc.record({ do: fc.constant("wait" as const), seconds: fc.nat(4) }),
  ),
  { maxLength: 30 },
);

Deno.test("DnsCache knows what a list of all that was heard knows", () => {
  fc.assert(
    fc.property(steps, (steps) => {
      const cache = new DnsCache();
      let now = 0;
      let heard: { name: string; address: string; until: number }[] = [];
      const open = new Map([[A, 0], [B, 0]]);
      for (const step of steps as Step[]) {
        if (step.do === "learn") {
          const { name, address, ttl } = step;
          cache.learn(answer(`${name} A ${ttl} ${address}`), now);
          heard.push({ name, address, until: now + ttl * 1000 });
        } else if (step.do === "open") {
          open.set(step.address, open.get(step.address)! + 1);
          cache.opened(step.address);
        } else if (step.do === "close") {
          if (open.get(step.address) === 0) continue;
          open.set(step.address, open.get(step.address)! - 1);
          cache.closed(step.address);
        } else now += (step as { seconds: number }).seconds * 1000;
        cache.expire(now);
        heard = heard.filter(({ address, until }) => {
          return until > now || open.get(address)! > 0;
        });
        for (const address of [A, B]) {
          const names = heard.filter((one) => one.address === address)
            .map(({ name }) => name);
          assertEquals(cache.namesOf(address), [...new Set(names)].sort());
        }
      }
    }),
    { numRuns: 2000, seed: 8 },
  );
});
