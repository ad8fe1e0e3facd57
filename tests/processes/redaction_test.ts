/** Values never leave the data path, and what may be hashed does not either: not in logs, metrics, answers or the operator's log. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import {
  execute,
  frame,
  longString,
  prepare,
  preparedReply,
  query,
  reply,
  startup,
} from "../../parsers/cassandra/testkit.ts";
import { serve } from "../../cli/demo/stand_in.ts";
import { bytes } from "../../proxylib/text.ts";
import { ask, Raw } from "./admin_client.ts";
import { scrapeText } from "./metrics.ts";
import { ignore, Parley } from "./parley.ts";

/** Each planted secret has this in it, in some case. */
const SECRET = "s3cr3t";

/** Throws what the runtime says of values, quotes them itself, and leaves promises behind. */
const QUOTING = `
import { defineParser, latin1, nop, pass, z } from "parley/proxylib";

export default defineParser({
  description: "quotes",
  rule: z.record(z.string(), z.string()),
  matches: () => true,
  create: () => ({
    onData(_reply, _end, data) {
      if (data.length === 0) return nop();
      const text = latin1(data, 0, data.length);
      if (text.startsWith("json")) JSON.parse(text.slice(4));
      if (text.startsWith("bigint")) BigInt(text.slice(6));
      if (text.startsWith("own")) throw new Error("no such thing as " + text.slice(3).toUpperCase());
      if (text.startsWith("later")) void Promise.reject(new Error("no: " + text));
      return pass(data.length);
    },
  }),
});
`;

/** A server that says the same to each request, by what it begins with. */
function server(answer: (request: Uint8Array) => Uint8Array) {
  return serve(async (conn) => {
    const buffer = new Uint8Array(64 * 1024);
    for (;;) {
      const read = await conn.read(buffer);
      if (read === null) return;
      await conn.write(answer(buffer.subarray(0, read)));
    }
  });
}

const AUTHENTICATE = 0x03;
const AUTH_RESPONSE = 0x0f;
const AUTH_SUCCESS = 0x10;

function cassandra(request: Uint8Array): Uint8Array {
  switch (request[4]) {
    case 0x01:
      return reply(AUTHENTICATE, longString("authenticator").subarray(2));
    case AUTH_RESPONSE:
      return reply(AUTH_SUCCESS, longString(""));
    case 0x09:
      return preparedReply("id");
    default:
      return reply(0x08, bytes("\0\0\0\x01"));
  }
}

/** What is sent, one after the other, each answered before the next. */
const MEMCACHE = [
  `set plain 0 0 12\r\nv-${SECRET}-pad\r\n`,
  `set auth 0 0 20\r\nname pass-${SECRET}-xx\r\n`,
  `ms meta S12 T0\r\nv-${SECRET}-pad\r\n`,
  `cas plain 0 0 12 7\r\nv-${SECRET}-pad\r\n`,
  `append denied 0 0 12\r\nv-${SECRET}-pad\r\n`,
  sasl(`\0user\0${SECRET}`),
];

/** What is refused or fails, each on a connection of its own. */
const BROKEN = [
  `set plain 0 0 -1\r\nv-${SECRET}-value-as-a-command\r\n`,
  `set plain 0 0 3\r\nv-${SECRET}-longer-than-said\r\n`,
  `set plain 0 0 2000\r\nv-${SECRET}-and-no-more`,
];

function sasl(credentials: string): string {
  const mechanism = "PLAIN";
  const length = mechanism.length + credentials.length;
  const header = [0x80, 0x21, 0, mechanism.length, 0, 0, 0, 0, 0, 0, 0, length];
  return String.fromCharCode(...header, ...Array(12).fill(0)) + mechanism +
    credentials;
}

const CASSANDRA = [
  startup(),
  frame(AUTH_RESPONSE, longString(`\0user\0${SECRET}`)),
  query(`SELECT * FROM k.t WHERE a = '${SECRET}' AND b = 0x7365`),
  query(`INSERT INTO k.t (a, b) VALUES (?, ?)`, { values: [SECRET, "x"] }),
  query(`CREATE ROLE r WITH PASSWORD = '${SECRET}' AND LOGIN = true`),
  query(`this is no CQL '${SECRET}'`),
  query(`SELECT $$${SECRET}$$ FROM k.t /* ${SECRET} */`),
  prepare(`UPDATE k.t SET a = '${SECRET}' WHERE b = ?`),
  execute("id", { values: [SECRET] }),
];

async function start(more: object = {}) {
  const memcached = server((request) =>
    request[0] === 0x80
      ? bytes("\x81\x21" + "\0".repeat(22))
      : bytes(/^ms/.test(latin1(request)) ? "HD\r\n" : "STORED\r\n")
  );
  const scylla = server(cassandra);
  const echo = server((request) => request.slice());
  const at = (port: number) => `127.0.0.1:${port}`;
  const parley = await Parley.start({
    config: {
      accessLog: { file: "access.log", responses: true, ...more },
      listeners: [
        { name: "mc", upstream: at(memcached.port), l7proto: "memcache" },
        { name: "cql", upstream: at(scylla.port), l7proto: "cassandra" },
        { name: "quotes", upstream: at(echo.port), l7proto: "quotes" },
      ],
    },
    parsers: { "quotes.ts": QUOTING },
  });
  return {
    parley,
    async [Symbol.asyncDispose]() {
      await parley[Symbol.asyncDispose]();
      await Promise.all([memcached, scylla, echo].map((one) => one.close()));
    },
  };
}

function latin1(data: Uint8Array): string {
  return String.fromCharCode(...data);
}

/** What the parser that quotes is sent, and how many of these it panics at. */
const QUOTED = ["json", "bigint", "own", "later"];
const PANICS = 3;

/** Sends all that holds secrets; the log has all of it then. */
async function talk(parley: Parley): Promise<void> {
  {
    using wire = await parley.connect("mc");
    for (const request of MEMCACHE) {
      await wire.send(bytes(request));
      await wire.readBytes(4);
    }
  }
  for (const request of BROKEN) {
    using wire = await parley.connect("mc");
    await wire.send(bytes(request));
    await wire.finish();
    await wire.readToEnd();
  }
  {
    using wire = await parley.connect("cql");
    for (const request of CASSANDRA) {
      await wire.send(request);
      await wire.readBytes(9);
    }
  }
  for (const kind of QUOTED) {
    using wire = await parley.connect("quotes");
    await wire.send(`${kind}${SECRET}-and-more`);
    await wire.finish();
    await wire.readToEnd();
    await parley.log.closed(wire.address);
  }
}

/** Everything that a sidecar tells anybody. */
async function told(parley: Parley): Promise<Record<string, string>> {
  using followed = await Raw.connect(parley.adminSocket);
  await followed.send("GET /v1/accesslog HTTP/1.1\r\nhost: parley\r\n\r\n");
  await followed.readSome(); // it follows
  await talk(parley);
  // A worker looks after promises when it has something to wait for.
  await parley.saveParser("quotes.ts", `${QUOTING}// again\n`);
  await parley.until(/rejected unseen/);
  const answers = ["status", "parsers", "connections", "accesslog/last"]
    .map(async (path) => {
      const { body } = await ask(parley.adminSocket, "GET", `/v1/${path}`);
      return [path, JSON.stringify(body)];
    });
  return {
    ...Object.fromEntries(await Promise.all(answers)),
    // The panics are the last that is logged.
    followed: await followed.readUntil((text) =>
      text.split('"reason":"panic"').length > PANICS
    ),
    metrics: await scrapeText(parley.adminSocket),
    log: JSON.stringify(await parley.log.lines({})),
    operator: parley.said.all().join("\n"),
  };
}

Deno.test({
  name:
    "values, literals, credentials and what a parser's errors quote are nowhere to be read",
  ignore,
  async fn() {
    await using running = await start();
    const said = await told(running.parley);
    for (const [where, text] of Object.entries(said)) {
      const at = text.toLowerCase().indexOf(SECRET);
      assert(at < 0, `${where}: …${text.slice(at - 200, at + 80)}…`);
    }
    assert(said["followed"]!.includes('"command":"set"'));
    assert(said["log"]!.includes('"keys":["plain"]'));
    assertMatch(said["log"]!, /Panic: Unexpected .*quotes\.ts\S*:\d+/);
    assertMatch(
      said["operator"]!,
      /rejected unseen, made at .*quotes\.ts\S*:\d+/,
    );
  },
});

Deno.test({
  name:
    "hashed fields show equal values as equal, the same in every worker and line, and what parsers throw is not quoted",
  ignore,
  async fn() {
    const names = ["keys", "query_table", "shape"];
    await using running = await start({ hash: names });
    const { parley } = running;
    const said = await told(parley);
    for (const [where, text] of Object.entries(said)) {
      const isOfParsers = /^(parsers|status)$/.test(where); // they say "plain" of themselves
      for (const word of [SECRET, ...isOfParsers ? [] : ["plain", "k.t"]]) {
        const at = text.toLowerCase().indexOf(word);
        assert(at < 0, `${where}: …${text.slice(at - 200, at + 80)}…`);
      }
    }
    const lines = await parley.log.lines({ type: "request" });
    const keys = lines.map(({ fields }) => fields["keys"])
      .filter(Array.isArray).flat();
    assert(keys.every((key) => /^hmac:[0-9a-f]{16}$/.test(String(key))));
    assert(new Set(keys).size < keys.length);
    const panics = await parley.log.lines({ reason: "panic" });
    assert(
      panics.some(({ fields }) =>
        /^Panic: not quoted .*quotes\.ts\S*:\d+/.test(String(fields["status"]))
      ),
    );
    assertEquals(panics.filter(({ fields }) => fields["stack"]), []);
  },
});
