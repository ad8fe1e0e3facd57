import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import {
  contains,
  formatPrefix,
  hostPrefix,
  parseAddress,
  parsePrefix,
  prefixAround,
} from "./cidr.ts";

const ADDRESSES = [
  { name: "IPv4", text: "10.0.0.1", want: { family: 4, bits: 0x0a000001n } },
  { name: "IPv6", text: "::1", want: { family: 6, bits: 1n } },
  {
    name: "whole IPv6",
    text: "1:2:3:4:5:6:7:8",
    want: { family: 6, bits: 0x10002000300040005000600070008n },
  },
  {
    name: "IPv6 that ends in zeros",
    text: "2001:DB8::",
    want: { family: 6, bits: 0x20010db8n << 96n },
  },
  {
    name: "an IPv4-mapped address as IPv4",
    text: "::ffff:10.0.0.1",
    want: { family: 4, bits: 0x0a000001n },
  },
  {
    name: "the same in hexadecimal",
    text: "::ffff:a00:1",
    want: { family: 4, bits: 0x0a000001n },
  },
  { name: "a number past 255", text: "10.0.0.256", want: undefined },
  { name: "a leading zero", text: "010.0.0.1", want: undefined },
  { name: "three parts", text: "10.0.1", want: undefined },
  { name: "two gaps", text: "1::2::3", want: undefined },
  { name: "a gap for nothing", text: "1:2:3:4::5:6:7:8", want: undefined },
  { name: "seven groups", text: "1:2:3:4:5:6:7", want: undefined },
  {
    name: "a dotted part before the end",
    text: "10.0.0.1::1",
    want: undefined,
  },
  { name: "a zone", text: "fe80::1%eth0", want: undefined },
  { name: "three colons", text: ":::", want: undefined },
  { name: "empty text", text: "", want: undefined },
];

for (const { name, text, want } of ADDRESSES) {
  const does = want === undefined ? "refuses" : "reads";
  Deno.test(`parseAddress() ${does} ${name}`, () => {
    assertEquals(parseAddress(text), want);
  });
}

const PREFIXES = [
  {
    name: "masks host bits",
    text: "10.1.2.3/8",
    want: { family: 4, bits: 0x0a000000n, length: 8 },
  },
  {
    name: "reads the whole of IPv4",
    text: "0.0.0.0/0",
    want: { family: 4, bits: 0n, length: 0 },
  },
  {
    name: "reads a mapped prefix as IPv4",
    text: "::ffff:10.0.0.0/104",
    want: { family: 4, bits: 0x0a000000n, length: 8 },
  },
  {
    name: "refuses a mapped prefix that reaches further",
    text: "::ffff:10.0.0.0/64",
    want: undefined,
  },
  {
    name: "refuses a length past the family's",
    text: "10.0.0.0/33",
    want: undefined,
  },
  {
    name: "refuses a length with a leading zero",
    text: "10.0.0.0/08",
    want: undefined,
  },
  { name: "refuses an address", text: "10.0.0.0", want: undefined },
  { name: "refuses an empty length", text: "10.0.0.0/", want: undefined },
];

for (const { name, text, want } of PREFIXES) {
  Deno.test(`parsePrefix() ${name}`, () => {
    assertEquals(parsePrefix(text), want);
  });
}

const INSIDE = [
  { outer: "10.0.0.0/8", inner: "10.255.0.1", want: true },
  { outer: "10.0.0.0/8", inner: "11.0.0.0", want: false },
  { outer: "0.0.0.0/0", inner: "::1", want: false },
  { outer: "::/0", inner: "10.0.0.1", want: false },
  { outer: "2001:db8::/33", inner: "2001:db8:7fff::1", want: true },
  { outer: "2001:db8::/33", inner: "2001:db8:8000::1", want: false },
];

for (const { outer, inner, want } of INSIDE) {
  Deno.test(`contains() says ${want} of ${inner} in ${outer}`, () => {
    assertEquals(
      contains(parsePrefix(outer)!, hostPrefix(parseAddress(inner)!)),
      want,
    );
  });
}

const WRITTEN = [
  "10.0.0.0/8",
  "0.0.0.0/0",
  "192.0.2.1",
  "::/0",
  "::",
  "::1",
  "2001:db8::/32",
  "2001:db8:0:1::/64",
  "2001:0:0:1::1",
  "1:2:3:4:5:6:7:0",
  "0:1::",
  "10:0:0:100::10",
];

for (const text of WRITTEN) {
  Deno.test(`formatPrefix() writes ${text} as it is read`, () => {
    const prefix = text.includes("/")
      ? parsePrefix(text)!
      : hostPrefix(parseAddress(text)!);
    assertEquals(formatPrefix(prefix), text);
  });
}

Deno.test("formatPrefix() writes what parsePrefix() reads, for any address", () => {
  const address = fc.record({
    family: fc.constantFrom(4 as const, 6 as const),
    high: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    low: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffff_ffffn })),
    length: fc.nat(127),
  });
  fc.assert(
    fc.property(address, ({ family, high, low, length }) => {
      const bits = family === 4 ? low : (high << 64n) | low;
      const shorter = family === 4 ? length % 32 : length; // a host's has no length
      const prefix = prefixAround({ family, bits }, shorter)!;
      assertEquals(parsePrefix(formatPrefix(prefix)), prefix);
    }),
    { seed: 20261124 },
  );
});
