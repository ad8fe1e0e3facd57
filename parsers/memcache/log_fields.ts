/**
 * A request as the access log shows it, and back.
 *
 * `actions` says what a meta command does in the words that rules have: the
 * other protocols' command names say it themselves. `ambiguous` says that other
 * servers may read the request differently, so that no keyed rule covers it.
 *
 * @module
 */
import { type Fields, fromPrintable, printable } from "parley/proxylib";
import { COMMANDS } from "./commands.ts";
import { OPCODES } from "./opcodes.ts";
import { REQUEST, type Request } from "./request.ts";

/** What the log says of a request. Never a value. */
export function logFields(request: Request): Fields {
  const { name, keys, protocol, ask, also, ambiguous } = request;
  const fields = { command: name, keys: keys.map(printable), protocol };
  if (protocol !== "meta" && !ambiguous) return fields; // nearly all
  return {
    ...fields,
    ...(protocol === "meta" && ask !== undefined
      ? { actions: [ask, ...also] }
      : {}),
    ...(ambiguous ? { ambiguous } : {}),
  };
}

/** Commands with keys, by the names that rules have for them. */
const KEYED = new Set(
  "get gat set add replace append prepend cas incr decr delete touch".split(
    " ",
  ),
);
/** What a meta command does when no flag says otherwise. */
const META: Readonly<Record<string, string>> = {
  mn: "noop",
  mg: "get",
  ms: "set",
  md: "delete",
  ma: "incr",
};

/** The request that log fields describe, as far as rules look at it. */
export function requestOf(
  fields: Readonly<Record<string, readonly string[]>>,
): Request {
  const name = fields["command"]?.[0] ?? "";
  const [action, ...also] = fields["actions"] ?? [];
  const ask = action ?? ruleName(name);
  return {
    ...REQUEST,
    name,
    ...(ask === undefined ? {} : { ask }),
    also,
    ambiguous: fields["ambiguous"]?.[0] === "true",
    keys: (fields["keys"] ?? []).map(fromPrintable),
    keyed: name === "me" || (ask !== undefined && KEYED.has(ask)),
    protocol: protocolOf(fields["protocol"]?.[0], name),
  };
}

function ruleName(name: string): string | undefined {
  return META[name] ?? COMMANDS.get(name)?.rule ??
    [...OPCODES.values()].find((opcode) => opcode.name === name)?.name;
}

function protocolOf(
  written: string | undefined,
  name: string,
): Request["protocol"] {
  if (written === "binary") return "binary";
  return written === "meta" || name === "me" || name in META ? "meta" : "text";
}
