/**
 * Errors as problem documents (RFC 9457): what, where, and how to mend it.
 *
 * @module
 */

/** A problem document. `type` is left out: it is `about:blank`, the status says all. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  /** What was found, and how to mend it. */
  readonly detail: string;
}

/** What each status that is answered here is called (RFC 9110 section 15). */
export const TITLES: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  204: "No Content",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

/** Why a request is not carried out. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;

  /** `detail` says what was found and how to mend it; `members` say it to programs. */
  constructor(
    status: number,
    detail: string,
    headers: Readonly<Record<string, string>> = {},
    members: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail);
    this.status = status;
    this.headers = headers;
    this.members = members;
  }
}

/** The answer to a request that is not carried out. */
export function problemResponse(
  { status, message, headers, members }: RequestError,
): Response {
  const problem: Problem = {
    ...members,
    title: TITLES[status] ?? "Error",
    status,
    detail: message,
  };
  return Response.json(problem, {
    status,
    headers: {
      ...headers,
      "content-type": "application/problem+json",
      "cache-control": "no-store",
    },
  });
}
