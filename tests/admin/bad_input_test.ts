/** What is wrong gets a problem document at every operation: what, where, and how to mend it. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { operationsOf } from "../../admin/app/app.ts";
import type { Administered } from "../../proxy/administered.ts";
import { ignore, Parley } from "../processes/parley.ts";
import { LineServer } from "../processes/servers.ts";
import { type Asked, assertProblem, isEndless, overSocket } from "./client.ts";

const JSON_BODY = { "content-type": "application/json" };

function closing(body: string, type = "application/json"): Asked {
  return { method: "POST", headers: { "content-type": type }, body };
}

interface Row {
  readonly name: string;
  readonly path: string;
  readonly asked?: Asked;
  readonly status: number;
  readonly says: RegExp;
}

const ROWS: readonly Row[] = [
  {
    name: "a path that is near another",
    path: "/v1/parser",
    status: 404,
    says: /"\/v1\/parser" is not there; write "\/v1\/parsers"/,
  },
  {
    name: "a path that is near none",
    path: "/favicon.ico",
    status: 404,
    says: /not there; there are \/healthz, /,
  },
  {
    name: "a path with a slash more",
    path: "/v1/parsers/",
    status: 404,
    says: /write "\/v1\/parsers"/,
  },
  {
    name: "a verdict that there is not",
    path: "/v1/accesslog?verdict=deny",
    status: 400,
    says: /query\.verdict: /,
  },
  {
    name: "a filter of lines that is misspelt",
    path: "/v1/accesslog/last?verdikt=denied",
    status: 400,
    says: /"verdikt" is not known here; write "verdict"/,
  },
  {
    name: "a filter that is misspelt",
    path: "/v1/connections?listner=a",
    status: 400,
    says: /"listner" is not known here; write "listener"/,
  },
  {
    name: "a filter unknown",
    path: "/v1/connections?colour=red",
    status: 400,
    says: /"colour" is not known here; use listener, direction/,
  },
  {
    name: "a filter twice",
    path: "/v1/connections?listener=a&listener=b",
    status: 400,
    says: /"listener" comes twice; send it once/,
  },
  {
    name: "a direction that is none",
    path: "/v1/connections?direction=up",
    status: 400,
    says: /query\.direction: .*ingress.*; see \/openapi\.json/,
  },
  {
    name: "a version that is none",
    path: "/v1/connections?parser=memcache",
    status: 400,
    says: /query\.parser: it is no NAME@VERSION; send NAME@VERSION/,
  },
  {
    name: "a body of no type",
    path: "/v1/connections/close",
    asked: closing("{}", "text/plain"),
    status: 415,
    says: /"text\/plain"; send application\/json/,
  },
  {
    name: "no body",
    path: "/v1/connections/close",
    asked: { method: "POST" },
    status: 415,
    says: /no Content-Type; send application\/json/,
  },
  {
    name: "a body that is no JSON",
    path: "/v1/connections/close",
    asked: closing('{"id": 1'),
    status: 400,
    says: /the body is no JSON: .*; send JSON/,
  },
  {
    name: "a body that is no UTF-8",
    path: "/v1/policies/a",
    asked: {
      method: "PUT",
      headers: { "content-type": "application/yaml" },
      body: new Uint8Array([0x61, 0xff]) as unknown as string,
    },
    status: 400,
    says: /no UTF-8; send it in UTF-8/,
  },
  ...["[]", "null", "{}", '{"id":0}', '{"id":"1"}', '{"id":1,"parser":"a@0"}']
    .map((body) => ({
      name: `${body} for connections to end`,
      path: "/v1/connections/close",
      asked: closing(body),
      status: 422,
      says: /^body.*; send \{"id": N\} or \{"parser": "NAME@VERSION"\}/,
    })),
  {
    name: "a connection that is not open",
    path: "/v1/connections/close",
    asked: closing('{"id":4711}'),
    status: 404,
    says: /no connection 4711 is open; GET \/v1\/connections/,
  },
  {
    name: "a parser that is not there",
    path: "/v1/parsers/wrods/reload",
    asked: { method: "POST" },
    status: 404,
    says: /no parser named wrods is there; GET \/v1\/parsers/,
  },
  {
    name: "a form for a reload",
    path: "/v1/parsers/reload",
    asked: closing("", "application/x-www-form-urlencoded"),
    status: 415,
    says: /x-www-form-urlencoded"; send application\/json/,
  },
  ...["A", "a/b", "..", ".a", "a-", "a b", "é", "a".repeat(64)].map((name) => ({
    name: `the policy name ${JSON.stringify(name)}`,
    path: `/v1/policies/${name.replaceAll(".", "%2E").replaceAll("/", "%2F")}`,
    asked: {
      method: "PUT",
      headers: { "content-type": "application/yaml" },
      body: "a: b",
    },
    status: name === ".." ? 404 : 422,
    says: name === ".." ? /./ : /path\.name: it is no name of a policy; /,
  })),
  {
    name: "a policy that was never put in",
    path: "/v1/policies/none",
    status: 404,
    says: /no policy named none was put in; GET \/v1\/policies/,
  },
  {
    name: "a policy in a type unknown",
    path: "/v1/policies/a",
    asked: {
      method: "PUT",
      headers: { "content-type": "text/csv" },
      body: "a",
    },
    status: 415,
    says: /"text\/csv"; send application\/yaml or application\/json/,
  },
  {
    name: "a policy that is too long",
    path: "/v1/policies/a",
    asked: {
      method: "PUT",
      headers: { "content-type": "application/yaml" },
      body: "#".repeat(1024 * 1024 + 1),
    },
    status: 413,
    says: /more than 1048576 bytes; send a shorter one/,
  },
  {
    name: "another body that is too long",
    path: "/v1/connections/close",
    asked: closing("#".repeat(64 * 1024 + 1)),
    status: 413,
    says: /more than 65536 bytes; send a shorter one/,
  },
];

/** Each operation, with what none of them takes. */
function everywhere(): Row[] {
  const rows: Row[] = [];
  for (const { method, path, text, body } of operations()) {
    const at = path.replaceAll(/\{\w+\}/g, "x");
    const asked: Asked = {
      method,
      ...(text ? { headers: { "content-type": text[0]! }, body: "a" } : {}),
      ...(body ? { headers: JSON_BODY, body: "{}" } : {}),
    };
    rows.push({
      name: `${method} ${path} with a parameter unknown`,
      path: `${at}?nonsense=1`,
      asked,
      status: 400,
      says: /"nonsense" is not known here; /,
    }, {
      name: `PATCH ${path}`,
      path: at,
      asked: { method: "PATCH" },
      status: 405,
      says: /does not take PATCH; use /,
    });
  }
  return rows;
}

function operations() {
  return operationsOf({} as Administered);
}

Deno.test({
  name: "bad input to each endpoint gets a problem document",
  ignore,
  async fn(test) {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: [{ name: "a", upstream: server.address }] },
    });
    for (
      const { name, path, asked, status, says } of [...ROWS, ...everywhere()]
    ) {
      await test.step(`${status} for ${name}`, async () => {
        const told = await overSocket(parley.adminSocket, path, asked);
        assertEquals(told.status, status, told.text);
        assertProblem(told);
        assertMatch(told.json.detail, says);
        if (status === 405) assertMatch(told.headers.get("allow")!, /[A-Z]/);
      });
    }
  },
});

Deno.test({
  name: "HEAD answers as GET does, without the body",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: { listeners: [{ name: "a", upstream: server.address }] },
    });
    for (const operation of operations()) {
      const { method, path } = operation;
      const isOther = method !== "GET" || path.includes("{");
      if (isOther || isEndless(operation)) continue;
      const [get, head] = await Promise.all(
        ["GET", "HEAD"].map((method) =>
          overSocket(parley.adminSocket, path, { method })
        ),
      );
      assertEquals([head!.status, head!.text], [get!.status, ""]);
      const length = Number(head!.headers.get("content-length"));
      assertEquals(length > 0, true, path);
    }
  },
});

Deno.test("operations have names and paths of their own, and say what they answer", () => {
  const ids = operations().map(({ id }) => id);
  assertEquals(ids, [...new Set(ids)]);
  const places = operations().map(({ method, path }) => `${method} ${path}`);
  assertEquals(places, [...new Set(places)]);
});
