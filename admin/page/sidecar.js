// @ts-check
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/**
 * The admin API of the sidecar that has served this page.
 *
 * @module
 */

/** What was not done; the message says why, and how to mend it. */
export class Refusal extends Error {
  status;

  /** @param {string} message @param {number} status of HTTP; 0: there was no answer */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** In memory only: it goes with the page. */
let token = "";

/** @param {string} text */
export function useToken(text) {
  token = text.trim();
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function read(path) {
  const response = await send("GET", path, {});
  return await response.json();
}

/**
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>}
 */
export async function change(path, body) {
  try {
    const response = await send("POST", path, {
      ...(body ? { body: JSON.stringify(body) } : {}),
      ...(body ? { headers: { "content-type": "application/json" } } : {}),
    });
    return await response.json();
  } catch (error) {
    if (token === "" && error instanceof Refusal && error.status === 401) {
      document.getElementById("token")?.focus();
      throw new Refusal(
        "Changing takes the token, and none is given: paste what the file of admin.tokenFile holds into the field Token at the top. It stays in the memory of this page.",
        401,
      );
    }
    throw error;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {RequestInit} options
 */
async function send(method, path, options) {
  const headers = {
    ...options.headers,
    ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
  };
  /** @type {Response} */
  let response;
  try {
    response = await fetch(path, { ...options, method, headers });
  } catch {
    options.signal?.throwIfAborted();
    throw new Refusal("The sidecar does not answer.", 0);
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Refusal(problem.detail ?? response.statusText, response.status);
}

/**
 * Follows the access log until it is aborted: the lines that are remembered,
 * then those that come.
 * @param {Record<string, string>} filter
 * @param {object} to
 * @param {AbortSignal} to.signal
 * @param {() => void} to.begin called before the first lines
 * @param {(lines: string[]) => void} to.lines each is JSON
 * @param {(count: number) => void} to.dropped so many were lost on their way
 */
export async function followLog(filter, { signal, begin, lines, dropped }) {
  const query = new URLSearchParams(filter);
  const response = await send("GET", `/v1/accesslog?${query}`, { signal });
  const body = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!body) return;
  // None that is written later is missed; some may be remembered, too.
  const last = await read(`/v1/accesslog/last?${query}`);
  const known = new Set(
    last.lines.map((/** @type {object} */ one) => JSON.stringify(one)),
  );
  begin();
  lines([...known]);
  let rest = "";
  for (;;) {
    const { value, done } = await body.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop() ?? "";
    /** @type {string[]} */
    const fresh = [];
    for (const event of events) {
      if (event.startsWith("data: ")) fresh.push(event.slice(6));
      else if (event.startsWith("event: dropped\ndata: ")) {
        dropped(JSON.parse(event.slice(21)).dropped);
      }
    }
    lines(known.size > 0 ? fresh.filter((line) => !known.has(line)) : fresh);
    // What was said twice was said at once.
    if (fresh.some((line) => !known.has(line))) known.clear();
  }
}

/**
 * Follows it again when it ends, and says how it goes.
 * @param {Parameters<typeof followLog>[0]} filter
 * @param {Parameters<typeof followLog>[1] & { state: (text: string) => void }} to
 */
export async function keepFollowing(filter, to) {
  while (!to.signal.aborted) {
    try {
      to.state("");
      await followLog(filter, to);
    } catch (error) {
      if (to.signal.aborted) return;
      to.state(error instanceof Error ? error.message : `${error}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
