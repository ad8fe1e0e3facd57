/**
 * A client of the admin API, over TCP or over the Unix socket of a sidecar.
 *
 * @module
 */
import { match as assertMatch } from "node:assert/strict";
import type { Operation } from "../../admin/app/operation.ts";
import { within } from "../e2e/wait.ts";
import { Parley } from "../processes/parley.ts";

export const TOKEN = "test-token";

/** What a request has beside its path. */
export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An answer, read whole. */
export interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // deno-lint-ignore no-explicit-any -- tests compare it
  readonly json: any;
}

/** Asks over the Unix socket, where all is allowed. */
export async function overSocket(
  socket: string,
  path: string,
  asked: Asked = {},
): Promise<Told> {
  using client = Deno.createHttpClient({
    proxy: { transport: "unix", path: socket },
  });
  return await told(await fetch(`http://parley${path}`, { client, ...asked }));
}

/** Asks over TCP, with the token unless `headers` say otherwise. */
export async function overTcp(
  origin: string,
  path: string,
  { headers, ...asked }: Asked = {},
): Promise<Told> {
  return await told(
    await fetch(`${origin}${path}`, {
      ...asked,
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    }),
  );
}

async function told(response: Response): Promise<Told> {
  const { status, headers } = response;
  const text = await response.text();
  const isJson = text !== "" && /json/.test(headers.get("content-type") ?? "");
  return { status, headers, text, json: isJson ? JSON.parse(text) : undefined };
}

/** Whether an operation answers a stream, which has no end. */
export function isEndless({ answers }: Operation): boolean {
  return answers[200]?.content?.["text/event-stream"] !== undefined;
}

/** What `admin` of a configuration is for these tests; the files are in the sidecar's folder. */
export const LISTENING = {
  listen: "127.0.0.1:0",
  tokenFile: "token",
  policies: "kept/",
};

/** Writes the token of {@linkcode LISTENING}. */
export async function writeToken(parley: Parley): Promise<void> {
  await Deno.writeTextFile(`${parley.folder}/token`, `${TOKEN}\n`);
}

/** Where the admin API is, by what was said of it from a line on. */
export async function originOf(parley: Parley, from = 0): Promise<string> {
  const line = await parley.until(/admin API at http/, from);
  return /https?:\/\/[\w.:[\]-]+\d/.exec(line)![0];
}

/** A problem document says what is wrong, and after a semicolon or colon how to mend it. */
export function assertProblem({ status, headers, json }: Told): void {
  assertMatch(headers.get("content-type")!, /^application\/problem\+json/);
  assertMatch(String(json.status), new RegExp(`^${status}$`));
  assertMatch(json.title, /^[A-Z]/);
  assertMatch(json.detail, /.(; |: ).+/s);
}

/** Sends bytes over TCP as they are, and reads what comes until the other side closes. */
export async function sendRaw(
  origin: string,
  sent: string | readonly string[],
): Promise<string> {
  const { hostname, port } = new URL(origin);
  using conn = await Deno.connect({ hostname, port: Number(port) });
  const encoder = new TextEncoder();
  for (const text of typeof sent === "string" ? [sent] : sent) {
    await conn.write(encoder.encode(text)).catch(() => 0); // it may have closed
  }
  return await within(
    new Response(conn.readable).text().catch(() => ""),
    () => "end of the answer",
    () => conn.close(),
  );
}
