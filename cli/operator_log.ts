/**
 * The operator's log, on standard error: what is not about one connection.
 * Coloured text on a terminal, one JSON object a line elsewhere.
 *
 * @module
 */
import type { OperatorLog } from "../proxy/sidecar.ts";

/** Dim, yellow, red. */
const COLOURS = { info: "\x1b[2m", warning: "\x1b[33m", error: "\x1b[31m" };

type Level = keyof typeof COLOURS;

/** The log of a command that goes on running. */
export function createOperatorLog(): OperatorLog {
  const encoder = new TextEncoder();
  const format = Deno.stderr.isTerminal() ? forPeople : forMachines;
  const write = (level: Level, message: string) => {
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

function forMachines(level: Level, message: string): string {
  return JSON.stringify({ time: new Date().toISOString(), level, message });
}

function forPeople(level: Level, message: string): string {
  const [on, off] = Deno.noColor ? ["", ""] : [COLOURS[level], "\x1b[0m"];
  // deno-lint-ignore no-control-regex -- texts of others shall not steer the terminal
  const plain = message.replaceAll(/[\x00-\x09\x0b-\x1f\x7f]/g, "·");
  return `${on}${level.padEnd(7)}${off} ${plain}`;
}
