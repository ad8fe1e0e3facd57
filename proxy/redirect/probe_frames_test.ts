import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { checksum, synFrame } from "./probe_frames.ts";

Deno.test("checksum() is that of RFC 1071's example", () =>
  assertEquals(
    checksum(Uint8Array.fromHex("0001f203f4f5f6f7")),
    ~0xddf2 & 0xffff,
  ));

const WIRE = {
  from: Uint8Array.fromHex("020000000001"),
  to: Uint8Array.fromHex("020000000002"),
};

const CASES = [
  {
    family: 4,
    hosts: ["198.51.100.2", "198.51.100.1"],
    type: "0800",
    header: 20,
    addresses: 12,
  },
  {
    family: 6,
    hosts: ["2001:db8::2", "2001:db8::1"],
    type: "86dd",
    header: 40,
    addresses: 8,
  },
] as const;

for (const { family, hosts, type, header, addresses } of CASES) {
  Deno.test(`synFrame() of IPv${family}: addresses, ports, SYN, and sums that come out even`, () => {
    const [from, to] = hosts;
    const frame = synFrame(
      WIRE,
      { family, host: from, port: 40000 },
      { family, host: to, port: 11211 },
    );
    assertEquals(
      frame.subarray(0, 14).toHex(),
      `020000000002020000000001${type}`,
    );
    const packet = frame.subarray(14);
    const segment = packet.subarray(header);
    assertEquals(segment.length, 20);
    const view = new DataView(segment.buffer, segment.byteOffset);
    assertEquals([view.getUint16(0), view.getUint16(2)], [40000, 11211]);
    assertEquals(segment[13], 0x02);
    // A sum over what has its own sum inside is 0 (RFC 1071).
    if (family === 4) assertEquals(checksum(packet.subarray(0, header)), 0);
    const pseudo = [...packet.subarray(addresses, header), 0, 6, 0, 20];
    assertEquals(checksum(new Uint8Array([...pseudo, ...segment])), 0);
  });
}
