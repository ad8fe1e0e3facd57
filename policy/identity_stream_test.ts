import {
  deepStrictEqual as assertEquals,
  strictEqual as assertSame,
  throws as assertThrows,
} from "node:assert/strict";
import { IdentityStream } from "./identity_stream.ts";

const POD =
  '{"event":"identity","cidr":"10.0.0.7","labels":{"app":"a"},"namespace":"prod"}';
const SERVICE =
  '{"event":"service","name":"db","selector":{"app":"db"},"more":"to come"}';
const SYNCED = '{"event":"synced"}';

function stream(...lines: string[]): IdentityStream {
  const stream = new IdentityStream();
  for (const line of lines) stream.take(line);
  return stream;
}

Deno.test("IdentityStream believes nothing before it is synced", () => {
  const half = stream(POD);
  assertEquals([half.isSynced, half.changed()], [false, undefined]);
  half.take(SYNCED);
  assertEquals(half.changed()?.identities, [
    { cidr: "10.0.0.7", labels: { app: "a" }, namespace: "prod" },
  ]);
});

Deno.test("IdentityStream tells of changes once", () => {
  const it = stream(POD, SYNCED);
  it.changed();
  assertSame(it.changed(), undefined);
  it.take(SYNCED);
  assertSame(it.changed(), undefined);
  it.take(SERVICE);
  assertEquals(it.changed()?.services, [
    { name: "db", namespace: "default", labels: {}, selector: { app: "db" } },
  ]);
});

Deno.test("IdentityStream forgets what is gone, however its address is spelled", () => {
  const it = stream(
    '{"event":"identity","cidr":"2001:DB8::0:1"}',
    POD,
    SERVICE,
    SYNCED,
    '{"event":"identity-gone","cidr":"2001:db8::1"}',
    '{"event":"service-gone","name":"db"}',
    "",
  );
  const { identities, services } = it.changed()!;
  assertEquals(identities.map(({ cidr }) => cidr), ["10.0.0.7"]);
  assertEquals(services, []);
});

const MISFITS: readonly [line: string, what: RegExp][] = [
  ["{", /^TypeError: line 2 is no event/],
  ['{"event":"identity","cidr":"10.0.0"}', /"cidr".*neither an address/],
  ['{"event":"identity","cidr":"10.0.0.1","labels":{"a b":""}}', /"labels"/],
  ['{"event":"identity","cidr":"10.0.0.1","namespace":"A"}', /"namespace"/],
  ['{"event":"service"}', /"name"/],
  ['{"event":"unheard of"}', /"event"/],
];

for (const [line, what] of MISFITS) {
  Deno.test(`IdentityStream refuses ${line}`, () => {
    const it = stream(SYNCED);
    assertThrows(() => it.take(line), (error) => what.test(String(error)));
  });
}
