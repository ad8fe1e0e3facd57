/** Certificates follow on each other so that there is always a trusted one. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  strictEqual as assertSame,
} from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { createGeneration, endOf } from "./certificate.ts";
import {
  advance,
  bundleOf,
  type Credentials,
  readCredentials,
  writeCredentials,
} from "./credentials.ts";

const HOUR = 3_600_000;
const TERMS = { hosts: ["parley-webhook.parley-system.svc"], life: 3 * HOUR };
const START = Date.UTC(2026, 10, 1);

Deno.test("createGeneration() signs for exactly its names, for servers only", async () => {
  const { ca, cert } = await createGeneration(
    ["a.b.svc", "10.0.0.1"],
    HOUR,
    START,
  );
  const certificate = new X509Certificate(cert);
  const authority = new X509Certificate(ca);
  assert(certificate.verify(authority.publicKey));
  assertEquals([certificate.ca, authority.ca], [false, true]);
  assertSame(certificate.subjectAltName, "DNS:a.b.svc, IP Address:10.0.0.1");
  assertEquals(endOf(cert), START + HOUR);
});

Deno.test("advance() makes the first one", async () => {
  const { current, next } = await advance(undefined, TERMS, false, START);
  assertEquals(endOf(current.cert), START + TERMS.life);
  assertSame(next, undefined);
});

Deno.test("advance() changes nothing before the last third of a life", async () => {
  const first = await advance(undefined, TERMS, false, START);
  assertSame(await advance(first, TERMS, false, START + 2 * HOUR - 1), first);
});

Deno.test("advance() stores a successor, serves it once it is trusted, and forgets the old authority at its end", async () => {
  const first = await advance(undefined, TERMS, false, START);
  const due = START + 2 * HOUR + 1;
  const second = await advance(first, TERMS, false, due);
  assertSame(second.current, first.current);
  assertEquals(bundleOf(second), first.current.ca + second.next!.ca);
  assertSame(await advance(second, TERMS, false, due), second);

  const third = await advance(second, TERMS, true, due);
  assertSame(third.current, second.next);
  assertEquals(bundleOf(third), first.current.ca + third.current.ca);

  const fourth = await advance(third, TERMS, false, START + 3 * HOUR);
  assertEquals(bundleOf(fourth), third.current.ca);
});

Deno.test("advance() stores a successor at once when lives are made much shorter", async () => {
  const first = await advance(undefined, TERMS, false, START);
  const shorter = { ...TERMS, life: HOUR };
  const { current, next } = await advance(first, shorter, false, START);
  assertSame(current, first.current);
  assertEquals(endOf(next!.cert), START + HOUR);
});

Deno.test("advance() begins anew when nobody looked for too long, or the names are others", async () => {
  const first = await advance(undefined, TERMS, false, START);
  const late = await advance(first, TERMS, false, START + 9 * HOUR);
  assertEquals(endOf(late.current.cert), START + 12 * HOUR);
  const hosts = ["other.parley-system.svc"];
  const other = await advance(first, { ...TERMS, hosts }, false, START);
  assert(other.current !== first.current);
});

Deno.test("readCredentials() reads what writeCredentials() wrote, and nothing else", async () => {
  const first = await advance(undefined, TERMS, false, START);
  const second = await advance(first, TERMS, false, START + 2 * HOUR + 1);
  const third = await advance(second, TERMS, true, START + 2 * HOUR + 1);
  for (const credentials of [first, second, third]) {
    assertEquals(readCredentials(writeCredentials(credentials)), credentials);
  }
  const data = writeCredentials(first);
  assertSame(readCredentials({}), undefined);
  for (const broken of ["", "!", btoa("no certificate")]) {
    assertSame(readCredentials({ ...data, "tls.crt": broken }), undefined);
  }
});

/**
 * Two replicas that look when they like, but neither later than after `ROUND`:
 * what either serves is trusted, and in its time.
 */
Deno.test("whichever replica looks when, what is served is trusted", async () => {
  const ROUND = 4 * 60_000;
  const terms = { ...TERMS, life: 24 * ROUND };
  const looks = fc.array(
    fc.record({
      who: fc.nat(1),
      wait: fc.integer({ min: ROUND / 4, max: ROUND / 2 }),
    }),
    { minLength: 100, maxLength: 100 },
  );
  let successions = 0;
  await fc.assert(
    fc.asyncProperty(looks, async (looks) => {
      let now = START;
      let stored: Credentials | undefined;
      const replicas: {
        looked: number;
        served?: Credentials["current"];
        seen?: { ca: string; at: number };
      }[] = [{ looked: now }, { looked: now }];
      for (const { who, wait } of looks) {
        now += wait;
        const late = replicas.find(({ looked }) => now - looked > ROUND / 2);
        const replica = late ?? replicas[who]!;
        replica.looked = now;
        const { seen } = replica;
        const isTrusted = seen !== undefined && seen.ca === stored?.next?.ca &&
          now - seen.at >= 2 * ROUND;
        const before: Credentials | undefined = stored;
        stored = await advance(before, terms, isTrusted, now);
        if (before && before.current !== stored.current) successions++;
        const next = stored.next?.ca;
        if (next !== undefined && next !== seen?.ca) {
          replica.seen = { ca: next, at: now };
        }
        replica.served = stored.current;
        for (const { served } of replicas) {
          if (!served) continue;
          assert(bundleOf(stored).includes(served.ca), "nobody trusts it");
          assert(endOf(served.cert) > now, "it has ended");
        }
      }
    }),
    { seed: 20_261_124, numRuns: 4 },
  );
  assert(successions > 0);
});
