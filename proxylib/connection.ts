/**
 * What a parser knows of the connection it reads, and what it can ask of it.
 *
 * @module
 */

/** One end of a connection. */
export interface Endpoint {
  /** `ip:port`, `[ipv6]:port` or `unix:path`. */
  readonly address: string;
  /** Security labels, `source:key=value`, sorted; `reserved:world` for an unlisted address. */
  readonly labels: readonly string[];
}

/** What the policy says of one request. */
export interface Decision {
  /** Whether the request's bytes may pass. In audit mode always true. */
  readonly allowed: boolean;
  readonly verdict: "forwarded" | "denied" | "audit" | "error";
  /** Path of the rule that allowed or explicitly denied; absent when none matched. */
  readonly rule?: string;
  /** Why, when no rule says it: `no-rule`, `deny-rule`, `malformed` … */
  readonly reason?: string;
}

/** Values of the access log's `fields`. */
export type Fields = Readonly<
  Record<string, string | number | boolean | readonly string[]>
>;

/**
 * What the connections of a listener to one upstream know in common, per parser
 * and worker: texts by texts. The engine owns it and bounds it, so what was put
 * there may be gone when it is asked for.
 */
export interface Shared {
  get(key: string): string | undefined;
  /** Throws a `TypeError` for anything but texts. */
  set(key: string, value: string): void;
}

/** The connection as its parser sees it. */
export interface Connection<Request = unknown> {
  readonly id: number;
  /** Which way the connection goes as seen from the guarded workload. */
  readonly direction: "ingress" | "egress";
  readonly source: Endpoint;
  readonly destination: Endpoint;
  /** The port that the policy speaks of. */
  readonly port: number;
  /** The most that is held of one frame, per direction (`limits.frameBytes`): a bound for what a parser unpacks, too. */
  readonly frameBytes: number;
  readonly shared: Shared;
  /** Asks the policy in force about a request. Does not log. */
  matches(request: Request): Decision;
  /**
   * Queues bytes of the parser's own for a direction. They leave at that
   * direction's next frame boundary, at once if it is at one.
   */
  inject(reply: boolean, bytes: Uint8Array): void;
  /** Whether lines of replies are written: if not, nobody need describe them. */
  readonly logsResponses: boolean;
  /**
   * Writes an access-log line, and counts the request. `defineProtocol` does
   * this by itself.
   *
   * @param asked of a response: what this gave for its request; the line then
   *   has the `latency`, and the request is answered
   * @return of a request: its number, plain data, for when it is answered
   */
  log(
    decision: Decision,
    fields: Fields,
    type?: "request" | "response",
    asked?: number,
  ): number;
  /**
   * A request is answered, by the server or by the parser, or it will never be:
   * that is how long it took. One that nobody calls answered counts as open
   * until its connection ends. `defineProtocol` does this by itself.
   *
   * @param asked what `log` gave for it
   */
  answered(asked: number): void;
}
