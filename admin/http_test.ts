/** Requests as bytes: cut anywhere, and by somebody who means no good. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
  throws as assertThrows,
} from "node:assert/strict";
import fc from "fast-check";
import { RequestReader } from "./exchange.ts";
import { BODY_MAX, encodeResponse, HEAD_MAX, readHead } from "./http.ts";
import { RequestError } from "./problem.ts";

const encode = (text: string) => new TextEncoder().encode(text);

const HEADS: readonly {
  readonly name: string;
  readonly text: string;
  readonly want: readonly [string, string, number];
}[] = [
  {
    name: "in origin form",
    text: "GET /v1/parsers?a=b HTTP/1.1\r\nHost: x\r\n\r\n",
    want: ["GET", "/v1/parsers?a=b", 0],
  },
  {
    name: "in absolute form",
    text: "GET http://parley/v1/parsers HTTP/1.1\r\nHost: x\r\n\r\n",
    want: ["GET", "/v1/parsers", 0],
  },
  {
    name: "of HTTP/1.0, without a host",
    text: "GET / HTTP/1.0\r\n\r\n",
    want: ["GET", "/", 0],
  },
  {
    name: "with a body",
    text: "POST / HTTP/1.1\r\nhost:x\r\nCONTENT-length:  65536 \r\n\r\n",
    want: ["POST", "/", BODY_MAX],
  },
];

for (const { name, text, want } of HEADS) {
  Deno.test(`readHead() reads a request ${name}, when its last byte is there and not before`, () => {
    const bytes = encode(text);
    for (let at = 0; at < bytes.length; at++) {
      assertEquals(readHead(bytes.subarray(0, at)), undefined);
    }
    const head = readHead(encode(`${text}more`))!;
    assertEquals([head.method, head.target, head.length], want);
    assertEquals(head.bytes, bytes.length);
  });
}

const WRONG: readonly {
  readonly name: string;
  readonly text: string;
  readonly status: number;
}[] = [
  { name: "no line", text: "\r\n\r\n", status: 400 },
  { name: "two spaces", text: "GET  / HTTP/1.1\r\nhost: x", status: 400 },
  { name: "lower case", text: "get / HTTP/1.1\r\nhost: x", status: 400 },
  { name: "no path", text: "GET x HTTP/1.1\r\nhost: x", status: 400 },
  {
    name: "CONNECT's form",
    text: "CONNECT a:1 HTTP/1.1\r\nhost: x",
    status: 400,
  },
  { name: "control bytes", text: "GET /\x00 HTTP/1.1\r\nhost: x", status: 400 },
  { name: "a bare LF", text: "GET / HTTP/1.1\r\nhost: x\nb: c", status: 400 },
  { name: "a bare CR", text: "GET / HTTP/1.1\r\nhost: x\rb: c", status: 400 },
  {
    name: "a folded field",
    text: "GET / HTTP/1.1\r\nhost: x\r\n b",
    status: 400,
  },
  {
    name: "a space before the colon",
    text: "GET / HTTP/1.1\r\nhost : x",
    status: 400,
  },
  { name: "no name", text: "GET / HTTP/1.1\r\nhost: x\r\n: b", status: 400 },
  { name: "no ASCII", text: "GET / HTTP/1.1\r\nhost: é", status: 400 },
  {
    name: "two hosts",
    text: "GET / HTTP/1.1\r\nhost: x\r\nHost: x",
    status: 400,
  },
  ...["-1", "+1", "1, 1", "0x1", "", "1 1"].map((length) => ({
    name: `a length of ${JSON.stringify(length)}`,
    text: `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}`,
    status: 400,
  })),
  {
    name: "a body too long",
    text: `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${BODY_MAX + 1}`,
    status: 413,
  },
  {
    name: "a length and chunks",
    text:
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked",
    status: 411,
  },
];

for (const { name, text, status } of WRONG) {
  Deno.test(`readHead() refuses ${name}`, () => {
    assertThrows(
      () => readHead(encode(`${text}\r\n\r\n`)),
      (error) => error instanceof RequestError && error.status === status,
    );
  });
}

Deno.test("readHead() refuses a head that is too long, also before its end", () => {
  const line = "GET / HTTP/1.1\r\nhost: x\r\na: ";
  const isTooLong = (error: unknown) =>
    error instanceof RequestError && error.status === 431;
  const fits = `${line}${"b".repeat(HEAD_MAX - line.length)}\r\n\r\n`;
  assert(readHead(encode(fits)));
  const over = `${line}${"b".repeat(HEAD_MAX - line.length + 1)}`;
  assertThrows(() => readHead(encode(over)), isTooLong);
  assertThrows(() => readHead(encode(`${over}\r\n\r\n`)), isTooLong);
});

Deno.test("a request cut anywhere comes out as it went in", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 400, size: "max" }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
      async (body, sizes) => {
        const head = encode(
          `PUT /a HTTP/1.1\r\nHost: x\r\nb: c\r\nContent-Length: ${body.length}\r\n\r\n`,
        );
        const bytes = new Uint8Array([...head, ...body]);
        const reader = new RequestReader();
        let request: Request | undefined;
        for (let at = 0, i = 0; at < bytes.length; i++) {
          assertEquals(request, undefined);
          const size = sizes[i % sizes.length]!;
          request = reader.push(bytes.subarray(at, at + size));
          at += size;
        }
        assertEquals(request!.method, "PUT");
        assertEquals(request!.headers.get("b"), "c");
        assertEquals(new Uint8Array(await request!.arrayBuffer()), body);
      },
    ),
    { seed: 20_261_124 },
  );
});

const line = fc.oneof(
  fc.string(),
  fc.constantFrom(
    "GET / HTTP/1.1",
    "POST //\\@: HTTP/1.1",
    "TRACE / HTTP/1.1",
    "host: x",
    "content-length: 3",
    "cookie: a",
    "expect: 100-continue",
    "",
  ),
);

Deno.test("any bytes are a request, not whole yet, or refused", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 300, size: "max" }),
        fc.array(line, { maxLength: 8 })
          .map((lines) => encode(`${lines.join("\r\n")}\r\n\r\nabc`)),
      ),
      (bytes) => {
        try {
          const request = new RequestReader().push(bytes);
          assert(request === undefined || request instanceof Request);
        } catch (error) {
          assert(error instanceof RequestError, String(error));
        }
      },
    ),
    { seed: 20_261_124 },
  );
});

Deno.test("encodeResponse() tells no length of an answer that has no body", async () => {
  for (const status of [204, 304]) {
    const bytes = await encodeResponse(new Response(null, { status }), "GET");
    const text = new TextDecoder().decode(bytes);
    assert(!/content-length/.test(text), text);
    assert(text.endsWith("\r\nconnection: close\r\n\r\n"), text);
  }
});

Deno.test("encodeResponse() says how long the body is; of HEAD it sends none", async () => {
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const response = () => Response.json({ a: "é" }, { status: 404 });
  assertEquals(
    decode(await encodeResponse(response(), "GET")),
    'HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 10\r\nconnection: close\r\n\r\n{"a":"é"}',
  );
  assert(
    decode(await encodeResponse(response(), "HEAD")).endsWith(
      "content-length: 10\r\nconnection: close\r\n\r\n",
    ),
  );
});
