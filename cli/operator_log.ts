/**
 * The operator's log, on standard error: what is not about one connection.
 * Coloured text on a terminal, one JSON object a line elsewhere.
 *
 * @module
 */
import { configure, getLogger, type LogRecord } from "@logtape/logtape";
import type { OperatorLog } from "../proxy/sidecar.ts";

/** Sets logging up; call it once. */
export async function createOperatorLog(): Promise<OperatorLog> {
  const encoder = new TextEncoder();
  const format = Deno.stderr.isTerminal() ? forPeople : forMachines;
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

function forMachines({ timestamp, level, properties }: LogRecord): string {
  const time = new Date(timestamp).toISOString();
  return `${JSON.stringify({ time, level, ...properties })}\n`;
}

function forPeople({ level, properties }: LogRecord): string {
  const isWarning = level === "warning";
  const colour = isWarning ? "\x1b[33m" : "\x1b[2m";
  const [on, off] = Deno.noColor ? ["", ""] : [colour, "\x1b[0m"];
  return `${on}${level.padEnd(7)}${off} ${properties["message"]}\n`;
}
