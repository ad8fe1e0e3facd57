/**
 * Ways to get a command past the rules `get` and `set` of keys below `pub:` in
 * the classic text protocol: those that parsers before this one fell for.
 *
 * @module
 */

/** A class of inputs, by an example. */
export interface Attack {
  readonly name: string;
  readonly input: string;
  /** All that the server may be told. */
  readonly told: readonly string[];
}

/** On text connections. */
export const TEXT_ATTACKS: readonly Attack[] = [
  {
    name: "behind a bare LF",
    input: "get pub:a\nflush_all\r\n",
    told: ["get pub:a"],
  },
  {
    name: "behind a bare CR, which ends nothing",
    input: "get pub:a\rflush_all\r\n",
    told: ["get pub:a\rflush_all"],
  },
  {
    name: "in the body of a set with bad flags",
    input: "set pub:a x 0 11\r\nflush_all\r\n\r\n",
    told: [],
  },
  {
    name: "in the body of a set with a bad exptime",
    input: "set pub:a 0 x 11\r\nflush_all\r\n\r\n",
    told: [],
  },
  {
    name: "in the body of a set with too long a key",
    input: `set pub:${"k".repeat(250)} 0 0 11\r\nflush_all\r\n\r\n`,
    told: [],
  },
  {
    name: "in the body of a set with too many words",
    input: "set pub:a 0 0 11 noreply 1\r\nflush_all\r\n\r\n",
    told: [],
  },
  {
    name: "in the body of a set with a word too few",
    input: "set pub:a 0 11\r\nflush_all\r\n\r\n",
    told: [],
  },
  {
    name: "in the body of a set with a negative length",
    input: "set pub:a 0 0 -19 set pub:b 0 0 9\r\nflush_all\r\n",
    told: [],
  },
  {
    name: "in the body of a set whose length is too big for the server",
    input: "set pub:a 0 0 2147483646\r\nflush_all\r\n",
    told: [],
  },
  {
    name: "in the body of a set whose length overflows to a small one",
    input: "set pub:a 0 0 4294967297\r\nflush_all\r\n",
    told: [],
  },
  {
    name: "in the body of a set whose length has letters behind it",
    input: "set pub:a 0 0 11x\r\nflush_all\r\n\r\n",
    told: [],
  },
  {
    name: "in the body of a set whose length has a tab and more behind it",
    input: "set pub:a 0 0 1\t9\r\nx\r\nflush_all\r\n",
    told: [],
  },
  {
    name: "in the body of a set whose line is cut by a NUL",
    input: "set pub:a 0 0 1\x001\r\nx\r\nflush_all\r\n",
    told: [],
  },
  {
    name: "behind a body that is shorter than it says",
    input: "set pub:a 0 0 3\r\nx\r\nflush_all\r\n",
    told: ["set pub:a 0 0 3"],
  },
  {
    name: "behind a body that is longer than it says",
    input: "set pub:a 0 0 1\r\nxyz\r\nflush_all\r\n",
    told: ["set pub:a 0 0 1"],
  },
  {
    name: "behind a body that the server has no room for",
    input: `set pub:a 0 0 5000\r\n${
      "flush_all\r\n".repeat(1000).slice(0, 5000)
    }\r\nflush_all\r\n`,
    told: ["set pub:a 0 0 5000"],
  },
  {
    name: "in the body of a denied set",
    input: "set priv:a 0 0 11\r\nflush_all\r\n\r\nget pub:a\r\n",
    told: ["get pub:a"],
  },
  {
    name: "in the body of a denied set that never ends",
    input: "set priv:a 0 0 1000\r\nflush_all\r\n\r\nset pub:a 0 0 1\r\nx\r\n",
    told: [],
  },
  {
    name: "as a key among allowed ones",
    input: "get pub:a priv:b\r\ngets pub:a  priv:b pub:c\r\n",
    told: [],
  },
  {
    name: "as the 30th key",
    input: `get ${"pub:a ".repeat(29)}priv:b\r\n`,
    told: [],
  },
  {
    name: "as the last key of a very long line",
    input: `get ${"pub:a ".repeat(5000)}priv:b\r\n`,
    told: [],
  },
  {
    name: "behind a tab, which is part of a key",
    input: "get pub:a\tpriv:b\r\n",
    told: ["get pub:a\tpriv:b"],
  },
  {
    name: "behind a NUL",
    input: "get pub:a\0\nflush_all\r\nget pub:a\0 priv:b\r\n",
    told: [],
  },
  {
    name: "behind leading spaces",
    input: "   flush_all\r\n   get priv:a\r\n get pub:a\r\n",
    told: [" get pub:a"],
  },
  {
    name: "in capitals, which are no command",
    input: "GET pub:a\r\nFLUSH_ALL\r\n",
    told: [],
  },
  {
    name: "as a get that also touches",
    input: "gat 0 pub:a\r\ngats 0 pub:a\r\n",
    told: [],
  },
  {
    name: "as a binary request behind one that never reaches the server",
    input: `get\r\n\x80\x08${"\0".repeat(20)}\r\nget pub:b\r\n`,
    told: ["get pub:b"],
  },
  {
    name: "as a binary request behind a text one",
    input: `get pub:a\r\n\x80\x08${"\0".repeat(22)}\r\nget pub:b\r\n`,
    told: ["get pub:a", "get pub:b"],
  },
  {
    name: "at the end of a line that is too long for a set",
    input: `set pub:a 0 0 1${" ".repeat(3000)}\nx\r\nflush_all\r\n`,
    told: [],
  },
];
