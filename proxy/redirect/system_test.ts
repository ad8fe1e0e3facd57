/** What is asked of the system by foreign functions: on loopback, no rights needed. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  throws,
} from "node:assert/strict";
import { EADDRINUSE, SystemError } from "../linux/errno.ts";
import { interfaces } from "./interfaces.ts";
import { ProbeSockets } from "./probe_sockets.ts";
import { openProc } from "./proc.ts";

const ignore = Deno.build.os !== "linux";

// The library stays open; opened in a test it would count as a leak of that test's.
const opened = ignore ? undefined : {
  sockets: new ProbeSockets(),
  proc: openProc(),
  interfaces: interfaces(),
};

function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

for (const [family, host] of [[4, "127.0.0.1"], [6, "::1"]] as const) {
  Deno.test({
    name:
      `ProbeSockets: a connection over IPv${family} loopback, and nothing left open`,
    ignore,
    fn() {
      const { sockets } = opened!;
      const before = descriptors();
      {
        using listener = sockets.listen({ family, host, port: 0 });
        const address = sockets.localAddress(listener);
        assertEquals([address.family, address.host], [family, host]);
        assertEquals(sockets.accept(listener, 0), undefined);
        using dialled = sockets.dial(address);
        assertEquals(sockets.outcome(dialled, 1_000), {});
        using accepted = sockets.accept(listener, 1_000);
        assert(accepted);
        assertEquals(
          sockets.peerAddress(accepted),
          sockets.localAddress(dialled),
        );
        throws(
          () => sockets.listen(address),
          (error) => (error as SystemError).errno === EADDRINUSE,
        );
      }
      assertEquals(descriptors(), before);
    },
  });
}

Deno.test({
  name: "ProbeSockets.outcome() is the error of a refused connection",
  ignore,
  fn() {
    const { sockets } = opened!;
    const address = { family: 4, host: "127.0.0.1", port: 0 } as const;
    const listener = sockets.listen(address);
    const closed = sockets.localAddress(listener);
    listener[Symbol.dispose]();
    using dialled = sockets.dial(closed);
    const error = sockets.outcome(dialled, 1_000)?.error;
    assertEquals([error?.call, error?.text], ["connect", "Connection refused"]);
  },
});

Deno.test({
  name:
    "openProc() reads files, links and folders, and knows what is not there",
  ignore,
  fn() {
    const { proc } = opened!;
    const before = descriptors();
    const self = `/proc/${Deno.pid}`;
    assertEquals(
      proc.text(`${self}/comm`),
      Deno.readTextFileSync(`${self}/comm`),
    );
    assertEquals(proc.link(`${self}/cwd`), Deno.cwd());
    assert(proc.names("/proc").includes(String(Deno.pid)));
    assertEquals(proc.text("/proc/nothing"), undefined);
    assertEquals(proc.link("/proc/nothing"), undefined);
    assertEquals(proc.names("/proc/nothing"), []);
    assertEquals(descriptors(), before);
  },
});

Deno.test({
  name: "interfaces() are those that the runtime knows",
  ignore,
  fn() {
    const known = Deno.networkInterfaces()
      .map(({ address, cidr }) => `${address}/${cidr.split("/")[1]}`);
    const found = opened!.interfaces
      .map(({ address, prefix }) => `${address}/${prefix}`);
    assertEquals(found.sort(), known.sort());
  },
});
