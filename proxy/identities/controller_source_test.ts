/** A sidecar's side of a controller's stream: what it knows while the controller comes, goes, lies and is replaced, and what is left on disk. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
  rejects as assertRejects,
} from "node:assert/strict";
import fc from "fast-check";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import {
  Field,
  pod,
  policy,
  replica,
  smallCluster,
  sync,
} from "../../kube/controller/stream/testing.ts";
import { poll } from "../../tests/e2e/wait.ts";
import { freePort } from "../../tests/free_port.ts";
import { OLDER_MAX_MS } from "./controller_source.ts";
import { STATE_AGE_MAX_MS, StateFile } from "./state_file.ts";
import { Bench } from "./source_harness_test.ts";

async function field(cluster = sync(smallCluster())): Promise<Field> {
  const field = await Field.open(cluster, { port: freePort() });
  await Deno.writeTextFile(`${field.folder}/token`, "token-of-a\n");
  return field;
}

const C_IS_B = pod("c", { ips: ["10.0.0.3"], labels: { app: "b" } });

Deno.test("a source knows what the controller says, and what becomes of it", async () => {
  await using controller = await field();
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  assertEquals(it.policies, ["controller: ParleyPolicy/default/in"]);
  assertEquals(it.cidrs, ["10.0.0.2"]);
  assertEquals(it.source.told?.endpoint, {
    name: "a",
    namespace: "default",
    labels: { app: "a", "io.cilium.k8s.policy.serviceaccount": "default" },
  });
  assertMatch(it.status, /^controller URL: live, last heard 0 s ago$/);
  controller.cluster.setPod(C_IS_B);
  await it.knows("10.0.0.2", "10.0.0.3");
  controller.cluster.deletePolicy(policy({}));
  await it.knows();
  assertEquals(it.policies, []);
});

Deno.test("a source keeps what it knew while the controller is away, and says for how long", async () => {
  await using controller = await field();
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await controller.hangUp();
  await it.becomes(/: stale, last heard 0 s ago: /);
  it.now += 90_000;
  assertMatch(it.status, /: stale, last heard 90 s ago: /);
  assertEquals(it.cidrs, ["10.0.0.2"]);
  controller.cluster.setPod(C_IS_B);
  await controller.listen(controller.port);
  await it.becomes(/: live, last heard 0 s ago$/);
  await it.knows("10.0.0.2", "10.0.0.3");
});

Deno.test("a source that comes back is told only what it does not know", async () => {
  await using controller = await field();
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  const { counts } = controller.server;
  await controller.hangUp();
  await controller.listen(controller.port);
  await poll(
    () => controller.server.counts.streams === 1 || undefined,
    () => it.status,
  );
  await it.becomes(/: live/);
  assert(
    controller.server.counts.bytes < counts.bytes / 5,
    `${controller.server.counts.bytes} of ${counts.bytes}`,
  );
});

Deno.test("a source shows its token anew at each connection", async () => {
  await using controller = await field();
  await using it = new Bench(controller.folder, controller.url);
  controller.refused.set("token-of-a", "expired");
  const started = it.start();
  await it.becomes(
    /: starting, never heard: the controller answers 401: its token is refused: expired$/,
  );
  controller.refused.clear();
  await started;
  assertEquals(it.cidrs, ["10.0.0.2"]);
});

Deno.test("a source that is sent elsewhere shows its token to nobody there", async () => {
  await using elsewhere = await field();
  await using it = new Bench(elsewhere.folder, elsewhere.url);
  const redirecting = createServer(elsewhere.generation, (_, response) => {
    response.writeHead(307, { location: `${elsewhere.url}/v1/sidecar` }).end();
  });
  await new Promise<void>((resolve) =>
    redirecting.listen(0, "127.0.0.1", resolve)
  );
  const { port } = redirecting.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}`;
  try {
    await using sent = new Bench(elsewhere.folder, url);
    const stop = new AbortController();
    const started = sent.start(stop.signal);
    await sent.becomes(/: starting, never heard: .*redirect/);
    assertEquals(elsewhere.asked, []);
    stop.abort(new Error("enough"));
    await assertRejects(started, /enough/);
  } finally {
    redirecting.closeAllConnections();
    await new Promise((resolve) => redirecting.close(resolve));
  }
  await it.start(); // there somebody would have been
});

Deno.test("a source asks for all of the cluster when it is told to", async () => {
  await using controller = await field();
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  it.source.want("complete");
  await it.knows("10.0.0.1", "10.0.0.2", "10.0.0.3");
  assertEquals(it.source.told?.view, "complete");
  it.source.want("needed");
  await it.knows("10.0.0.2");
});

Deno.test("a start waits for the controller, until it is to stop", async () => {
  await using controller = await field(smallCluster()); // that is not synced
  await using it = new Bench(controller.folder, controller.url);
  const stop = new AbortController();
  const started = it.start(stop.signal);
  await it.becomes(/: starting, never heard: the controller answers 503/);
  stop.abort(new Error("enough"));
  await assertRejects(started, /enough/);
});

/** Waits until the file holds what the source knows. */
async function kept(folder: string, cidrs: number): Promise<string> {
  return await poll(async () => {
    const text = await Deno.readTextFile(`${folder}/state`).catch(() => "");
    const found = text.split("\n").filter((line) => line.includes('"cidr"'));
    return found.length === cidrs ? text : undefined;
  }, () => "the state is not kept");
}

Deno.test("a source that starts again goes on without the controller", async () => {
  await using controller = await field();
  {
    await using it = new Bench(controller.folder, controller.url);
    await it.start();
    await kept(controller.folder, 1);
    controller.cluster.setPod(C_IS_B);
    await kept(controller.folder, 2);
  }
  const { mode } = await Deno.stat(`${controller.folder}/state`);
  assertEquals(mode! & 0o777, 0o600);
  await controller.hangUp();
  await using it = new Bench(controller.folder, controller.url);
  it.now += 60_000;
  await it.start();
  assertEquals(it.cidrs, ["10.0.0.2", "10.0.0.3"]);
  assertEquals(it.policies, ["controller: ParleyPolicy/default/in"]);
  assertMatch(it.status, /: stale, last heard 6\d s ago: /);
});

Deno.test("a source that starts again does not go on with what is not true any more", async () => {
  await using controller = await field();
  {
    await using it = new Bench(controller.folder, controller.url);
    await it.start();
    await kept(controller.folder, 1);
  }
  controller.cluster.setPod(C_IS_B);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  assertEquals(it.cidrs, ["10.0.0.2", "10.0.0.3"]);
});

/** One that knows of pod c, and one that does not yet. */
function replicas() {
  const ahead = replica(sync(smallCluster()), "100");
  ahead.cluster.setPod(C_IS_B);
  return { ahead, behind: replica(sync(smallCluster()), "99") };
}

const OLDER = /: its state of pods is older than what was told before$/;

Deno.test("a source that comes to a replica that lags is not led back, and goes on once that has caught up", async () => {
  await using controller = await field();
  const { ahead, behind } = replicas();
  await controller.hangUp();
  await controller.listen(controller.port, ahead);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await controller.hangUp();
  await controller.listen(controller.port, behind);
  await it.becomes(OLDER);
  assertMatch(it.status, /: stale, /);
  assertEquals(it.cidrs, ["10.0.0.2", "10.0.0.3"]);
  assertEquals(it.warnings, []);
  behind.cluster.setPod(C_IS_B);
  behind.follow("100");
  await it.becomes(/: live, /);
  assertEquals(it.cidrs, ["10.0.0.2", "10.0.0.3"]);
  behind.cluster.deletePod(C_IS_B);
  await it.knows("10.0.0.2");
});

Deno.test("a replica that lags and says the same is believed, until it says what was before", async () => {
  await using controller = await field();
  const { ahead, behind } = replicas();
  behind.cluster.setPod(C_IS_B);
  await controller.hangUp();
  await controller.listen(controller.port, ahead);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await controller.hangUp();
  await controller.listen(controller.port, behind);
  await it.becomes(/: live, /);
  await poll(
    () => controller.server.counts.streams === 1 || undefined,
    () => it.status,
  );
  behind.cluster.deletePod(C_IS_B);
  await it.becomes(OLDER);
  assertEquals(it.cidrs, ["10.0.0.2", "10.0.0.3"]);
});

Deno.test("a source that starts again is not led back either", async () => {
  await using controller = await field();
  const { ahead, behind } = replicas();
  await controller.hangUp();
  await controller.listen(controller.port, ahead);
  {
    await using it = new Bench(controller.folder, controller.url);
    await it.start();
    await kept(controller.folder, 2);
  }
  await controller.hangUp();
  await controller.listen(controller.port, behind);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await it.becomes(OLDER);
  assertEquals(it.cidrs, ["10.0.0.2", "10.0.0.3"]);
});

Deno.test("when every answer is older for long, it counts, with a warning: the cluster was restored", async () => {
  await using controller = await field();
  const { ahead, behind } = replicas();
  await controller.hangUp();
  await controller.listen(controller.port, ahead);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await controller.hangUp();
  await controller.listen(controller.port, behind);
  await it.becomes(OLDER);
  it.now += OLDER_MAX_MS;
  await it.knows("10.0.0.2");
  assertMatch(it.status, /: live, /);
  assertMatch(
    it.warnings.join(),
    /is older than .*, and so was every answer for 10 minutes: it counts from now on/,
  );
  // What comes then is held against this one.
  behind.cluster.setPod(C_IS_B);
  await it.knows("10.0.0.2", "10.0.0.3");
  assertEquals(it.warnings.length, 1);
});

/** What may stand where a state was, and what is said of it. */
const UNFIT: readonly {
  readonly name: string;
  readonly spoil: (path: string, text: string) => Promise<void>;
  readonly said: RegExp;
}[] = [
  {
    name: "that is torn",
    spoil: (path, text) =>
      Deno.writeTextFile(path, text.slice(0, text.length - 20)),
    said: /is not used: it is not whole/,
  },
  {
    name: "that is empty",
    spoil: (path) => Deno.writeTextFile(path, ""),
    said: /is not used: it is not whole/,
  },
  {
    name: "in which one label was changed",
    spoil: (path, text) =>
      Deno.writeTextFile(path, text.replace('"app":"b"', '"app":"c"')),
    said: /is not used: it is not whole/,
  },
  {
    name: "of bytes that are no text",
    spoil: (path) => Deno.writeFile(path, new Uint8Array(5000).fill(0xff)),
    said: /is not used: /,
  },
  {
    name: "that is larger than any",
    spoil: (path) => Deno.truncate(path, 17 * 2 ** 20),
    said: /is not used: it has more than 16777216 bytes/,
  },
  {
    name: "that is a folder",
    spoil: async (path) => {
      await Deno.remove(path);
      await Deno.mkdir(path);
    },
    said: /is not used: it is not a regular file/,
  },
  {
    name: "that is a link",
    spoil: async (path) => {
      await Deno.rename(path, `${path}.other`);
      await Deno.symlink(`${path}.other`, path);
    },
    said: /is not used: it is not a regular file/,
  },
  {
    name: "that is too old",
    spoil: async (path) => {
      const then = (Date.now() - STATE_AGE_MAX_MS - 3_600_000) / 1000;
      await Deno.utime(path, then, then);
    },
    said: /is not used: it is 25 hours old/,
  },
];

for (const { name, spoil, said } of UNFIT) {
  Deno.test(`a state ${name} is not believed, and told of; the controller is waited for`, async () => {
    await using controller = await field();
    {
      await using it = new Bench(controller.folder, controller.url);
      await it.start();
      await kept(controller.folder, 1);
    }
    const path = `${controller.folder}/state`;
    await spoil(path, await Deno.readTextFile(path));
    await controller.hangUp();
    await using it = new Bench(controller.folder, controller.url);
    const started = it.start();
    await it.becomes(/: starting, never heard: /);
    assertMatch(it.warnings.join("\n"), said);
    await controller.listen(controller.port);
    await started;
    assertEquals(it.cidrs, ["10.0.0.2"]);
  });
}

Deno.test("a state of a time that has not come is used with a warning, and ages from then on", async () => {
  await using controller = await field();
  {
    await using it = new Bench(controller.folder, controller.url);
    await it.start();
    await kept(controller.folder, 1);
  }
  await controller.hangUp();
  const path = `${controller.folder}/state`;
  const later = new Date(Date.now() + STATE_AGE_MAX_MS);
  await Deno.utime(path, later, later);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  assertEquals(it.cidrs, ["10.0.0.2"]);
  assertMatch(it.warnings.join(), /a time that has not come yet/);
  assertMatch(it.status, /: stale, last heard 0 s ago: /);
  assertEquals((await Deno.stat(path)).mtime!.getTime(), it.now);
});

Deno.test("a state is not written where a link leads that lies in its way", async () => {
  await using controller = await field();
  const other = `${controller.folder}/other`;
  await Deno.writeTextFile(other, "somebody's");
  await Deno.symlink(other, `${controller.folder}/state.draft`);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await kept(controller.folder, 1);
  assertEquals(await Deno.readTextFile(other), "somebody's");
  assert((await Deno.lstat(`${controller.folder}/state`)).isFile);
});

Deno.test("whatever bytes a state file has, it is whole or not believed", async () => {
  const folder = await Deno.makeTempDir();
  const file = new StateFile(`${folder}/state`);
  const lines = ['{"event":"endpoint"}', '{"event":"identity"}'];
  await file.write(lines, Date.now());
  const good = await Deno.readFile(`${folder}/state`);
  assertEquals((await file.read(Date.now()))?.lines, lines);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(good.length),
      fc.nat(8),
      fc.uint8Array({ maxLength: 8 }),
      async (at, cut, put) => {
        const bytes = new Uint8Array([
          ...good.slice(0, at),
          ...put,
          ...good.slice(at + cut),
        ]);
        await Deno.writeFile(`${folder}/state`, bytes);
        const kept = await file.read(Date.now()).catch(() => undefined);
        // The order of lines says nothing, so it is not held against them.
        if (kept) assertEquals([...kept.lines].sort(), lines);
      },
    ),
    { numRuns: 200 },
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a state that cannot be kept is told of once, and the source goes on", async () => {
  await using controller = await field();
  await Deno.mkdir(`${controller.folder}/state.draft/in-the-way`, {
    recursive: true,
  });
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await poll(
    () => it.warnings.length > 0 || undefined,
    () => "nothing is told",
  );
  controller.cluster.setPod(C_IS_B);
  await it.knows("10.0.0.2", "10.0.0.3");
  assertMatch(it.warnings[0]!, /state cannot be kept in .*state: /);
});

Deno.test("a state that could not be kept is kept later, as old as it is", async () => {
  await using controller = await field();
  await Deno.mkdir(`${controller.folder}/state`);
  await using it = new Bench(controller.folder, controller.url);
  await it.start();
  await poll(
    () => /cannot be kept/.test(it.warnings.join()) || undefined,
    () => "nothing is told",
  );
  const heard = it.now;
  await controller.hangUp();
  it.now += 3_600_000;
  await Deno.remove(`${controller.folder}/state`);
  await kept(controller.folder, 1);
  const { mtime } = await Deno.stat(`${controller.folder}/state`);
  assertEquals(mtime!.getTime(), heard);
});

Deno.test("a controller that never ends its refusal is left, and asked again", async () => {
  await using controller = await field();
  let count = 0;
  const server = createServer(controller.generation, (_, response) => {
    count++;
    response.writeHead(503).write("{");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await using it = new Bench(controller.folder, `https://127.0.0.1:${port}`);
    const stop = new AbortController();
    const started = it.start(stop.signal);
    await poll(() => count > 1 || undefined, () => it.status);
    stop.abort(new Error("enough"));
    await assertRejects(started, /enough/);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A controller that says what it is told to, and what a source makes of it. */
async function lying(
  answers: readonly string[],
  run: (it: Bench, count: () => number) => Promise<void>,
): Promise<void> {
  await using controller = await field();
  let count = 0;
  const server = createServer(controller.generation, (_, response) => {
    response.writeHead(200).end(answers[Math.min(count++, answers.length - 1)]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await using it = new Bench(controller.folder, `https://127.0.0.1:${port}`);
    await run(it, () => count);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const GOOD = [
  '{"event":"reset"}',
  '{"event":"endpoint","name":"a","namespace":"default","labels":{}}',
  '{"event":"identity","cidr":"10.0.0.2"}',
  '{"event":"synced"}',
  "",
].join("\n");

const LIES = [
  {
    name: "what is no event",
    text: '{"event":"allow-all"}\n',
    said: /line 1 is no event/,
  },
  { name: "what is no JSON", text: "hello\n", said: /line 1 is no event/ },
  {
    name: "half of a state",
    text: GOOD.replace('{"event":"synced"}\n', "").replace(
      "10.0.0.2",
      "10.0.0.9",
    ),
    said: /the controller ended the stream/,
  },
  {
    name: "a state of nobody",
    text: '{"event":"reset"}\n{"event":"synced"}\n',
    said: /does not say who the workload is/,
  },
  {
    name: "an address that is none",
    text: GOOD.replace("10.0.0.2", "10.0.0"),
    said: /line 3 is no event \(at "cidr"\)/,
  },
];

for (const { name, text, said } of LIES) {
  Deno.test(`a controller that says ${name} changes nothing, and is told of`, async () => {
    await lying([GOOD, text], async (it, count) => {
      await it.start();
      await poll(() => count() > 2 || undefined, () => it.status);
      await it.becomes(said);
      assertEquals(it.cidrs, ["10.0.0.2"]);
      assertMatch(it.status, /: stale, /);
    });
  });
}
