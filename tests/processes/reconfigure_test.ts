/** SIGHUP: the log is opened again, and the configuration read again, while connections go on. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { AccessLog } from "../e2e/access_log.ts";
import { poll, Wire } from "../e2e/harness.ts";
import { type Config, gone, ignore, Parley, send, stopped } from "./parley.ts";
import { LineServer, missing } from "./servers.ts";
import { freePort } from "../free_port.ts";

const MISS = "END\r\n";
const DENIED = "CLIENT_ERROR access denied\r\n";

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `SIGHUP: ${name}`, ignore, fn });
}

test("the access log goes on in a new file after a rotation; no line is lost", async () => {
  await using server = missing();
  await using parley = await Parley.start({
    config: {
      data: { workers: 2 },
      listeners: [{ name: "a", upstream: server.address, l7proto: "memcache" }],
    },
  });
  const wires = await Promise.all(
    Array.from({ length: 8 }, () => parley.connect("a")),
  );
  const askAll = (key: string) =>
    Promise.all(wires.map((wire) => wire.ask(`get ${key}\r\n`, MISS)));
  await askAll("before");
  const path = `${parley.folder}/access.log`;
  const old = new AccessLog(`${path}.1`);
  await Deno.rename(path, old.path);
  await askAll("between"); // to the file that has another name now
  parley.signal("SIGHUP");
  // It is there as soon as it is opened; workers are told of it after that.
  await poll(
    () => Deno.stat(path).then(() => true, () => undefined),
    () => "new log file",
  );
  let asked = 2;
  await poll(async () => {
    await askAll(`after`);
    asked++;
    const fresh = await parley.log.lines({ type: "request" });
    return fresh.length >= wires.length ? true : undefined;
  }, () => "lines in the new file");
  for (const wire of wires) wire.close();
  parley.signal("SIGTERM");
  assertEquals((await parley.ended()).code, 0);
  const requests = [
    ...await old.lines({ type: "request" }),
    ...await parley.log.lines({ type: "request" }),
  ];
  assertEquals(requests.length, asked * wires.length);
  const early = await parley.log.lines({ type: "request" });
  assertEquals(
    early.filter(({ fields }) =>
      /before|between/.test(String(fields["keys"] ?? fields["key"]))
    ),
    [],
    "what was before stays in the old file",
  );
});

test("a listener that is new is served by every worker; one that is gone takes nobody, and its connections go on", async () => {
  await using server = new LineServer();
  const kept = { name: "kept", upstream: server.address };
  const gone = { name: "gone", upstream: server.address };
  const added = { name: "added", upstream: server.address };
  await using parley = await Parley.start({
    config: { data: { workers: 2 }, listeners: [kept, gone] },
  });
  const workers = await parley.freshWorkers(2);
  using old = await parley.connect("gone");
  using other = await parley.connect("kept");
  assertEquals(await old.ask("1\n", "\n"), "1\n");
  assertEquals(await other.ask("1\n", "\n"), "1\n");

  await parley.configure({ data: { workers: 2 }, listeners: [kept, added] });
  parley.signal("SIGHUP");
  await parley.port("added");
  const wires = await Promise.all(
    Array.from({ length: 8 }, () => parley.connect("added")),
  );
  for (const wire of wires) {
    assertEquals(await wire.ask("new\n", "\n"), "new\n");
    wire.close();
  }
  const port = await parley.port("gone");
  await poll(async () => {
    try {
      (await Wire.connect(port)).close();
      return undefined;
    } catch (error) {
      return error instanceof Deno.errors.ConnectionRefused ? true : undefined;
    }
  }, () => "refusal at the listener that is gone");
  assertEquals(await old.ask("2\n", "\n"), "2\n");
  assertEquals(await other.ask("2\n", "\n"), "2\n");
  await parley.onlyWorkers(workers); // no worker was replaced
});

test("a listener whose port is taken by another one's place is bound again", async () => {
  await using one = new LineServer((line) => `one ${line}\n`);
  await using two = new LineServer((line) => `two ${line}\n`);
  const listen = `127.0.0.1:${freePort()}`;
  await using parley = await Parley.start({
    config: { listeners: [{ name: "a", listen, upstream: one.address }] },
  });
  using before = await parley.connect("a");
  assertEquals(await before.ask("x\n", "\n"), "one x\n");
  const from = parley.said.length;
  await parley.configure({
    listeners: [{ name: "b", listen, upstream: two.address }],
  });
  parley.signal("SIGHUP");
  await parley.port("b", from);
  await poll(async () => {
    using wire = await parley.connect("b");
    return await wire.ask("x\n", "\n") === "two x\n" ? true : undefined;
  }, () => "new upstream");
  assertEquals(await before.ask("y\n", "\n"), "one y\n");
});

/** Readers may get, writers may set; the guarded workload's port is 11211. */
const POLICY = JSON.stringify({
  apiVersion: "cilium.io/v2",
  kind: "CiliumNetworkPolicy",
  metadata: { name: "guard" },
  spec: {
    endpointSelector: { matchLabels: { app: "guarded" } },
    ingress: [["reader", "get"], ["writer", "set"]].map(([role, command]) => ({
      fromEndpoints: [{ matchLabels: { role } }],
      toPorts: [{
        ports: [{ port: "11211", protocol: "TCP" }],
        rules: { l7proto: "memcache", l7: [{ command }] },
      }],
    })),
  },
});
const SET = "set a 0 0 0\r\n\r\n";

test("identities and mode count from the next request of an open connection on", async () => {
  await using server = missing();
  const policies = await Deno.makeTempDir({ prefix: "parley-policies-" });
  try {
    await Deno.writeTextFile(`${policies}/guard.yaml`, POLICY);
    const reader = { cidr: "127.0.0.1/32", labels: { role: "reader" } };
    const writer = { cidr: "127.0.0.1/32", labels: { role: "writer" } };
    const config = (more: Record<string, unknown>): Config => ({
      data: { workers: 2 },
      policies: [policies],
      listeners: [{ name: "a", upstream: server.address, port: 11211 }],
      ...more,
    });
    await using parley = await Parley.start({
      config: config({ identities: [reader] }),
    });
    const workers = await parley.freshWorkers(2);
    const wires = await Promise.all(
      Array.from({ length: 6 }, () => parley.connect("a")),
    );
    const ask = async (request: string) => {
      const replies = await Promise.all(
        wires.map((wire) => wire.ask(request, "\r\n")),
      );
      return replies.every((reply) => reply === replies[0])
        ? replies[0]!
        : replies.join();
    };
    /** Asks until all connections are of one new mind. */
    const becomes = (request: string, wanted: string) =>
      poll(
        async () => await ask(request) === wanted ? true : undefined,
        () => `${wanted} to ${request}`,
      );
    assertEquals([await ask("get a\r\n"), await ask(SET)], [MISS, DENIED]);

    await parley.configure(config({ identities: [writer] }));
    parley.signal("SIGHUP");
    await becomes("get a\r\n", DENIED);
    assertEquals(await ask(SET), MISS); // the server says so to everything

    await parley.configure(config({ identities: [writer], mode: "audit" }));
    parley.signal("SIGHUP");
    await becomes("get a\r\n", MISS); // it passes, and is logged

    await parley.configure(config({ identities: [reader] }));
    parley.signal("SIGHUP");
    await becomes(SET, DENIED);
    assertEquals(await ask("get a\r\n"), MISS);
    await parley.onlyWorkers(workers); // no worker was replaced
    const ended = await parley.log.lines({ type: "connection" });
    assertEquals(ended, [], "they are the same connections all the time");
    for (const wire of wires) wire.close();
  } finally {
    await Deno.remove(policies, { recursive: true });
  }
});

Deno.test({
  name: "a cluster's stream is followed by every worker",
  ignore,
  fn: async () => {
    await using server = missing();
    const folder = await Deno.makeTempDir({ prefix: "parley-cluster-" });
    try {
      await Deno.writeTextFile(`${folder}/guard.yaml`, POLICY);
      const stream = `${folder}/cluster.jsonl`;
      const role = (role: string) =>
        JSON.stringify({
          event: "identity",
          cidr: "127.0.0.1",
          labels: { role },
        }) + "\n";
      await Deno.writeTextFile(stream, `${role("reader")}{"event":"synced"}\n`);
      await using parley = await Parley.start({
        config: {
          data: { workers: 2 },
          policies: [`${folder}/guard.yaml`],
          cluster: { stream },
          listeners: [{ name: "a", upstream: server.address, port: 11211 }],
        },
      });
      const wires = await Promise.all(
        Array.from({ length: 6 }, () => parley.connect("a")),
      );
      const ask = async (request: string) => {
        const replies = await Promise.all(
          wires.map((wire) => wire.ask(request, "\r\n")),
        );
        return replies.join("");
      };
      const all = (reply: string) => reply.repeat(wires.length);
      assertEquals(await ask("get a\r\n"), all(MISS));
      await Deno.writeTextFile(stream, role("writer"), { append: true });
      await poll(
        async () => await ask("get a\r\n") === all(DENIED) ? true : undefined,
        () => "the new role counts",
      );
      for (const wire of wires) wire.close();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

test("an upstream at another port is reached by new workers; open connections go on in the old ones, which end with them", async () => {
  await using one = new LineServer((line) => `one ${line}\n`);
  await using two = new LineServer((line) => `two ${line}\n`);
  const listen = `127.0.0.1:${freePort()}`;
  const config = (upstream: string): Config => ({
    data: { workers: 2 },
    listeners: [{ name: "a", listen, upstream }],
  });
  await using parley = await Parley.start({ config: config(one.address) });
  const old = await parley.freshWorkers(2);
  const wires = await Promise.all(
    Array.from({ length: 6 }, () => parley.connect("a")),
  );
  const stillOld = async () => {
    for (const wire of wires) {
      assertEquals(await wire.ask("x\n", "\n"), "one x\n");
    }
  };
  await stillOld();

  await parley.configure(config(two.address));
  parley.signal("SIGHUP");
  await parley.freshWorkers(2, old);
  await parley.until(/2 new workers take all new connections/);
  await stillOld();
  for (let i = 0; i < 10; i++) {
    using wire = await parley.connect("a");
    assertEquals(await wire.ask("x\n", "\n"), "two x\n");
  }
  for (const wire of wires) wire.close();
  for (const pid of old) await gone(pid);
  await poll(
    async () => (await parley.workers()).length === 2 ? true : undefined,
    () => "two workers alone",
  );
  const died = parley.said.all().filter((line) => /died/.test(line));
  assertEquals(died, [], "nobody died: they were replaced");
});

test("another number of workers is had, and open connections go on", async () => {
  await using server = new LineServer();
  const config = (workers: number): Config => ({
    data: { workers },
    listeners: [{ name: "a", upstream: server.address }],
  });
  await using parley = await Parley.start({ config: config(1) });
  const old = await parley.freshWorkers(1);
  using wire = await parley.connect("a");
  assertEquals(await wire.ask("1\n", "\n"), "1\n");
  await parley.configure(config(3));
  parley.signal("SIGHUP");
  await parley.freshWorkers(3, old);
  assertEquals(await wire.ask("2\n", "\n"), "2\n");
  using fresh = await parley.connect("a");
  assertEquals(await fresh.ask("3\n", "\n"), "3\n");
});

test("of two configurations in quick succession the last one wins, though the first takes longer to read", async () => {
  await using one = new LineServer((line) => `one ${line}\n`);
  await using two = new LineServer((line) => `two ${line}\n`);
  await using three = new LineServer((line) => `three ${line}\n`);
  const listen = `127.0.0.1:${freePort()}`;
  const config = (upstream: string, identities: number): Config => ({
    identities: Array.from({ length: identities }, (_, i) => ({
      cidr: `10.${i >> 8}.${i & 255}.0/24`,
      labels: { number: String(i) },
    })),
    listeners: [{ name: "a", listen, upstream }],
  });
  await using parley = await Parley.start({ config: config(one.address, 0) });
  const reader = await stoppedReader(parley, config(two.address, 3000));
  try {
    const from = parley.said.length;
    await parley.configure(config(three.address, 0));
    parley.signal("SIGHUP");
    await parley.until(/log was opened again/, from); // it was heard
    assertEquals(await parley.readers(), [reader], "one reading at a time");
  } finally {
    send(reader, "SIGCONT");
  }
  const ask = async () => {
    using wire = await parley.connect("a");
    return await wire.ask("x\n", "\n").catch(() => "");
  };
  await poll(
    async () => await ask() === "three x\n" ? true : undefined,
    () => "last upstream",
  );
  // Nothing is under way any more: both were carried out, and what they replaced is gone.
  await poll(async () => {
    const replaced = parley.said.all().filter((line) =>
      /new workers take all new connections/.test(line)
    );
    const over = replaced.length === 2 &&
      (await parley.workers()).length === 1 &&
      (await parley.readers()).length === 0;
    return over || undefined;
  }, () => "end of all that was asked for");
  for (let i = 0; i < 5; i++) assertEquals(await ask(), "three x\n");
});

/** Has a configuration read by a process that stands still before it says what it has read. */
async function stoppedReader(parley: Parley, config: Config): Promise<number> {
  const file = `${parley.folder}/parley.yaml`;
  const long = new Date(0); // before it was written, so that a reading is noted
  return await poll(async () => {
    const from = parley.said.length;
    await parley.configure(config);
    await Deno.utime(file, long, new Date());
    parley.signal("SIGHUP");
    await parley.until(/log was opened again/, from);
    await poll(
      async () => (await Deno.stat(file)).atime! > long || undefined,
      () => "reading",
    );
    const [reader] = await parley.readers();
    if (reader === undefined) return undefined; // it was quicker than we are
    return await stopped(reader) ? reader : undefined;
  }, () => "reading that can be stopped");
}

const BROKEN: readonly {
  readonly name: string;
  readonly text: string;
  readonly told: RegExp;
}[] = [
  {
    name: "that is no YAML",
    text: "listeners: [",
    told: /parley\.yaml:\d+:\d+: /,
  },
  {
    name: "with a key that is unknown",
    text: '{"listners": []}',
    told: /parley\.yaml:\d+:\d+: .*listners/,
  },
  {
    name: "without a listener",
    text: '{"mode": "audit"}',
    told: /there is no listener/,
  },
];

test("a broken configuration is told of with its position, and changes nothing", async () => {
  await using server = new LineServer();
  const config = { listeners: [{ name: "a", upstream: server.address }] };
  await using parley = await Parley.start({ config });
  const workers = await parley.freshWorkers(1);
  using wire = await parley.connect("a");
  for (const { name, text, told } of BROKEN) {
    const from = parley.said.length;
    await parley.write(text);
    parley.signal("SIGHUP");
    await parley.until(told, from);
    assertEquals(await wire.ask(`${name}\n`, "\n"), `${name}\n`);
    using fresh = await parley.connect("a");
    assertEquals(await fresh.ask("new\n", "\n"), "new\n");
  }
  await parley.onlyWorkers(workers);
  // And it is the last good one that counts when a worker is replaced.
  Deno.kill(workers[0]!, "SIGKILL");
  await parley.until(/has taken its place/);
  using fresh = await parley.connect("a");
  assertEquals(await fresh.ask("new\n", "\n"), "new\n");
});

test("a listener that cannot be bound is told of, and the others are served", async () => {
  await using server = new LineServer();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const kept = { name: "a", upstream: server.address };
  await using parley = await Parley.start({ config: { listeners: [kept] } });
  await parley.configure({
    listeners: [
      kept,
      { name: "b", upstream: server.address, listen: `127.0.0.1:${port}` },
      { name: "c", upstream: server.address },
    ],
  });
  parley.signal("SIGHUP");
  assertMatch(
    await parley.until(/Cannot listen/),
    new RegExp(`Cannot listen at 127\\.0\\.0\\.1:${port}: .*in use`),
  );
  using wire = await parley.connect("c");
  assertEquals(await wire.ask("c\n", "\n"), "c\n");
  using old = await parley.connect("a");
  assertEquals(await old.ask("a\n", "\n"), "a\n");
});
