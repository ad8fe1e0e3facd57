/**
 * Commands that speak to a running sidecar, over its Unix socket.
 *
 * @module
 */
import { findSockets, foldersOf, thisUser } from "../admin/socket.ts";
import type { Problem } from "../admin/problem.ts";
import { escapeLines } from "../policy/problem.ts";
import { thrownText } from "../proxy/thrown.ts";
import { ParleyError } from "../proxylib/error.ts";
import { UsageError } from "./exit.ts";

/** What these commands have in common. */
export interface SidecarOption {
  /** The socket of the sidecar that is meant. */
  readonly socket?: string;
}

/** Staging takes some seconds at most; a sidecar that says nothing for so long hangs. */
const PATIENCE_MS = 60_000;

/** The socket of the sidecar that runs, or nothing. @throws {UsageError} when several do */
export async function findSidecar(
  { socket }: SidecarOption,
): Promise<string | undefined> {
  if (socket !== undefined) return socket;
  const found = await findSockets(thisUser());
  if (found.length < 2) return found[0];
  throw new UsageError(
    `${found.length} sidecars of this user run; say which is meant:${
      found.map((path) => `\n  --socket ${path}`).join("")
    }`,
  );
}

/** The socket of the sidecar that runs. @throws {ParleyError} when none does @throws {UsageError} when several do */
export async function needSidecar(option: SidecarOption): Promise<string> {
  const found = await findSidecar(option);
  if (found !== undefined) return found;
  throw new ParleyError("Cannot find a running sidecar", {
    blame: "operator",
    where: foldersOf(thisUser()).join(", "),
    found: "no sidecar of this user listens there",
    mend: "start one with parley run, or name its admin.unix with --socket",
  });
}

/** Asks the sidecar behind a socket. @throws {ParleyError} when it cannot be reached, or refuses */
export async function ask<Answer>(
  socket: string,
  method: "GET" | "POST",
  path: string,
  body?: unknown,
): Promise<Answer> {
  using client = Deno.createHttpClient({
    proxy: { transport: "unix", path: socket },
  });
  const response = await reach(socket, `http://parley${path}`, {
    client,
    method,
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...(body === undefined ? {} : {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    }),
  });
  const answer = await response.json().catch((cause) => {
    throw unusable(socket, `its answer is no JSON: ${thrownText(cause)}`);
  });
  if (response.ok) return answer;
  throw refusal(`${method} ${path}`, answer as Problem);
}

/** What a problem document says: its detail is what was found, and how to mend it. */
function refusal(where: string, { status, detail }: Problem): Error {
  const text = escapeLines(String(detail));
  if (status === 422) return new UsageError(text);
  const semicolon = text.lastIndexOf("; ");
  const [found, mend] = semicolon < 0
    ? [text, "see what the sidecar's own log says"]
    : [text.slice(0, semicolon), text.slice(semicolon + 2)];
  return new ParleyError("The sidecar did not do it", {
    blame: "operator",
    where,
    found,
    mend,
  });
}

async function reach(
  socket: string,
  url: string,
  init: RequestInit & { client: Deno.HttpClient },
): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    throw unusable(socket, thrownText(cause));
  }
}

function unusable(socket: string, found: string): ParleyError {
  return new ParleyError("Cannot speak to the sidecar", {
    blame: "operator",
    where: socket,
    found,
    mend: "see that it runs, and that the socket is the one of its admin.unix",
  });
}
