/**
 * The secret that fields of log lines are hashed with: of a file, or one that
 * nobody knows.
 *
 * @module
 */
import { ParleyError } from "../proxylib/error.ts";
import type { Config } from "./config/mod.ts";
import { thrownText } from "./thrown.ts";

/** Shorter ones can be guessed. */
const LEAST_BYTES = 16;
const OWN_BYTES = 32;

/** In base64. @throws {ParleyError} when the file cannot be read, or says too little */
export async function readHashSecret(
  { accessLog: { hash, hashSecretFile } }: Pick<Config, "accessLog">,
): Promise<string> {
  if (hash.length === 0 || hashSecretFile === undefined) {
    return crypto.getRandomValues(new Uint8Array(OWN_BYTES)).toBase64();
  }
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(hashSecretFile);
  } catch (cause) {
    throw fault(hashSecretFile, thrownText(cause));
  }
  if (bytes.length >= LEAST_BYTES) return bytes.toBase64();
  throw fault(hashSecretFile, `it has ${bytes.length} bytes`);
}

function fault(where: string, found: string): ParleyError {
  return new ParleyError("Cannot read the secret of accessLog.hash", {
    blame: "operator",
    where,
    found,
    mend:
      `write ${LEAST_BYTES} random bytes or more to it, such as head -c 32 /dev/urandom does`,
  });
}
