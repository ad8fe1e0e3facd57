/** The admin socket's place and permissions, and what hostile clients of it cost: nothing. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { poll } from "../e2e/wait.ts";
import { ask, Raw } from "./admin_client.ts";
import { gone, ignore, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";

const MODE = 0o777;
/** What a request may take to arrive. */
const LATE_MS = 5000;

async function modeOf(path: string): Promise<number> {
  return (await Deno.lstat(path)).mode! & MODE;
}

function listeners(server: LineServer) {
  return [{ name: "a", upstream: server.address }];
}

Deno.test({
  name:
    "the socket has mode 0600 in a folder of mode 0700, whatever the umask, and is gone at the end",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: listeners(server) },
      around: ["sh", "-c", 'umask 000; exec "$@"', "sh"],
    });
    assertEquals(await modeOf(`${parley.folder}/parley`), 0o700);
    assertEquals(await modeOf(parley.adminSocket), 0o600);
    parley.signal("SIGTERM");
    await parley.ended();
    assertEquals(await names(`${parley.folder}/parley`), []);
  },
});

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
}

Deno.test({
  name: "admin.unix: a configured path has mode 0600 too, and moves at SIGHUP",
  ignore,
  async fn() {
    await using server = new LineServer();
    const config = {
      listeners: listeners(server),
      admin: { unix: "one.sock" },
    };
    await using parley = await Parley.start({ config });
    const [one, two] = ["one", "two"].map((name) =>
      `${parley.folder}/${name}.sock`
    );
    assertEquals(await modeOf(one!), 0o600);
    assertEquals((await ask(one!, "GET", "/v1/connections")).status, 200);
    await parley.configure({ ...config, admin: { unix: "two.sock" } });
    parley.signal("SIGHUP");
    await parley.until(/admin socket at .*two\.sock/);
    assertEquals((await ask(two!, "GET", "/v1/connections")).status, 200);
    assertEquals((await names(parley.folder)).includes("one.sock"), false);
  },
});

Deno.test({
  name:
    "a socket that a killed sidecar left is replaced where it is configured, and swept where it is not",
  ignore,
  async fn() {
    await using server = new LineServer();
    const shared = await Deno.makeTempDir();
    try {
      for (const admin of [{ unix: `${shared}/a.sock` }, {}]) {
        const start = () =>
          Parley.start({
            config: { listeners: listeners(server), admin },
            environment: { XDG_RUNTIME_DIR: shared },
          });
        await using first = await start();
        first.signal("SIGKILL");
        await gone(first.pid);
        await first.ended();
        const left = admin.unix ?? `${shared}/parley/${first.pid}.sock`;
        assert((await Deno.lstat(left)).isSocket, "it was left");
        await using second = await start();
        const path = admin.unix ?? `${shared}/parley/${second.pid}.sock`;
        assertEquals((await ask(path, "GET", "/v1/connections")).status, 200);
        if (!admin.unix) {
          assertEquals(await names(`${shared}/parley`), [`${second.pid}.sock`]);
        }
      }
    } finally {
      await Deno.remove(shared, { recursive: true });
    }
  },
});

Deno.test({
  name: "a socket at which another sidecar listens is left to it",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using first = await Parley.start({
      config: { listeners: listeners(server) },
    });
    await using second = await Parley.start({
      config: {
        listeners: listeners(server),
        admin: { unix: first.adminSocket },
      },
    });
    await second.until(/there is no admin socket: another process listens at/);
    const { status } = await ask(first.adminSocket, "GET", "/v1/connections");
    assertEquals(status, 200);
  },
});

/** What may be planted where the socket is to be. */
const PLANTED: readonly {
  readonly name: string;
  readonly plant: (path: string, target: string) => Promise<void>;
}[] = [
  { name: "a link to a file", plant: (path, to) => Deno.symlink(to, path) },
  {
    name: "a link to nothing",
    plant: (path, to) => Deno.symlink(`${to}.none`, path),
  },
  {
    name: "a link to a socket",
    plant: async (path, to) => {
      Deno.listen({ transport: "unix", path: `${to}.sock` }).close();
      await Deno.symlink(`${to}.sock`, path);
    },
  },
  { name: "a file", plant: (path) => Deno.writeTextFile(path, "mine") },
  { name: "a folder", plant: (path) => Deno.mkdir(path) },
];

for (const { name, plant } of PLANTED) {
  Deno.test({
    name:
      `${name} at the path is neither followed nor removed; traffic goes on`,
    ignore,
    async fn() {
      await using server = new LineServer();
      const folder = await Deno.makeTempDir();
      try {
        const [path, target] = [`${folder}/admin.sock`, `${folder}/target`];
        await Deno.writeTextFile(target, "precious");
        await plant(path, target);
        const before = await Deno.lstat(path);
        await using parley = await Parley.start({
          config: { listeners: listeners(server), admin: { unix: path } },
        });
        await parley.until(
          /there is no admin socket: .* is there and no socket/,
        );
        const after = await Deno.lstat(path);
        assertEquals([after.ino, after.mode], [before.ino, before.mode]);
        assertEquals(await Deno.readTextFile(target), "precious");
        using wire = await parley.connect("a");
        assertEquals(await wire.ask("hello\n", "\n"), "hello\n");
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** What is no request, or none that is taken; the status of the answer. */
const REFUSED: readonly {
  readonly name: string;
  readonly sent: string | Uint8Array;
  readonly status: number;
}[] = [
  {
    name: "random bytes",
    sent: Uint8Array.from({ length: 600 }, (_, i) => (i * 89 + 200) % 256),
    status: 431,
  },
  { name: "another protocol", sent: "HELO a\r\n\r\n", status: 400 },
  { name: "an endless line", sent: "GET /" + "x".repeat(40_000), status: 431 },
  {
    name: "endless fields",
    sent: "GET / HTTP/1.1\r\n" + "a: b\r\n".repeat(10_000),
    status: 431,
  },
  { name: "no host", sent: "GET /v1/parsers HTTP/1.1\r\n\r\n", status: 400 },
  { name: "HTTP/2", sent: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status: 400 },
  { name: "HTTP/3.0", sent: "GET / HTTP/3.0\r\nhost: x\r\n\r\n", status: 505 },
  {
    name: "a method unknown",
    sent: request("BREW", "/v1/parsers"),
    status: 405,
  },
  { name: "TRACE", sent: request("TRACE", "/v1/parsers"), status: 405 },
  { name: "a path unknown", sent: request("GET", "/v1/secrets"), status: 404 },
  {
    name: "a method that the path does not take",
    sent: request("DELETE", "/v1/parsers"),
    status: 405,
  },
  {
    name: "a body of no length",
    sent: request("POST", "/v1/parsers/reload", "transfer-encoding: chunked"),
    status: 411,
  },
  {
    name: "two lengths",
    sent: request(
      "POST",
      "/v1/connections/close",
      "content-length: 1\r\nContent-Length: 2",
    ),
    status: 400,
  },
  {
    name: "a body too long",
    sent: request("POST", "/v1/connections/close", "content-length: 9999999"),
    status: 413,
  },
  {
    name: "a body of GET",
    sent: request("GET", "/v1/parsers", "content-length: 2") + "{}",
    status: 400,
  },
  {
    name: "a body of GET where only POST is taken",
    sent: close("{}", "GET"),
    status: 405,
  },
  { name: "a body of no type", sent: close("{}", "POST", "x: y"), status: 415 },
  { name: "no JSON", sent: close("{id"), status: 400 },
  { name: "no object", sent: close("[1]"), status: 422 },
  { name: "nothing meant", sent: close("{}"), status: 422 },
  { name: "two meant", sent: close('{"id":1,"parser":"a@0"}'), status: 422 },
  { name: "a member unknown", sent: close('{"id":1,"all":true}'), status: 422 },
  { name: "an id that is none", sent: close('{"id":1.5}'), status: 422 },
  { name: "no version", sent: close('{"parser":"memcache"}'), status: 422 },
  {
    name: "a connection that is not there",
    sent: close('{"id":7}'),
    status: 404,
  },
];

function request(method: string, path: string, fields = "a: b"): string {
  return `${method} ${path} HTTP/1.1\r\nhost: x\r\n${fields}\r\n\r\n`;
}

function close(
  body: string,
  method = "POST",
  type = "content-type: application/json",
): string {
  const fields = `${type}\r\ncontent-length: ${body.length}`;
  return request(method, "/v1/connections/close", fields) + body;
}

Deno.test({
  name:
    "what is no request gets a problem document, and disturbs neither traffic nor the next client",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: listeners(server) },
    });
    using wire = await parley.connect("a");
    for (const { name, sent, status } of REFUSED) {
      using raw = await Raw.connect(parley.adminSocket);
      await raw.send(sent);
      if (name === "random bytes") await raw.send("x".repeat(20_000));
      const answer = await raw.readToEnd();
      assertMatch(answer, new RegExp(`^HTTP/1.1 ${status} `), name);
      assertMatch(answer, /content-type: application\/problem\+json/, name);
      const problem = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")));
      assertEquals(problem.status, status, name);
      assertMatch(problem.detail, /.; ./, name);
      assertEquals(await wire.ask("hello\n", "\n"), "hello\n");
    }
    const { status } = await ask(parley.adminSocket, "GET", "/v1/parsers");
    assertEquals(status, 200);
  },
});

Deno.test({
  name:
    "clients that are slow, or say nothing, make way for others, or are ended in time",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: listeners(server) },
    });
    const start = performance.now();
    const slow = await Promise.all(
      Array.from({ length: 100 }, () => Raw.connect(parley.adminSocket)),
    );
    try {
      const sent = "POST /v1/connections/close HTTP/1.1\r\nhost: x\r\n";
      await Promise.all(
        slow.filter((_, i) => i % 2 === 0).map((raw) => raw.send(sent)),
      );
      using wire = await parley.connect("a");
      assertEquals(await wire.ask("hello\n", "\n"), "hello\n");
      const descriptors = (await names(`/proc/${parley.pid}/fd`)).length;
      assert(descriptors < 100, `${descriptors} descriptors are open`);
      const { status } = await ask(parley.adminSocket, "GET", "/v1/status");
      assertEquals(status, 200);
      const answers = await Promise.all(slow.map((raw) => raw.readToEnd()));
      // As many as have a place keep it until they are late; in that time nobody else has it.
      const turns = Math.ceil((performance.now() - start) / LATE_MS);
      const late = answers.filter((answer) => /^HTTP\/1.1 408 /.test(answer));
      assert(
        late.length >= 30 && late.length <= 33 * turns,
        `${late.length} were late`,
      );
      for (const answer of answers) {
        assertMatch(answer, /^HTTP\/1.1 (408|503) /);
      }
    } finally {
      for (const raw of slow) raw[Symbol.dispose]();
    }
    const { status } = await ask(parley.adminSocket, "GET", "/v1/connections");
    assertEquals(status, 200);
  },
});

Deno.test({
  name:
    "a hundred clients at once are all answered, and leave no descriptor behind",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: listeners(server) },
    });
    await ask(parley.adminSocket, "GET", "/v1/parsers"); // what is opened once is open now
    const count = async () => (await names(`/proc/${parley.pid}/fd`)).length;
    const before = await count();
    const clients = await Promise.all(
      Array.from({ length: 100 }, () => Raw.connect(parley.adminSocket)),
    );
    await Promise.all(clients.map(async (client) => {
      await client.send(request("GET", "/v1/parsers"));
      const answer = await client.readToEnd();
      client[Symbol.dispose]();
      if (/^HTTP\/1\.1 200 /.test(answer)) return;
      // It had said nothing yet when others came, and is to come again.
      assertMatch(answer, /^HTTP\/1\.1 503 [^]*\r\nretry-after: 1\r\n/);
      const { status } = await ask(parley.adminSocket, "GET", "/v1/parsers");
      assertEquals(status, 200);
    }));
    await poll(
      async () => await count() <= before ? true : undefined,
      () => `return to ${before} descriptors`,
    );
  },
});

Deno.test({
  name:
    "clients that leave without a word, or in the middle, are no trouble, not while it ends either",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: listeners(server) },
    });
    for (const sent of ["", "GET /v1", request("GET", "/v1/parsers")]) {
      for (let i = 0; i < 40; i++) {
        using raw = await Raw.connect(parley.adminSocket);
        await raw.send(sent);
      }
    }
    const { status } = await ask(parley.adminSocket, "GET", "/v1/parsers");
    assertEquals(status, 200);
    using waiting = await Raw.connect(parley.adminSocket);
    parley.signal("SIGTERM");
    assertEquals((await parley.ended()).code, 0);
    assertEquals(await waiting.readToEnd(), "");
    assertEquals(
      parley.said.all().filter((line) => /warning/.test(line)).filter(
        (line) => !/limits\.connections|the sandbox lacks/.test(line),
      ),
      [],
    );
  },
});
