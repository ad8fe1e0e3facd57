/**
 * What stands in labels: of most of them each word is known here, so that
 * nobody can invent series with them.
 *
 * @module
 */
import type { End } from "../transport/transport.ts";
import { BOUNDS_MS } from "./bounds.ts";

/** In the place of names that are too many, and of words that are a parser's own. */
export const OTHER = "other";

/** Reasons of the engine's own. */
export const REASONS: ReadonlySet<string> = new Set([
  ...["no-rule", "deny-rule", "unknown-parser", "parser-changed", "limit"],
  ...["not-redirected", "unknown-endpoint", "unresolved", "panic", "tls"],
  ...["malformed", "memory"],
]);

const ENDS: Readonly<Record<End, true>> = {
  "closed": true,
  "client-reset": true,
  "upstream-reset": true,
  "upstream-unreachable": true,
  "connect-timeout": true,
  "idle-timeout": true,
  "drained": true,
  "operator": true,
  "refused": true,
};

/** Labels whose words are known. The others are names. */
export const WORDS: Readonly<Record<string, ReadonlySet<string>>> = {
  verdict: new Set(["forwarded", "denied", "audit", "error"]),
  direction: new Set(["ingress", "egress"]),
  flow: new Set(["forward", "reply"]),
  reason: new Set([...REASONS, OTHER]),
  end: new Set(Object.keys(ENDS)),
  bucket: new Set([...BOUNDS_MS.keys(), BOUNDS_MS.length].map(String)),
};
