/** What the system refuses: said by name, with what to do, and gone when its cause is. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { poll, type Wire } from "../e2e/harness.ts";
import { onPath } from "../setup/tool.ts";
import { descriptorsOf, ignore, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";

/** Registers a test that changes limits or rights with a program of the system. */
function testWith(
  program: string,
  name: string,
  fn: () => Promise<void>,
): void {
  const has = onPath(program) !== undefined;
  Deno.test({
    name: has ? name : `${name} (skipped: there is no ${program})`,
    ignore: ignore || !has,
    fn,
  });
}

/** Lets a process have descriptors with numbers below this one only. */
async function limit(pid: number, files: number): Promise<void> {
  const { success } = await new Deno.Command("prlimit", {
    args: [`--pid=${pid}`, `--nofile=${files}:`],
  }).output();
  assert(success);
}

/** Leaves a process so many descriptors to open. */
async function leave(pid: number, count: number): Promise<void> {
  const folder = await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`));
  const used = new Set(folder.map(({ name }) => Number(name)));
  let number = 0;
  for (let free = 0;; number++) {
    if (!used.has(number) && free++ === count) break;
  }
  await limit(pid, number);
}

testWith(
  "prlimit",
  "a worker without descriptors says which limit it is, goes on with what it has, and accepts again as soon as it can",
  async () => {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: [{ name: "a", upstream: server.address }] },
    });
    const [worker] = await parley.freshWorkers(1);
    using old = await parley.connect("a");
    assertEquals(await old.ask("old\n", "\n"), "old\n");
    const used = await descriptorsOf(worker!);
    const [, before] = /^Max open files +(\d+)/m.exec(
      await Deno.readTextFile(`/proc/${worker}/limits`),
    )!;
    const start = performance.now();
    await leave(worker!, 0);
    const wires: Wire[] = [];
    for (let i = 0; i < 5; i++) wires.push(await parley.connect("a"));
    const warning = await parley.until(/cannot accept/);
    assertMatch(
      warning,
      /cannot accept at 127\.0\.0\.1:\d+: .*\(os error 24\)/,
    );
    assertMatch(warning, /trying again in \d+ ms; raise the open-file limit/);
    assertEquals(await old.ask("still\n", "\n"), "still\n");
    await limit(worker!, Number(before));
    for (const wire of wires) {
      assertEquals(await wire.ask("late\n", "\n"), "late\n");
      wire.close();
    }
    await poll(
      async () => await descriptorsOf(worker!) <= used ? true : undefined,
      () => `return to ${used} descriptors`,
    );
    // A warning for every attempt would fill the log of the operator; ten a second are tried.
    const most = 50 + (performance.now() - start) / 100;
    const warnings = parley.said.all().filter((line) =>
      line.includes("cannot accept")
    );
    assert(warnings.length < most, `${warnings.length} warnings`);
  },
);

testWith(
  "prlimit",
  "a worker whose last descriptor went to the client ends that connection with the system's words, and others go on",
  async () => {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: [{ name: "a", upstream: server.address }] },
    });
    const [worker] = await parley.freshWorkers(1);
    using old = await parley.connect("a");
    assertEquals(await old.ask("old\n", "\n"), "old\n");
    await leave(worker!, 1);
    using wire = await parley.connect("a");
    assertEquals((await wire.readToEnd()).text, "");
    const line = await parley.log.closed(wire);
    assertEquals(line.reason, "upstream-unreachable");
    assertMatch(String(line.fields["status"]), /\(os error 24\)/);
    assertEquals(await old.ask("still\n", "\n"), "still\n");
  },
);

Deno.test({
  name:
    "a sidecar that starts with few descriptors says how many connections that allows",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: [{ name: "a", upstream: server.address }] },
      around: ["sh", "-c", 'ulimit -n 96; exec "$0" "$@"'],
    });
    assertMatch(
      parley.said.all().join("\n"),
      /limits\.connections is \d+, but the open-file limit of 96 allows 16; raise it with ulimit -n/,
    );
    using wire = await parley.connect("a");
    assertEquals(await wire.ask("x\n", "\n"), "x\n");
  },
});

testWith(
  "setpriv",
  "a tproxy listener without the capability names the capability, and the sidecar does not start",
  async () => {
    const { code, said } = await Parley.refused({
      config: {
        listeners: [{
          name: "a",
          upstream: "original-dst",
          transparent: "tproxy",
        }],
      },
      around: [
        "setpriv",
        ...(Deno.uid() === 0
          ? [
            "--bounding-set=-net_admin,-net_raw",
            "--inh-caps=-net_admin,-net_raw",
          ]
          : []),
      ],
    });
    assertEquals(code, 1, said);
    assertMatch(said, /Cannot listen at 127\.0\.0\.1:0: /);
    assertMatch(said, /setsockopt\(IP_TRANSPARENT\): .*\(os error 1\)/);
    assertMatch(said, /CAP_NET_ADMIN/);
  },
);

Deno.test({
  name:
    "without foreign functions the sidecar does not start, and says what to allow or to use instead",
  ignore,
  async fn() {
    const { code, said } = await Parley.refused({
      config: { listeners: [{ name: "a", upstream: "127.0.0.1:1" }] },
      permissions: ["--allow-all", "--deny-ffi"],
    });
    assertEquals(code, 1, said);
    assertMatch(said, /Cannot open the C library/);
    assertMatch(said, /--allow-ffi/);
    assertMatch(said, /--portable/);
  },
});

Deno.test({
  name:
    "an access log that cannot be opened is told of with its path, and the sidecar does not start",
  ignore,
  async fn() {
    const { code, said } = await Parley.refused({
      config: {
        listeners: [{ name: "a", upstream: "127.0.0.1:1" }],
        accessLog: { file: "/nowhere/at/all/access.log" },
      },
    });
    assertEquals(code, 1, said);
    assertMatch(
      said,
      /Cannot open the access log at \/nowhere\/at\/all\/access\.log: open: .*\(os error 2\)/,
    );
  },
});
