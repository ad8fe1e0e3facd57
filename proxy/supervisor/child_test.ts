/** A process as the supervisor sees it, at its beginning and after its end. */
import {
  deepStrictEqual as assertEquals,
  rejects as assertRejects,
  throws as assertThrows,
} from "node:assert/strict";
import { Channel, openPair } from "../linux/channel.ts";
import type { SandboxOptions } from "../sandbox/spawn.ts";
import { Checker } from "./checker.ts";
import { Child } from "./child.ts";
import { Kernel } from "./kernel.ts";

const ignore = Deno.build.os !== "linux";
/** Its program is not there, so that it ends at once. */
const GONE: SandboxOptions = {
  entry: new URL("not_there.ts", import.meta.url),
  args: [],
  read: [],
  connect: [],
  config: new URL("../../deno.json", import.meta.url).pathname,
};

Deno.test({
  name: "what is sent to a process that has ended reaches nobody else",
  ignore,
  async fn() {
    using kernel = new Kernel();
    const child = new Child(kernel, GONE, () => {});
    await child.ended;
    const sockets = Array.from({ length: 8 }, () => openPair(kernel.libc))
      .flatMap(({ own, child }) => [own, child])
      .map((fd) => new Channel(kernel.libc, fd));
    await child.send("for the one that has gone");
    for (const socket of sockets) {
      assertEquals(socket.receive(false), "nothing-yet");
    }
    for (const socket of sockets) socket.close();
  },
});

Deno.test({
  name: "a descriptor may be closed before its message's turn comes",
  ignore,
  async fn() {
    using kernel = new Kernel();
    const child = new Child(kernel, GONE, () => {});
    Deno.kill(child.pid, "SIGSTOP"); // it reads nothing
    void child.send("x".repeat(2 ** 22));
    const pair = openPair(kernel.libc);
    const sent = child.send("take it", pair.child);
    kernel.libc.symbols.close(pair.child);
    const own = new Channel(kernel.libc, pair.own);
    assertEquals(own.receive(false), "nothing-yet"); // the other end is open
    child.kill();
    await sent;
    assertEquals(own.receive(false), undefined);
    own.close();
    await child.ended;
  },
});

Deno.test({
  name: "a process that does not start leaves no descriptor behind",
  ignore,
  fn() {
    using kernel = new Kernel();
    const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
    const before = count();
    const args = ["x".repeat(2 ** 22)]; // more than a program may be given
    assertThrows(() => new Child(kernel, { ...GONE, args }, () => {}));
    assertEquals(count(), before);
  },
});

Deno.test({
  name: "a checker that has ended is asked nothing, and says how it ended",
  ignore,
  async fn() {
    using kernel = new Kernel();
    await using checker = new Checker(kernel, GONE, () => {});
    const ask = () => checker.stage([], {});
    await assertRejects(ask, /its checker ended with exit code/);
    await assertRejects(ask, /its checker ended with exit code/);
  },
});
