/**
 * The operator's log, on standard error: what is not about one connection.
 * Coloured text on a terminal, one JSON object a line elsewhere.
 *
 * @module
 */
import type { LogLevel } from "../proxy/config/mod.ts";
import type { OperatorLog } from "../proxy/sidecar.ts";

/** Dim, yellow, red. */
const COLOURS = { info: "\x1b[2m", warning: "\x1b[33m", error: "\x1b[31m" };

/** From the least to the worst. */
const LEVELS: readonly LogLevel[] = ["info", "warning", "error"];

/** The log of a command that goes on running: what is of this level, or worse. */
export function createOperatorLog(least: LogLevel = "info"): OperatorLog {
  const encoder = new TextEncoder();
  const format = Deno.stderr.isTerminal() ? forPeople : forMachines;
  const write = (level: LogLevel, message: string) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    const line = encoder.encode(`${format(level, message)}\n`);
    for (let at = 0; at < line.length;) {
      at += Deno.stderr.writeSync(line.subarray(at));
    }
  };
  return {
    info: (message) => write("info", message),
    warn: (message) => write("warning", message),
    error: (message) => write("error", message),
  };
}

function forMachines(level: LogLevel, message: string): string {
  return JSON.stringify({ time: new Date().toISOString(), level, message });
}

function forPeople(level: LogLevel, message: string): string {
  const [on, off] = Deno.noColor ? ["", ""] : [COLOURS[level], "\x1b[0m"];
  // deno-lint-ignore no-control-regex -- texts of others shall not steer the terminal
  const plain = message.replaceAll(/[\x00-\x09\x0b-\x1f\x7f]/g, "·");
  return `${on}${level.padEnd(7)}${off} ${plain}`;
}
