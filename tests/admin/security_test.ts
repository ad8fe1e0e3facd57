/** Who is let in over TCP, and what it costs when somebody does not go away. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { operationsOf } from "../../admin/app/app.ts";
import type { Administered } from "../../proxy/administered.ts";
import { ignore, Parley } from "../processes/parley.ts";
import { LineServer } from "../processes/servers.ts";
import {
  assertProblem,
  isEndless,
  LISTENING,
  originOf,
  overTcp,
  sendRaw,
  TOKEN,
  writeToken,
} from "./client.ts";

const PROBES = ["/healthz", "/readyz"];
const NO_TOKEN = { authorization: "" };

/** A sidecar whose admin API is at an address, with its token written. */
async function start(server: LineServer, admin: object): Promise<Parley> {
  const parley = await Parley.start({
    config: { listeners: [{ name: "a", upstream: server.address }], admin },
  });
  await writeToken(parley);
  return parley;
}

/** An address of this machine that is not loopback, if it has one. */
function outside(): string[] {
  return Deno.networkInterfaces()
    .filter(({ family, address }) =>
      family === "IPv4" && !address.startsWith("127.")
    )
    .map(({ address }) => address)
    .slice(0, 1);
}

/** Every operation, as a request that has nothing wrong but what a test adds. */
function everyOperation() {
  return operationsOf({} as Administered).map((operation) => {
    const { method, path } = operation;
    return {
      method,
      /** Of a request that is let in: a stream would have no end. */
      open: isEndless(operation) ? "HEAD" : method,
      path: path.replaceAll(/\{\w+\}/g, "x"),
    };
  });
}

Deno.test({
  name:
    "at an address that is not loopback all but the probes is refused without the token",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await start(server, {
      ...LISTENING,
      listen: "0.0.0.0:0",
    });
    const { port } = new URL(await originOf(parley));
    for (const host of ["127.0.0.1", ...outside()]) {
      const origin = `http://${host}:${port}`;
      for (const { method, open, path } of everyOperation()) {
        const isProbe = PROBES.includes(path);
        const told = await overTcp(origin, path, { method, headers: NO_TOKEN });
        assertEquals(told.status, isProbe ? 200 : 401, `${method} ${path}`);
        if (isProbe) continue;
        assertProblem(told);
        assertEquals(
          told.headers.get("www-authenticate"),
          'Bearer realm="parley"',
        );
        const wrong = { authorization: `Bearer ${TOKEN}x` };
        const other = await overTcp(origin, path, { method, headers: wrong });
        assertEquals(other.status, 401);
        const known = await overTcp(origin, path, { method: open });
        assert(![401, 403].includes(known.status), `${method} ${path}`);
      }
      const secret = await overTcp(origin, "/v1/secrets", {
        headers: NO_TOKEN,
      });
      assertEquals(secret.status, 401, "what is not there is not told either");
    }
  },
});

Deno.test({
  name: "on loopback reading is open, and changing takes the token",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await start(server, LISTENING);
    const origin = await originOf(parley);
    for (const { method, open, path } of everyOperation()) {
      const asked = { method: open, headers: NO_TOKEN };
      const told = await overTcp(origin, path, asked);
      if (method !== "GET") assertEquals(told.status, 401, path);
      else assert([200, 400, 404].includes(told.status), path);
    }
  },
});

Deno.test({
  name:
    "without a token file loopback may be read only, and no other address is served",
  ignore,
  async fn() {
    await using server = new LineServer();
    const listeners = [{ name: "a", upstream: server.address }];
    await using parley = await Parley.start({
      config: { listeners, admin: { listen: "127.0.0.1:0" } },
    });
    const origin = await originOf(parley);
    assertEquals((await overTcp(origin, "/v1/status")).status, 200);
    const reload = { method: "POST" };
    const told = await overTcp(origin, "/v1/parsers/reload", reload);
    assertEquals(told.status, 403);
    assertMatch(
      told.json.detail,
      /use the Unix socket, or configure admin\.token/,
    );
    const refused = await Parley.refused({
      config: { listeners, admin: { listen: "0.0.0.0:0" } },
    });
    assertEquals(refused.code, 1);
    assertMatch(refused.said, /is not loopback.*add admin\.tokenFile/);
  },
});

Deno.test({
  name: "the token is that of its file now; without one nobody is let in",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await start(server, LISTENING);
    const origin = await originOf(parley);
    const reload = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      const asked = { method: "POST", headers };
      return (await overTcp(origin, "/v1/parsers/reload", asked)).status;
    };
    assertEquals(await reload(TOKEN), 200);
    const file = `${parley.folder}/token`;
    await Deno.writeTextFile(file, "another");
    assertEquals([await reload(TOKEN), await reload("another")], [401, 200]);
    for (const text of ["", "\n", "two words", "é", "x".repeat(5000)]) {
      await Deno.writeTextFile(file, text);
      assertEquals(await reload("x"), 503, JSON.stringify(text));
    }
    await Deno.remove(file);
    assertEquals(await reload("another"), 503);
    await writeToken(parley);
    assertEquals(await reload(TOKEN), 200);
  },
});

/** Requests that are refused by their first bytes; nothing of the rest is waited for. */
const REFUSED: readonly {
  readonly name: string;
  readonly sent: (host: string) => string;
  readonly status: number;
}[] = [
  {
    name: "another host (DNS rebinding)",
    sent: () => "GET /v1/status HTTP/1.1\r\nhost: evil.example\r\n\r\n",
    status: 421,
  },
  {
    name: "another host in the request line",
    sent: (host) =>
      `GET http://evil.example/v1/status HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
    status: 421,
  },
  {
    name: "no host",
    sent: () => "GET /v1/status HTTP/1.0\r\n\r\n",
    status: 421,
  },
  {
    name: "another origin (CSRF)",
    sent: (host) =>
      change(host, ["origin: http://evil.example", "content-length: 0"]),
    status: 403,
  },
  {
    name: "a form of another site",
    sent: (host) =>
      change(host, ["sec-fetch-site: cross-site", "content-length: 0"]),
    status: 403,
  },
  {
    name: "a body that is too long",
    sent: (host) => change(host, [`content-length: ${2 * 1024 * 1024}`]),
    status: 413,
  },
  {
    name: "a body without the token, before it is sent",
    sent: (host) =>
      `PUT /v1/policies/a HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 1000000\r\n\r\n`,
    status: 401,
  },
  {
    name: "a head that is too long",
    sent: (host) => change(host, [`x: ${"y".repeat(20_000)}`]),
    status: 431,
  },
  {
    name: "chunks",
    sent: (host) => change(host, ["transfer-encoding: chunked"]),
    status: 411,
  },
  {
    name: "a body that does not come",
    sent: (host) => change(host, ["content-length: 10"]),
    status: 408,
  },
];

function change(host: string, fields: readonly string[]): string {
  return [
    "POST /v1/connections/close HTTP/1.1",
    `host: ${host}`,
    `authorization: Bearer ${TOKEN}`,
    "content-type: application/json",
    ...fields,
    "\r\n",
  ].join("\r\n");
}

Deno.test({
  name: "what a page, or who is slow or endless, sends is refused in time",
  ignore,
  async fn(test) {
    await using server = new LineServer();
    await using parley = await start(server, LISTENING);
    const origin = await originOf(parley);
    const { host } = new URL(origin);
    for (const { name, sent, status } of REFUSED) {
      await test.step(`${status} for ${name}`, async () => {
        const answer = await sendRaw(origin, sent(host));
        assertMatch(answer, new RegExp(`^HTTP/1.1 ${status} `));
        assertMatch(answer, /content-type: application\/problem\+json/);
        assert(
          !/access-control/i.test(answer),
          "no page elsewhere may read it",
        );
      });
    }
  },
});

Deno.test({
  name:
    "1,000 idle clients are bounded: others are answered, traffic goes on, few descriptors are taken",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await start(server, LISTENING);
    const origin = await originOf(parley);
    const { hostname, port } = new URL(origin);
    const idle: Deno.Conn[] = [];
    try {
      for (let i = 0; i < 1000; i++) {
        const conn = Deno.connect({ hostname, port: Number(port) });
        idle.push(await conn);
      }
      using wire = await parley.connect("a");
      assertEquals(await wire.ask("hello\n", "\n"), "hello\n");
      assertEquals((await overTcp(origin, "/readyz")).status, 200);
      const open = await Array.fromAsync(
        Deno.readDir(`/proc/${parley.pid}/fd`),
      );
      assert(open.length < 100, `${open.length} descriptors are open`);
    } finally {
      for (const conn of idle) conn.close();
    }
  },
});
