/**
 * r2d2: the tutorial protocol. Read this file first if you mean to write a
 * parser of your own.
 *
 * A made-up droid keeps files and takes orders, one a line:
 *
 * ```text
 * request = command CRLF
 * command = "READ" SP file / "WRITE" SP file / "HALT" / "RESET"
 * file    = 1*(any byte but SP, CR and LF)
 * reply   = *(any byte but LF) LF       ; one line a request, in order
 * denial  = "ERROR" CRLF
 * ```
 *
 * Four rules, as they stand under `l7:` in a policy:
 *
 * ```yaml
 * - cmd: READ                                # READ of any file
 * - { cmd: READ, file: "^/public/.*" }       # READ of a public file
 * - { file: "^/public/.*" }                  # READ or WRITE of a public file
 * - cmd: HALT                                # HALT and nothing else
 * ```
 *
 * `file` is searched in the file's name, not anchored. HALT and RESET count as
 * having the empty name, so `file: ".*"` covers them too. What the grammar
 * does not know (another command, a READ without a file) is covered by `{}`
 * alone, the rule for everything.
 *
 * @module
 */
import {
  bytes,
  defineProtocol,
  error,
  fromPrintable,
  latin1,
  line,
  part,
  pass,
  printable,
  regexKey,
  z,
} from "parley/proxylib";

/** One line of the client, as rules and log see it. */
interface Request {
  readonly cmd: string;
  /** Empty when the line has no file, or more fields than one. */
  readonly file: string;
}

/** Commands, and whether they need a file. */
const COMMANDS: ReadonlyMap<string, { readonly needsFile: boolean }> = new Map([
  ["READ", { needsFile: true }],
  ["WRITE", { needsFile: true }],
  ["HALT", { needsFile: false }],
  ["RESET", { needsFile: false }],
]);

/** Longest request in bytes, CRLF included. */
const MAX_LINE = 4096;
const CR = 0x0d;
const LF = 0x0a;

const cmdKey = z.string().superRefine((cmd, context) => {
  if (cmd === "" || COMMANDS.has(cmd)) return;
  context.addIssue({
    code: "custom",
    message: `r2d2 has no command ${JSON.stringify(cmd)}`,
    params: {
      code: "r2d2.cmd",
      mend: `write one of ${
        [...COMMANDS.keys()].join(", ")
      }, in capitals, or leave cmd out to mean any`,
    },
  });
});

/** Keys that a rule may have. `strictObject` refuses all others (`r2d2.key`). */
const rule = z.strictObject({
  cmd: cmdKey.default(""),
  file: regexKey("r2d2.regex").optional(),
}).superRefine(({ cmd, file }, context) => {
  if (!file?.source || cmd === "" || COMMANDS.get(cmd)?.needsFile) return;
  context.addIssue({
    code: "custom",
    path: ["file"],
    message: `${cmd} has no file to test`,
    params: {
      code: "r2d2.file",
      mend: "remove file, or write cmd: READ or WRITE",
    },
  });
});

/** Whether the grammar has no such request. */
function isUnknown({ cmd, file }: Request): boolean {
  const command = COMMANDS.get(cmd);
  return !command || (command.needsFile && file === "");
}

export default defineProtocol({
  description: "r2d2, the tutorial protocol: READ, WRITE, HALT and RESET",
  rule,

  matches(rule, request: Request) {
    if (isUnknown(request)) return false;
    return (rule.cmd === "" || rule.cmd === request.cmd) &&
      (rule.file?.test(request.file) ?? true);
  },

  /** For policies of thousands of rules: by the command, and by how the file's name begins. */
  index: {
    file: ({ cmd, file }) => ({
      ...(cmd === "" ? {} : { groups: [cmd] }),
      ...(file ? { prefix: file.prefix } : {}),
    }),
    group: ({ cmd }) => cmd,
    text: ({ file }) => file,
    alike: ({ cmd, file }) => `${cmd} ${file}`,
  },

  /** The log says why no rule but `{}` could have helped such a request. */
  unknown: isUnknown,

  /**
   * A line ends at its first LF, and a CR must stand before that LF and
   * nowhere else. Some servers end a line at a bare LF or CR, others read on
   * to the CRLF. Nobody can tell where the next request of such a line begins,
   * so the connection is closed rather than a guess made.
   */
  frame(data, seen) {
    const found = line(data, seen, MAX_LINE);
    if (found.op !== "pass") return found;
    const end = found.bytes - 2;
    return end >= 0 && data.indexOf(CR) === end ? found : error("line-end");
  },

  request(head) {
    const fields = latin1(head, 0, head.length - 2).split(" ");
    return {
      cmd: fields[0]!,
      file: fields.length === 2 ? fields[1]! : "",
    };
  },

  fields: ({ cmd, file }) => ({ cmd: printable(cmd), file: printable(file) }),

  /** For `parley trace`: the same request again, of what `fields` shows of it. */
  fromFields: ({ cmd = [], file = [] }) => ({
    cmd: fromPrintable(cmd[0] ?? ""),
    file: fromPrintable(file[0] ?? ""),
  }),

  deny: () => bytes("ERROR\r\n"),

  /** Replies are not judged, so a long one need not be held: it passes part by part. */
  reply(data) {
    const at = data.indexOf(LF);
    return at < 0 ? part(data.length) : pass(at + 1);
  },
});
