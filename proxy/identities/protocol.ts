/**
 * What a controller and its sidecars have agreed on, beside the lines of
 * `policy/controller_stream.ts`.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Where a sidecar asks for its stream. Whose it is, the token says. */
export const STREAM_PATH = "/v1/sidecar";

/** A header: `complete` asks for all of the cluster, for policies that the controller does not know. */
export const VIEW_HEADER = "parley-view";

/** The controller says something at least so often, if only an empty line. Milliseconds. */
export const HEARTBEAT_MS = 15_000;

/** What a state is, as an entity tag: two sides with the same lines have the same. */
export function tagOf(lines: Iterable<string>): string {
  const hash = createHash("sha256");
  for (const line of [...lines].sort()) hash.update(line).update("\n");
  return `"${hash.digest("base64url")}"`;
}
