/**
 * The mission's two example policies. They are upstream's documents, from the
 * folder `shared` beside the checkout (or `PARLEY_SHARED`).
 *
 * @module
 */
import { type Missing, type Tool } from "../setup/mod.ts";
import { missing } from "../setup/tool.ts";

const FOLDER = Deno.env.get("PARLEY_SHARED") ??
  new URL("../../../shared", import.meta.url).pathname;

/** Of memcached, port 11211 of `app: memcd-server`. */
export const MEMCACHED = "04-memcache-sw.yaml";
/** Of Cassandra, port 9042 of `app: cass-server`. */
export const CASSANDRA = "01-cassandra-sw.yaml";

/** A document as a ConfigMap's key. */
export async function missionPolicy(
  name: string,
): Promise<Record<string, string>> {
  return { [name]: await Deno.readTextFile(`${FOLDER}/policies/${name}`) };
}

/** For `testWith`: the documents. */
export async function missionPolicies(): Promise<Tool | Missing> {
  const there = await Deno.stat(`${FOLDER}/policies/${MEMCACHED}`)
    .catch(() => undefined);
  return there
    ? { kind: "tool", command: FOLDER, env: {} }
    : missing("the shared example policies are not at hand");
}
