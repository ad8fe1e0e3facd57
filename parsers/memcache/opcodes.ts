/**
 * The opcodes of the binary protocol (doc/protocol-binary.txt and proto_bin.c of
 * memcached 1.6).
 *
 * @module
 */

/** What the server wants of the packet of an opcode. */
export interface Opcode {
  /** The text protocol's name; also the name in rules. */
  readonly name: string;
  /** Lengths of the extras that the server takes. */
  readonly extras: readonly number[];
  readonly key: "none" | "one" | "maybe" | "mechanism";
  /**
   * What may stand behind the key: `none`: the server closes; `value`: it takes
   * it; `ignored`: it does not look, and reads it as the next request.
   */
  readonly rest: "none" | "value" | "ignored";
  readonly answered: "always" | "perhaps" | "never";
}

const retrieval = { extras: [0], key: "one", rest: "none" } as const;
const storage = { extras: [8], key: "one", rest: "value" } as const;
const concat = { extras: [0], key: "one", rest: "value" } as const;
const arithmetic = { extras: [20], key: "one", rest: "none" } as const;
const touching = { extras: [4], key: "one", rest: "ignored" } as const;
const bare = { extras: [0], key: "none", rest: "none" } as const;
const flush = { extras: [0, 4], key: "none", rest: "none" } as const;
const sasl = { extras: [0], key: "mechanism", rest: "value" } as const;
const always = { answered: "always" } as const;
const quiet = { answered: "perhaps" } as const;

/** Opcodes that memcached has; all others it answers with "Unknown command". */
export const OPCODES: ReadonlyMap<number, Opcode> = new Map<number, Opcode>([
  [0x00, { name: "get", ...retrieval, ...always }],
  [0x01, { name: "set", ...storage, ...always }],
  [0x02, { name: "add", ...storage, ...always }],
  [0x03, { name: "replace", ...storage, ...always }],
  [0x04, { name: "delete", ...retrieval, ...always }],
  [0x05, { name: "incr", ...arithmetic, ...always }],
  [0x06, { name: "decr", ...arithmetic, ...always }],
  [0x07, { name: "quit", ...bare, ...always }],
  [0x08, { name: "flush_all", ...flush, ...always }],
  [0x09, { name: "get", ...retrieval, ...quiet }],
  [0x0a, { name: "noop", ...bare, ...always }],
  [0x0b, { name: "version", ...bare, ...always }],
  [0x0c, { name: "get", ...retrieval, ...always }],
  [0x0d, { name: "get", ...retrieval, ...quiet }],
  [0x0e, { name: "append", ...concat, ...always }],
  [0x0f, { name: "prepend", ...concat, ...always }],
  [0x10, {
    name: "stats",
    extras: [0],
    key: "maybe",
    rest: "ignored",
    ...always,
  }],
  [0x11, { name: "set", ...storage, ...quiet }],
  [0x12, { name: "add", ...storage, ...quiet }],
  [0x13, { name: "replace", ...storage, ...quiet }],
  [0x14, { name: "delete", ...retrieval, ...quiet }],
  [0x15, { name: "incr", ...arithmetic, ...quiet }],
  [0x16, { name: "decr", ...arithmetic, ...quiet }],
  [0x17, { name: "quit", ...bare, answered: "never" }],
  [0x18, { name: "flush_all", ...flush, ...quiet }],
  [0x19, { name: "append", ...concat, ...quiet }],
  [0x1a, { name: "prepend", ...concat, ...quiet }],
  [0x1c, { name: "touch", ...touching, ...always }],
  [0x1d, { name: "gat", ...touching, ...always }],
  [0x1e, { name: "gat", ...touching, ...quiet }],
  [0x20, { name: "sasl-list-mechs", ...bare, ...always }],
  [0x21, { name: "sasl-auth", ...sasl, ...always }],
  [0x22, { name: "sasl-step", ...sasl, ...always }],
  [0x23, { name: "gat", ...touching, ...always }],
  [0x24, { name: "gat", ...touching, ...quiet }],
]);

/** Names of opcodes that Cilium's rules know and memcached does not have: for the log. */
export const FOREIGN_OPCODES: ReadonlyMap<number, string> = new Map([
  [27, "verbosity"],
  [48, "rget"],
  [49, "rset"],
  [50, "rsetq"],
  [51, "rappend"],
  [52, "rappendq"],
  [53, "rprepend"],
  [54, "rprependq"],
  [55, "rdelete"],
  [56, "rdeleteq"],
  [57, "rincr"],
  [58, "rincrq"],
  [59, "rdecr"],
  [60, "rdecrq"],
  [61, "set-vbucket"],
  [62, "get-vbucket"],
  [63, "del-vbucket"],
  [64, "tap-connect"],
  [65, "tap-mutation"],
  [66, "tap-delete"],
  [67, "tap-flush"],
  [68, "tap-opaque"],
  [69, "tap-vbucket-set"],
  [70, "tap-checkpoint-start"],
  [71, "tap-checkpoint-end"],
]);
