/**
 * Who is let in at a TCP listener of the admin API. At the Unix socket the
 * kernel has decided: only its owner can write to it.
 *
 * | listener | `/healthz`, `/readyz` | reading | changing |
 * | --- | --- | --- | --- |
 * | on loopback | open | open | with the token |
 * | elsewhere | open | with the token | with the token |
 *
 * In a pod, loopback is the guarded workload: it may look, and change nothing. A
 * browser is kept from being used against its owner: a name that leads here by
 * chance is no host of ours (DNS rebinding), and a page of another origin may
 * change nothing, even with the token (CSRF), nor make this machine answer what
 * it cannot see.
 *
 * @module
 */
import type { Head } from "./http.ts";
import { RequestError } from "./problem.ts";

/** What a listener is. */
export interface Door {
  /** Hosts that requests may be meant for, in lower case, without ports and brackets; that of the connection's own end is one too. */
  readonly hosts: ReadonlySet<string>;
  /** Nobody but this machine reaches it. */
  readonly isLoopback: boolean;
  /** The token as it is now; absent: none is configured. @throws {RequestError} when it cannot be had */
  readonly token?: () => Promise<string>;
}

const READING: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
const PROBES: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

/**
 * Lets a request in, or says why not.
 *
 * @param local the address of the connection's own end, without a port
 * @throws {RequestError} 401, 403 or 421
 */
export async function admit(
  head: Head,
  door: Door,
  local: string,
): Promise<void> {
  checkHost(head, door, local);
  const isReading = READING.has(head.method);
  const [path] = head.target.split("?", 1);
  if (isReading && PROBES.has(path!)) return;
  if (!isReading || !door.isLoopback) await checkToken(head, door, isReading);
  if (isReading) checkFetch(head);
  else checkOrigin(head);
}

function checkHost({ host }: Head, { hosts }: Door, local: string): void {
  const name = hostOf(host);
  if (hosts.has(name) || name === local) return;
  throw new RequestError(
    421,
    `${
      JSON.stringify(host)
    } is no name of this listener; call it by its address, or add the name to admin.hosts`,
  );
}

/** `[::1]:9901` as `::1`; ports differ where they are forwarded. */
function hostOf(host: string): string {
  const [, bracketed, plain] =
    /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host.toLowerCase()) ?? [];
  return bracketed ?? plain ?? "";
}

async function checkToken(
  { headers }: Head,
  { token }: Door,
  isReading: boolean,
): Promise<void> {
  if (!token) {
    throw new RequestError(
      403,
      "over TCP changing takes a token, and none is configured; use the Unix socket, or configure admin.tokenFile",
    );
  }
  const [, shown] = /^bearer +([!-~]+)$/i
    .exec(headers.get("authorization") ?? "") ?? [];
  if (shown !== undefined && await isSame(shown, await token())) return;
  const what = shown === undefined
    ? `${isReading ? "reading here" : "changing"} takes a token`
    : "the token is not the one of admin.tokenFile";
  throw new RequestError(
    401,
    `${what}; send Authorization: Bearer TOKEN`,
    { "www-authenticate": 'Bearer realm="parley"' },
  );
}

/** In a time that tells nothing of the token. */
async function isSame(shown: string, token: string): Promise<boolean> {
  const [a, b] = await Promise.all([shown, token].map(digest));
  let difference = 0;
  for (const [index, byte] of a!.entries()) difference |= byte ^ b![index]!;
  return difference === 0;
}

async function digest(text: string): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** What a page of another site loads is refused; a link that somebody follows is not. */
function checkFetch({ headers }: Head): void {
  if (!isOfOtherSite(headers)) return;
  if (headers.get("sec-fetch-dest") === "document") return;
  throw new RequestError(
    403,
    "a page of another origin loads nothing from here; open the address itself",
  );
}

function isOfOtherSite(headers: Head["headers"]): boolean {
  const site = headers.get("sec-fetch-site");
  return site !== undefined && site !== "same-origin" && site !== "none";
}

/** Pages send where they come from with whatever changes something. */
function checkOrigin({ host, headers }: Head): void {
  const origin = headers.get("origin");
  const isForeign = origin !== undefined &&
    origin.toLowerCase().replace(/^https?:\/\//, "") !== host.toLowerCase();
  if (!isForeign && !isOfOtherSite(headers)) return;
  throw new RequestError(
    403,
    "a page of another origin changes nothing here; use this listener's own page, or a client that is no browser",
  );
}
