/**
 * The sidecar of the tour, as `parley run` starts it: a supervisor with a
 * sandboxed worker on Linux, the portable one in this process elsewhere.
 *
 * @module
 */
import { formatProblem } from "../../policy/mod.ts";
import { type Config, parseConfig } from "../../proxy/config/mod.ts";
import type { OperatorLog } from "../../proxy/sidecar.ts";
import { BUILT_IN_PARSERS, PROGRAM } from "../exit.ts";
import type { Running } from "../serve.ts";

/** What is started, and what hears of it. */
export interface SidecarPlan {
  /** `parley.yaml`. */
  readonly file: string;
  /** Of this sidecar's own; it need not be there. */
  readonly folder: string;
  readonly isSandboxed: boolean;
  readonly log: OperatorLog;
}

/** @throws {Error} when the configuration is wrong, or the sidecar cannot start */
export async function startSidecar(plan: SidecarPlan): Promise<Running> {
  const text = await Deno.readTextFile(plan.file);
  const { config, problems } = parseConfig(plan.file, text);
  if (!config) throw new Error(problems.map(formatProblem).join("\n"));
  return plan.isSandboxed
    ? await startSupervisor(config, plan)
    : await startPortable(config, plan);
}

async function startSupervisor(
  config: Config,
  { folder, log }: SidecarPlan,
): Promise<Running> {
  // Loaded here: elsewhere than on Linux it is not needed.
  const [{ prepare }, { Supervisor }] = await Promise.all([
    import("../prepare.ts"),
    import("../../proxy/supervisor/supervisor.ts"),
  ]);
  await Deno.mkdir(folder);
  await prepare();
  return await Supervisor.start(config, {
    builtInParsers: BUILT_IN_PARSERS,
    program: PROGRAM,
    folder,
    log,
  });
}

async function startPortable(
  config: Config,
  { log }: SidecarPlan,
): Promise<Running> {
  const { Sidecar } = await import("../../proxy/sidecar.ts");
  return await Sidecar.start(config, { builtInParsers: BUILT_IN_PARSERS, log });
}
