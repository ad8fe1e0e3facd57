/** Socket addresses: byte for byte as the system has them, there and back. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import {
  decodeAddress,
  encodeAddress,
  encodeIp,
  SOCKADDR_BYTES,
} from "./sockaddr.ts";

const zeros = (count: number) => new Array<number>(count).fill(0);

const ENCODED: readonly {
  readonly text: string;
  readonly port: number;
  readonly bytes: readonly number[];
}[] = [
  {
    text: "127.0.0.1",
    port: 80,
    bytes: [2, 0, 0, 80, 127, 0, 0, 1, ...zeros(8)],
  },
  {
    text: "0.0.0.0",
    port: 0,
    bytes: [2, 0, 0, 0, 0, 0, 0, 0, ...zeros(8)],
  },
  {
    text: "255.254.253.252",
    port: 65535,
    bytes: [2, 0, 255, 255, 255, 254, 253, 252, ...zeros(8)],
  },
  {
    text: "::1",
    port: 0x1234,
    bytes: [10, 0, 0x12, 0x34, ...zeros(4), ...zeros(15), 1, ...zeros(4)],
  },
  {
    text: "2001:db8::a:0:1",
    port: 1,
    bytes: [
      ...[10, 0, 0, 1, ...zeros(4)],
      ...[0x20, 0x01, 0x0d, 0xb8, ...zeros(7), 10, 0, 0, 0, 1],
      ...zeros(4),
    ],
  },
  {
    text: "::ffff:10.1.2.3", // an IPv4 address, and so an IPv4 socket
    port: 1,
    bytes: [2, 0, 0, 1, 10, 1, 2, 3, ...zeros(8)],
  },
];

for (const { text, port, bytes } of ENCODED) {
  Deno.test(`encodeIp() writes ${text} port ${port}`, () => {
    assertEquals([...encodeIp(text, port)!], bytes);
  });
}

for (
  const text of ["", "localhost", "1.2.3", "1.2.3.256", "01.2.3.4", "fe80::1%1"]
) {
  Deno.test(`encodeIp() knows ${JSON.stringify(text)} for no address`, () => {
    assertEquals(encodeIp(text, 1), undefined);
  });
}

const PATHS: readonly { readonly path: string; readonly fits: boolean }[] = [
  { path: "/run/x.sock", fits: true },
  { path: `/${"x".repeat(106)}`, fits: true },
  { path: `/${"x".repeat(107)}`, fits: false }, // no room for its zero
  { path: `/${"ü".repeat(53)}`, fits: true }, // two bytes each
  { path: `/${"ü".repeat(54)}`, fits: false },
  { path: "", fits: false }, // an abstract name, to the system
];

for (const { path, fits } of PATHS) {
  const bytes = new TextEncoder().encode(path);
  Deno.test(`encodeAddress() of a path of ${bytes.length} bytes: ${fits ? "fits" : "does not fit"}`, () => {
    const encoded = encodeAddress({ transport: "unix", path });
    const wanted = fits ? [1, 0, ...bytes, 0] : undefined;
    assertEquals(encoded && [...encoded], wanted);
  });
}

Deno.test("encodeAddress() of a name is nothing: it is to be resolved first", () => {
  const name = { transport: "tcp", hostname: "db.example", port: 1 } as const;
  assertEquals(encodeAddress(name), undefined);
});

Deno.test("decodeAddress() of a Unix socket is nothing", () => {
  const encoded = encodeAddress({ transport: "unix", path: "/x" })!;
  assertEquals(decodeAddress(filled(encoded)), undefined);
});

Deno.test("decodeAddress() reads an IPv4 address that IPv6 carries as IPv4", () => {
  const carried = new Uint8Array(28);
  carried.set([10, 0, 0x1f, 0x90]);
  carried.set([0xff, 0xff, 192, 0, 2, 9], 18);
  assertEquals(decodeAddress(carried), { hostname: "192.0.2.9", port: 8080 });
});

Deno.test("decodeAddress() takes ::1.2.3.4 and ::fffe:1.2.3.4 for IPv6", () => {
  for (const marker of [0x00, 0xfe]) {
    const bytes = new Uint8Array(28);
    bytes[0] = 10;
    bytes.set([marker === 0 ? 0 : 0xff, marker, 1, 2, 3, 4], 18);
    const { hostname } = decodeAddress(bytes)!;
    assertEquals(hostname, marker === 0 ? "::102:304" : "::fffe:102:304");
  }
});

/** In a buffer of the system's size, which had another address before. */
function filled(sockaddr: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(SOCKADDR_BYTES).fill(0xa5);
  buffer.set(sockaddr);
  return buffer;
}

/** How a URL spells it: the shortest form (RFC 5952), found by other code. */
function spelt(groups: readonly number[]): string {
  const written = groups.map((group) => group.toString(16)).join(":");
  return new URL(`http://[${written}]/`).hostname.slice(1, -1);
}

const port = fc.integer({ min: 0, max: 65535 });
/** Zeros often, so that `::` stands everywhere in turn. */
const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
const ipv4 = fc.tuple(...new Array(4).fill(fc.integer({ min: 0, max: 255 })))
  .map((parts) => parts.join("."));
const ipv6 = fc.tuple(...new Array(8).fill(group) as (typeof group)[])
  .filter((groups) =>
    groups.slice(0, 5).some((value) => value !== 0) || groups[5] !== 0xffff
  );

Deno.test("an IPv4 address comes back as it was written", () => {
  fc.assert(fc.property(ipv4, port, (hostname, port) => {
    const encoded = filled(encodeIp(hostname, port)!);
    assertEquals(decodeAddress(encoded), { hostname, port });
  }));
});

Deno.test("an IPv6 address comes back in its shortest form, however it was written", () => {
  fc.assert(fc.property(ipv6, port, (groups, port) => {
    const shortest = spelt(groups);
    const longest = groups.map((value) => value.toString(16).padStart(4, "0"))
      .join(":");
    for (const hostname of [shortest, longest, longest.toUpperCase()]) {
      const encoded = filled(encodeIp(hostname, port)!);
      assertEquals(decodeAddress(encoded), { hostname: shortest, port });
    }
  }));
});
