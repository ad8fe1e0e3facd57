/**
 * The commands of memcached, and the names that policy rules have for them.
 *
 * @module
 */
import type { ReplyShape } from "./request.ts";

/** What the parser must know of a classic text command. */
export interface Command {
  /** The name in rules; absent for commands that only the rule `{}` allows. */
  readonly rule?: string;
  readonly shape: ReplyShape;
  /** What a last word `noreply` makes of the answer; absent: the server does not look. */
  readonly noreply?: "never" | "perhaps";
  /** A line of more words than these is answered `ERROR`, whatever its last one is. */
  readonly wordsMax?: number;
}

const line: Command = { shape: "line" };
const quiet: Command = { shape: "line", noreply: "never" };

/** Classic text commands (memcached 1.6, doc/protocol.txt and proto_text.c). */
export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["get", { rule: "get", shape: "values" }],
  ["gets", { rule: "get", shape: "values" }],
  ["bget", { rule: "get", shape: "values" }],
  ["gat", { rule: "gat", shape: "values" }],
  ["gats", { rule: "gat", shape: "values" }],
  ["set", { ...quiet, rule: "set" }],
  ["add", { ...quiet, rule: "add" }],
  ["replace", { ...quiet, rule: "replace" }],
  ["append", { ...quiet, rule: "append" }],
  ["prepend", { ...quiet, rule: "prepend" }],
  ["cas", { ...quiet, rule: "cas" }],
  ["incr", { ...quiet, rule: "incr" }],
  ["decr", { ...quiet, rule: "decr" }],
  ["delete", { ...quiet, rule: "delete" }],
  ["touch", { ...quiet, rule: "touch" }],
  ["flush_all", { ...quiet, rule: "flush_all", wordsMax: 3 }],
  ["cache_memlimit", { ...quiet, rule: "cache_memlimit", wordsMax: 3 }],
  ["lru", { ...quiet, rule: "lru" }],
  ["verbosity", { ...quiet, rule: "verbosity", wordsMax: 3 }],
  ["watch", { rule: "watch", shape: "watch", noreply: "never" }],
  ["slabs", { ...line, rule: "slabs" }],
  ["lru_crawler", { ...line, rule: "lru_crawler" }],
  ["misbehave", { ...line, rule: "misbehave" }],
  ["stats", { rule: "stats", shape: "stats" }],
  ["version", { ...line, rule: "version" }],
  ["quit", { ...line, rule: "quit" }],
  ["extstore", quiet],
  ["refresh_certs", { shape: "line", noreply: "perhaps" }], // failures are told,
  ["shutdown", line],
  ["debugtime", line],
]);

/** Names that only the binary protocol and the meta commands have (Cilium's list). */
const OTHERS = [
  "noop",
  "sasl-list-mechs",
  "sasl-auth",
  "sasl-step",
  "rget",
  "rset",
  "rsetq",
  "rappend",
  "rappendq",
  "rprepend",
  "rprependq",
  "rdelete",
  "rdeleteq",
  "rincr",
  "rincrq",
  "rdecr",
  "rdecrq",
  "set-vbucket",
  "get-vbucket",
  "del-vbucket",
  "tap-connect",
  "tap-mutation",
  "tap-delete",
  "tap-flush",
  "tap-opaque",
  "tap-vbucket-set",
  "tap-checkpoint-start",
  "tap-checkpoint-end",
];

const STORAGE = [
  "add",
  "set",
  "replace",
  "append",
  "prepend",
  "cas",
  "incr",
  "decr",
];

/** What a rule's `command` stands for: a name for itself, a group for its members. */
export const RULE_COMMANDS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ...[...COMMANDS.values()].flatMap(({ rule }) => rule ? [rule] : [])
    .concat(OTHERS)
    .map((name): [string, Set<string>] => [name, new Set([name])]),
  ["storage", new Set(STORAGE)],
  ["writeGroup", new Set([...STORAGE, "delete", "touch"])],
]);
