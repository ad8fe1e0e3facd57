/**
 * Commands that speak to a running sidecar, over its Unix socket or over TCP.
 *
 * @module
 */
import { findSockets, foldersOf, thisUser } from "../admin/socket.ts";
import type { Problem } from "../admin/problem.ts";
import { escapeLines } from "../policy/problem.ts";
import { thrownText } from "../proxy/thrown.ts";
import { ParleyError } from "../proxylib/error.ts";
import { UsageError } from "./exit.ts";
import { readFile } from "./files.ts";

/** What these commands have in common. */
export interface SidecarOption {
  /** The socket of the sidecar that is meant. */
  readonly socket?: string;
  /** Its `admin.listen` instead, as a URL. */
  readonly admin?: string;
  /** A file with the token of `admin.tokenFile`. */
  readonly tokenFile?: string;
  /** Certificates (PEM) that its own is trusted by. */
  readonly caFile?: string;
}

/** A sidecar that can be spoken to. */
export interface SidecarAddress {
  /** As the operator has it. */
  readonly name: string;
  /** What paths are put behind. */
  readonly origin: string;
  /** Absent over TCP. */
  readonly socket?: string;
  readonly token?: string;
  readonly certificates?: string;
}

/** Staging takes some seconds at most; a sidecar that says nothing for so long hangs. */
const PATIENCE_MS = 60_000;

/** The sidecar that runs, or nothing. @throws {UsageError} when several do */
export async function findSidecar(
  option: SidecarOption,
): Promise<SidecarAddress | undefined> {
  const { socket, admin, tokenFile, caFile } = option;
  if (admin !== undefined && socket !== undefined) {
    throw new UsageError("--admin and --socket exclude each other; give one");
  }
  if (admin !== undefined) return await overTcp(admin, option);
  if (tokenFile !== undefined || caFile !== undefined) {
    throw new UsageError(
      "--token-file and --ca-file belong to --admin; a socket takes neither",
    );
  }
  if (socket !== undefined) return overSocket(socket);
  const found = await findSockets(thisUser());
  if (found.length < 2) {
    return found[0] === undefined ? undefined : overSocket(found[0]);
  }
  throw new UsageError(
    `${found.length} sidecars of this user run; say which is meant:${
      found.map((path) => `\n  --socket ${path}`).join("")
    }`,
  );
}

function overSocket(socket: string): SidecarAddress {
  return { name: socket, origin: "http://parley", socket };
}

async function overTcp(
  admin: string,
  { tokenFile, caFile }: SidecarOption,
): Promise<SidecarAddress> {
  const url = URL.parse(admin);
  const isOrigin = url !== null && /^https?:$/.test(url.protocol) &&
    url.pathname === "/" && url.search === "" && url.username === "";
  if (!isOrigin) {
    throw new UsageError(
      `--admin ${
        JSON.stringify(admin)
      } is no address of a sidecar; write http://HOST:PORT, or https://HOST:PORT`,
    );
  }
  return {
    name: url.origin,
    origin: url.origin,
    ...(tokenFile === undefined
      ? {}
      : { token: (await readFile(tokenFile)).trim() }),
    ...(caFile === undefined ? {} : { certificates: await readFile(caFile) }),
  };
}

/** The sidecar that runs. @throws {ParleyError} when none does @throws {UsageError} when several do */
export async function needSidecar(
  option: SidecarOption,
): Promise<SidecarAddress> {
  const found = await findSidecar(option);
  if (found !== undefined) return found;
  throw new ParleyError("Cannot find a running sidecar", {
    blame: "operator",
    where: foldersOf(thisUser()).join(", "),
    found: "no sidecar of this user listens there",
    mend:
      "start one with parley run, name its admin.unix with --socket, or its admin.listen with --admin",
  });
}

/** How a sidecar is asked. */
export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** What a request has beside its path. */
export interface Asked {
  /** JSON. */
  readonly body?: unknown;
  /** In place of JSON, with its type among the headers. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends it, and what is read of its answer. */
  readonly signal?: AbortSignal;
}

/** Asks a sidecar; its answer as JSON. @throws {ParleyError} when it cannot be reached, or refuses */
export async function ask<Answer>(
  sidecar: SidecarAddress,
  method: Method,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return await answered(
    sidecar,
    method,
    path,
    { body, signal },
    (response) =>
      response.json().catch((cause) => {
        throw unusable(sidecar, `its answer is no JSON: ${thrownText(cause)}`);
      }),
  );
}

/** Asks a sidecar, and has its answer read. @throws {ParleyError} when it cannot be reached, or refuses */
export async function answered<Answer>(
  sidecar: SidecarAddress,
  method: Method,
  path: string,
  asked: Asked,
  read: (response: Response) => Promise<Answer>,
): Promise<Answer> {
  using client = clientOf(sidecar);
  const response = await send(client, sidecar, method, path, asked);
  if (response.ok) return await read(response);
  throw refusal(`${method} ${path}`, await problemOf(sidecar, response));
}

/** Asks a sidecar; its answer, read whole, whatever it is. @throws {ParleyError} when it cannot be reached */
export async function exchange(
  sidecar: SidecarAddress,
  method: Method,
  path: string,
  asked: Asked,
): Promise<Response> {
  using client = clientOf(sidecar);
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const response = await send(client, sidecar, method, path, {
    signal,
    ...asked,
  });
  const { status, headers } = response;
  const body = await response.arrayBuffer();
  return new Response(status === 204 ? null : body, { status, headers });
}

function clientOf({ socket, certificates }: SidecarAddress): Deno.HttpClient {
  return Deno.createHttpClient({
    ...(socket === undefined
      ? {}
      : { proxy: { transport: "unix", path: socket } }),
    ...(certificates === undefined ? {} : { caCerts: [certificates] }),
  });
}

async function send(
  client: Deno.HttpClient,
  sidecar: SidecarAddress,
  method: Method,
  path: string,
  { body, text, headers: given, signal }: Asked,
): Promise<Response> {
  const { origin, token } = sidecar;
  const headers = new Headers(given);
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  if (body !== undefined) headers.set("content-type", "application/json");
  const sent = body === undefined ? text : JSON.stringify(body);
  return await reach(sidecar, `${origin}${path}`, {
    client,
    method,
    headers,
    ...(signal ? { signal } : {}),
    ...(sent === undefined ? {} : { body: sent }),
  });
}

/** The problem document of an answer. @throws {ParleyError} when it is none */
export async function problemOf(
  sidecar: SidecarAddress,
  response: Response,
): Promise<Problem> {
  return await response.json().catch((cause) => {
    throw unusable(sidecar, `its answer is no JSON: ${thrownText(cause)}`);
  });
}

/** What a problem document says: its detail is what was found, and how to mend it. */
export function refusal(where: string, { status, detail }: Problem): Error {
  const text = escapeLines(String(detail));
  if (status === 400 || status === 422) return new UsageError(text);
  const semicolon = text.lastIndexOf("; ");
  const [found, mend] = semicolon < 0
    ? [text, "see what the sidecar's own log says"]
    : [text.slice(0, semicolon), text.slice(semicolon + 2)];
  return new ParleyError("The sidecar did not do it", {
    blame: "operator",
    where,
    found,
    mend: commandFor(status, where) ?? mend,
  });
}

/** What people do, where the sidecar says what programs would. */
function commandFor(status: number, where: string): string | undefined {
  if (status === 401) return "show the token with --token-file";
  const [, kind] = /\/v1\/(policies|parsers|connections)\//.exec(where) ?? [];
  if (status !== 404 || kind === undefined) return undefined;
  return `parley ${kind} list shows those that are there`;
}

async function reach(
  sidecar: SidecarAddress,
  url: string,
  init: RequestInit & { client: Deno.HttpClient },
): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    const { cause: deeper = cause } = cause as Error;
    throw unusable(sidecar, thrownText(deeper));
  }
}

function unusable(
  { name, socket }: SidecarAddress,
  found: string,
): ParleyError {
  return new ParleyError("Cannot speak to the sidecar", {
    blame: "operator",
    where: name,
    found,
    mend: socket === undefined
      ? "see that it runs, and that the URL is the one of its admin.listen"
      : "see that it runs, and that the socket is the one of its admin.unix",
  });
}
