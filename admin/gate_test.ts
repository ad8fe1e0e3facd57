/** Who is let in at which listener, by the head of a request alone. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { admit, type Door } from "./gate.ts";
import { readHead } from "./http.ts";
import { RequestError } from "./problem.ts";

const TOKEN = "let-me-in";
const token = () => Promise.resolve(TOKEN);

const LOOPBACK: Door = {
  hosts: new Set(["localhost", "127.0.0.1", "parley.example"]),
  isLoopback: true,
  token,
};
const OUTSIDE: Door = { ...LOOPBACK, isLoopback: false };
const CLOSED: Door = { hosts: LOOPBACK.hosts, isLoopback: true };

/** The status that a request is refused with; 0: it is let in. */
async function statusOf(
  door: Door,
  line: string,
  fields: readonly string[],
): Promise<number> {
  const text = `${line} HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`;
  const head = readHead(new TextEncoder().encode(text))!;
  try {
    await admit(head, door, "10.0.0.5");
    return 0;
  } catch (error) {
    if (error instanceof RequestError) return error.status;
    throw error;
  }
}

const HOST = "host: 127.0.0.1:9901";
const BEARER = `authorization: Bearer ${TOKEN}`;

const ROWS: readonly {
  readonly name: string;
  readonly line: string;
  readonly fields: readonly string[];
  /** On loopback, elsewhere, and on loopback without a token file. */
  readonly want: readonly [number, number, number];
}[] = [
  { name: "a probe", line: "GET /healthz", fields: [HOST], want: [0, 0, 0] },
  {
    name: "a probe with a query",
    line: "HEAD /readyz?x=1",
    fields: [HOST],
    want: [0, 0, 0],
  },
  {
    name: "a changed probe",
    line: "POST /healthz",
    fields: [HOST],
    want: [401, 401, 403],
  },
  {
    name: "a probe in disguise",
    line: "GET /%68ealthz",
    fields: [HOST],
    want: [0, 401, 0],
  },
  {
    name: "more than a probe",
    line: "GET /healthz/../v1/config",
    fields: [HOST],
    want: [0, 401, 0],
  },
  { name: "reading", line: "GET /v1/x", fields: [HOST], want: [0, 401, 0] },
  {
    name: "reading with the token",
    line: "GET /v1/x",
    fields: [HOST, BEARER],
    want: [0, 0, 0],
  },
  {
    name: "asking for options",
    line: "OPTIONS /v1/x",
    fields: [HOST],
    want: [0, 401, 0],
  },
  {
    name: "changing",
    line: "POST /v1/x",
    fields: [HOST],
    want: [401, 401, 403],
  },
  {
    name: "changing with the token",
    line: "PUT /v1/x",
    fields: [HOST, BEARER],
    want: [0, 0, 403],
  },
  ...[
    "authorization: Bearer let-me-i",
    "authorization: Bearer let-me-inn",
    "authorization: Bearer LET-ME-IN",
    "authorization: Basic bGV0LW1lLWlu",
    "authorization: let-me-in",
    "authorization: Bearer",
    "authorization:",
    `authorization: Bearer ${TOKEN}, Bearer ${TOKEN}`,
    `cookie: token=${TOKEN}`,
  ].map((field) => ({
    name: `changing with ${field}`,
    line: "DELETE /v1/x",
    fields: [HOST, field],
    want: [401, 401, 403] as const,
  })),
  ...[
    "127.0.0.1",
    "localhost:1234",
    "LocalHost",
    "parley.example:9901",
    "10.0.0.5:9901",
  ].map((host) => ({
    name: `the host ${host}`,
    line: "GET /v1/x",
    fields: [`host: ${host}`, BEARER],
    want: [0, 0, 0] as const,
  })),
  ...[
    "evil.example",
    "evil.example:9901",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil.example:127.0.0.1",
    "127.0.0.1@evil.example",
    "127.0.0.1:x",
    "10.0.0.6",
    "[::1]",
    "127.0.0.1, evil.example",
    "",
  ].map((host) => ({
    name: `the host ${JSON.stringify(host)}`,
    line: "GET /healthz",
    fields: [`host: ${host}`, BEARER],
    want: [421, 421, 421] as const,
  })),
  {
    name: "another host in the request line",
    line: "GET http://evil.example/v1/x",
    fields: [HOST, BEARER],
    want: [421, 421, 421],
  },
  {
    name: "its own origin",
    line: "POST /v1/x",
    fields: [HOST, BEARER, "origin: http://127.0.0.1:9901"],
    want: [0, 0, 403],
  },
  ...[
    "origin: http://evil.example",
    "origin: http://127.0.0.1:9902",
    "origin: http://localhost:9901",
    "origin: null",
    "origin:",
    "sec-fetch-site: cross-site",
    "sec-fetch-site: same-site",
  ].map((field) => ({
    name: `changing with ${field}`,
    line: "POST /v1/x",
    fields: [HOST, BEARER, field],
    want: [403, 403, 403] as const,
  })),
  ...["image", "empty", "iframe", "document"].map((dest) => ({
    name: `reading as ${dest} of a page of another site`,
    line: "GET /v1/x",
    fields: [
      HOST,
      BEARER,
      "sec-fetch-site: cross-site",
      `sec-fetch-dest: ${dest}`,
    ],
    want: (dest === "document" ? [0, 0, 0] : [403, 403, 403]) as readonly [
      number,
      number,
      number,
    ],
  })),
  {
    name: "reading from another origin, which no page can see",
    line: "GET /v1/x",
    fields: [HOST, BEARER, "origin: http://evil.example"],
    want: [0, 0, 0],
  },
];

for (const { name, line, fields, want } of ROWS) {
  Deno.test(`admit(): ${name}`, async () => {
    const found = await Promise.all(
      [LOOPBACK, OUTSIDE, CLOSED].map((door) => statusOf(door, line, fields)),
    );
    assertEquals(found, want);
  });
}

Deno.test("admit(): what is let in says so in the path, not in what it decodes to", async () => {
  for (const path of ["/healthz;x", "//healthz", "/healthz/", "/HEALTHZ"]) {
    assertEquals(await statusOf(OUTSIDE, `GET ${path}`, [HOST]), 401, path);
  }
});

Deno.test("admit(): no other token is taken for the right one", async () => {
  for (let i = 0; i < 2000; i++) {
    const field = `authorization: Bearer ${TOKEN}${i}`;
    assertEquals(await statusOf(LOOPBACK, "PUT /v1/x", [HOST, field]), 401);
  }
});
