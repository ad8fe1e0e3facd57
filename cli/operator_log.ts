/**
 * The operator's log, on standard error: what is not about one connection.
 * Coloured text on a terminal, one JSON object a line elsewhere.
 *
 * @module
 */
import {
  ansiColorFormatter,
  configure,
  getLogger,
  jsonLinesFormatter,
} from "@logtape/logtape";
import type { OperatorLog } from "../proxy/sidecar.ts";

/** Sets logging up; call it once. */
export async function createOperatorLog(): Promise<OperatorLog> {
  const encoder = new TextEncoder();
  const format = Deno.stderr.isTerminal() && !Deno.noColor
    ? ansiColorFormatter
    : jsonLinesFormatter;
  await configure({
    reset: true,
    sinks: {
      stderr: (record) => Deno.stderr.writeSync(encoder.encode(format(record))),
    },
    loggers: [
      { category: "parley", sinks: ["stderr"], lowestLevel: "info" },
      {
        category: ["logtape", "meta"],
        sinks: ["stderr"],
        lowestLevel: "error",
      },
    ],
  });
  const logger = getLogger("parley");
  return {
    info: (message) => logger.info("{message}", { message }),
    warn: (message) => logger.warn("{message}", { message }),
  };
}
