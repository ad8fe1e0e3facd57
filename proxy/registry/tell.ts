import type { OperatorLog } from "../sidecar.ts";
import type { ParserChange } from "./registry.ts";

/** Tells the operator of parsers that came, went, or were refused. */
export function tellOfParsers(
  changes: readonly ParserChange[],
  log: OperatorLog,
): void {
  for (const { name, kind, version, error } of changes) {
    if (kind === "loaded") {
      log.info(`parser ${name}@${version} serves new connections`);
    } else if (kind === "removed") {
      log.warn(
        `parser ${name} is gone: new connections that need it are refused`,
      );
    } else log.warn(error!);
  }
}
