/**
 * `parley run` on Linux: the command line reads its configuration, then becomes
 * the supervisor. What it needed for that (the option parser, the schema, the
 * YAML reader) is gone with it: the supervisor is half as large.
 *
 * @module
 */
import type { Config } from "../proxy/config/mod.ts";
import { openLibc } from "../proxy/linux/libc.ts";
import { become, EXEC_SYMBOLS } from "../proxy/sandbox/exec.ts";
import { PROGRAM } from "./exit.ts";
import { prepare } from "./prepare.ts";
import type { Supervised } from "./supervise.ts";

const SUPERVISOR = new URL("supervise.ts", import.meta.url);

/** Does not return. @throws {ParleyError} when the system does not let it */
export async function becomeSupervisor(
  config: Config,
  file: string | undefined,
): Promise<never> {
  const folder = await Deno.makeTempDir({ prefix: "parley-" });
  const supervised: Supervised = { config, ...(file ? { file } : {}) };
  await Deno.writeTextFile(
    `${folder}/supervised.json`,
    JSON.stringify(supervised),
  );
  const argv = [
    "parley",
    "run",
    "--quiet",
    "--cached-only",
    `--config=${PROGRAM}`,
    // It allocates little and seldom: what it holds counts, not its speed.
    "--v8-flags=--expose-gc,--max-semi-space-size=1,--optimize-for-size",
    "-P",
    SUPERVISOR.href,
    folder,
  ];
  await prepare();
  const libc = openLibc(EXEC_SYMBOLS);
  return become(libc, Deno.execPath(), argv, Deno.env.toObject());
}
