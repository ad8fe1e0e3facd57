/**
 * The page at `/`, and the files that it is made of. They are read from the
 * program's own folder when somebody asks for them.
 *
 * @module
 */
import { z } from "zod";
import { quote } from "../../policy/problem.ts";
import { RequestError } from "../problem.ts";
import { isAtHand } from "./entity_tags.ts";
import { type Operation, operation } from "./operation.ts";

const FOLDER = new URL("../page/", import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** A file of the folder, and of no other. */
const NAME = /^[a-z]+\.([a-z]+)$/;

/**
 * Scripts and styles are the page's own files, it speaks to this sidecar only,
 * and no text of it can become HTML (Trusted Types).
 */
const POLICY = [
  "default-src 'none'",
  ...["script-src", "style-src", "img-src", "connect-src"]
    .map((name) => `${name} 'self'`),
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS = {
  "cache-control": "no-cache",
  "content-security-policy": POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

const params = z.object({
  file: z.string().min(1).describe("a file of the page"),
});
const headers = {
  "if-none-match": z.string().optional()
    .describe("what is there already is not sent again"),
};
const unchanged = { description: "It is the one that the client has." };

export function page(): Operation[] {
  return [
    operation({
      method: "GET",
      path: "/",
      id: "getPage",
      summary: "A page for people, that shows what this API answers",
      headers,
      answers: {
        200: { description: "HTML.", content: { "text/html": z.string() } },
        304: unchanged,
      },
    }, ({ request }) => answer("index.html", request)),
    operation({
      method: "GET",
      path: "/page/{file}",
      id: "getPageFile",
      summary: "A file of the page",
      params,
      headers,
      answers: {
        200: {
          description: "The file.",
          content: {
            "text/html": z.string(),
            "text/javascript": z.string(),
            "text/css": z.string(),
            "image/svg+xml": z.string(),
          },
        },
        304: unchanged,
      },
      problems: [404],
    }, ({ params: { file }, request }) => answer(file, request)),
  ];
}

async function answer(file: string, request: Request): Promise<Response> {
  const { bytes, etag, type } = await read(file);
  const headers = { ...HEADERS, etag };
  return isAtHand(request, etag)
    ? new Response(null, { status: 304, headers })
    : new Response(bytes, { headers: { ...headers, "content-type": type } });
}

async function read(file: string) {
  const type = TYPES[NAME.exec(file)?.[1] ?? ""];
  const bytes = type === undefined
    ? undefined
    : await Deno.readFile(new URL(file, FOLDER)).catch(() => undefined);
  if (!type || !bytes) {
    throw new RequestError(
      404,
      `the page has no file ${quote(file)}; it begins at /`,
    );
  }
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return { bytes, type, etag: `"${hash.toHex().slice(0, 32)}"` };
}
