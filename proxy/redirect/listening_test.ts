import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { parseListening } from "./listening.ts";

const HEAD =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

/** As Linux writes a line. */
function line(local: string, state: string, inode = 4711): string {
  return `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0`;
}

const CASES = [
  { local: "0100007F:2BCB", address: "127.0.0.1", loopback: true },
  { local: "0200017F:2BCB", address: "127.1.0.2", loopback: true },
  { local: "00000000:2BCB", address: "0.0.0.0", loopback: false },
  { local: "0101510A:2BCB", address: "10.81.1.1", loopback: false },
  {
    local: "00000000000000000000000001000000:2BCB",
    address: "[::1]",
    loopback: true,
  },
  {
    local: "00000000000000000000000000000000:2BCB",
    address: "[::]",
    loopback: false,
  },
  {
    local: "0000000000000000FFFF00000100007F:2BCB",
    address: "127.0.0.1",
    loopback: true,
  },
  {
    local: "B80D0120000000000000000001000000:2BCB",
    address: "[2001:db8::1]",
    loopback: false,
  },
];

for (const { local, address, loopback } of CASES) {
  Deno.test(`parseListening() reads ${local} as ${address}`, () => {
    const [found] = parseListening([HEAD, line(local, "0A")].join("\n"));
    assertEquals(found, {
      address,
      port: 11211,
      isLoopback: loopback,
      inode: "4711",
    });
  });
}

Deno.test("parseListening() leaves out what does not listen, and what is no line", () => {
  const text = [HEAD, line("0100007F:0050", "01"), "", "nonsense"].join("\n");
  assertEquals(parseListening(text), []);
});
