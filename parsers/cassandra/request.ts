/**
 * What rules and log see: one statement of a client, or a request without any.
 *
 * @module
 */
import {
  bytes,
  type Fields,
  type FieldTexts,
  isAscii,
  latin1,
} from "parley/proxylib";
import { ON_KEYSPACES, UNKNOWN } from "./actions.ts";
import type { Statement, Target } from "./cql/mod.ts";
import { AUTH_RESPONSE, OPTIONS, REGISTER, REQUESTS, STARTUP } from "./wire.ts";

/** A statement as it is judged. */
export interface Request {
  /** Empty: a request that holds no statement and opens nothing, as OPTIONS does. */
  readonly action: string;
  /**
   * The tables it touches, as `latin1` texts, `keyspace.table`; for what is done
   * to a keyspace the keyspace.
   */
  readonly tables: readonly string[];
  /**
   * How `use` is judged: `lenient` if no rule names it, for it opens nothing;
   * `strict` if one does; `named` asks which of the two.
   */
  readonly use: "lenient" | "strict" | "named";
  readonly fields: Fields;
}

/** Longest shape in the log, in characters. */
const SHAPE_MAX = 4096;

/** A statement that came in a request of a kind, with unqualified names in `keyspace`. */
export function statementRequest(
  { action, targets, shape, reason }: Statement,
  opcode: string,
  keyspace: string,
): Request {
  const isOfKeyspace = ON_KEYSPACES.has(action);
  const names = targets
    .filter(({ kind }) => kind === (isOfKeyspace ? "keyspace" : "table"))
    .map((target) => isOfKeyspace ? target.name : resolved(target, keyspace));
  return request(action, names, {
    query_action: action,
    ...(names.length === 0
      ? {}
      : { query_table: names.length === 1 ? names[0]! : names }),
    keyspace,
    prepared: opcode === "execute" || opcode === "batch-id",
    opcode: opcode === "batch-id" ? "batch" : opcode,
    shape: shape.length > SHAPE_MAX ? `${shape.slice(0, SHAPE_MAX)}…` : shape,
    ...(reason === undefined ? {} : { status: reason }),
  });
}

/** Requests that hold no statement, as the log calls them. */
const PLAIN: ReadonlySet<string> = new Set(
  [STARTUP, OPTIONS, REGISTER, AUTH_RESPONSE].map((opcode) =>
    REQUESTS.get(opcode)!
  ),
);

/** A request without a statement. */
export function plainRequest(opcode: string): Request {
  return request("", [], { opcode });
}

/** The request that log fields describe. */
export function requestOf(texts: FieldTexts): Request {
  const isPlain = PLAIN.has(texts["opcode"]?.[0] ?? "");
  const action = texts["query_action"]?.[0] ?? (isPlain ? "" : UNKNOWN);
  const tables = texts["query_table"] ?? [];
  const fields = Object.entries(texts).map(([name, values]) => [
    name,
    name === "prepared"
      ? values[0] === "true"
      : values.length === 1
      ? values[0]!
      : values,
  ]);
  return request(action, tables, Object.fromEntries(fields));
}

function request(
  action: string,
  names: readonly string[],
  fields: Fields,
): Request {
  return {
    action,
    tables: names.map(raw),
    use: "lenient",
    fields: Object.freeze(fields),
  };
}

/** As the server finds it; without a keyspace it finds none. */
function resolved({ keyspace, name }: Target, session: string): string {
  const found = keyspace || session;
  return found === "" ? name : `${found}.${name}`;
}

function raw(name: string): string {
  return isAscii(name) ? name : latin1(bytes(name));
}
