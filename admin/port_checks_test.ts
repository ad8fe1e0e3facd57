/** Whether a port answers is what the kubelet is told, by real connections. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { PortChecks } from "./port_checks.ts";
import { freePort } from "../tests/free_port.ts";

const LOOPBACK = { hostname: "127.0.0.1", port: 0 };

/** Asks as the kubelet does. */
async function ask(checks: PortChecks, path: string, hostname = "127.0.0.1") {
  const { port } = checks.address;
  const response = await fetch(`http://${hostname}:${port}${path}`);
  return { status: response.status, body: await response.text() };
}

Deno.test("a port that takes connections is 200; once it does not, 503 and why", async () => {
  const workload = Deno.listen(LOOPBACK);
  const { port } = workload.addr as Deno.NetAddr;
  await using checks = new PortChecks({ listen: LOOPBACK, ports: [port] });
  assertEquals(await ask(checks, `/ports/${port}`), {
    status: 200,
    body: "it answers\n",
  });
  workload.close();
  const { status, body } = await ask(checks, `/ports/${port}`);
  assertEquals(status, 503);
  assertMatch(body, new RegExp(`port ${port}: Connection refused`));
});

Deno.test("the address that was asked is the one that is dialled, in either family", async () => {
  using workload = Deno.listen(LOOPBACK);
  const { port } = workload.addr as Deno.NetAddr;
  await using checks = new PortChecks({
    listen: { hostname: "::", port: 0 },
    ports: [port],
  });
  assertEquals((await ask(checks, `/ports/${port}`)).status, 200);
  assertEquals((await ask(checks, `/ports/${port}`, "127.0.0.2")).status, 503);
  assertEquals((await ask(checks, `/ports/${port}`, "[::1]")).status, 503);
});

for (
  const path of [
    "/",
    "/ports/",
    "/ports/x",
    "/ports/0",
    "/ports/70000",
    "/ports/22",
    "/ports/1?x",
  ]
) {
  Deno.test(`nothing is dialled for ${path}`, async () => {
    await using checks = new PortChecks({
      listen: LOOPBACK,
      ports: [freePort()],
    });
    assertEquals((await ask(checks, path)).status, 404);
  });
}

Deno.test("what is no question is answered as none, and others are still heard", async () => {
  await using checks = new PortChecks({ listen: LOOPBACK, ports: [1] });
  for (const text of ["\r\n\r\n", "x".repeat(5000), "\xff\x00\r\n\r\n"]) {
    using conn = await Deno.connect({ ...LOOPBACK, port: checks.address.port });
    await conn.write(new TextEncoder().encode(text));
    const buffer = new Uint8Array(100);
    const read = await conn.read(buffer) ?? 0;
    const reply = new TextDecoder().decode(buffer.subarray(0, read));
    assertMatch(reply, /^HTTP\/1\.1 404 /);
  }
  assertEquals((await ask(checks, "/ports/1")).status, 503);
});

Deno.test("however many ask nothing, who asks is answered", async () => {
  await using checks = new PortChecks({ listen: LOOPBACK, ports: [1] });
  const { port } = checks.address;
  const silent = await Promise.all(
    Array.from({ length: 100 }, () => Deno.connect({ ...LOOPBACK, port })),
  );
  assertEquals((await ask(checks, "/ports/1")).status, 503);
  for (const conn of silent) conn.close();
});

Deno.test("the end does not wait for who asks nothing", async () => {
  const checks = new PortChecks({ listen: LOOPBACK, ports: [1] });
  using silent = await Deno.connect({ ...LOOPBACK, port: checks.address.port });
  assertEquals((await ask(checks, "/ports/1")).status, 503); // so that it is accepted
  await checks[Symbol.asyncDispose]();
  assertEquals(await silent.read(new Uint8Array(1)).catch(() => null), null);
});
