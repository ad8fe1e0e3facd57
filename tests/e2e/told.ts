/**
 * Whether the rules `get` and `set` of keys below `pub:` cover what memcached
 * says that it was told, read as memcached reads it.
 *
 * @module
 */

/** As `l7` rules. */
export const RULES = [
  { command: "get", keyPrefix: "pub:" },
  { command: "set", keyPrefix: "pub:" },
];

/** Gets and sets, and the NOOP that Parley itself sends. */
const OPCODES = new Set([
  ...["0x00", "0x09", "0x0c", "0x0d", "0x01", "0x11", "0x0a"],
]);
const CANONICAL =
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Judges one line of `Memcached.commands`. */
export function isAllowed(line: string): boolean {
  const [command = "", ...words] = line.split(" ")
    .filter((word) => word !== "");
  switch (command) {
    case "get":
    case "gets":
    case "bget":
      return words.length > 0 && words.every(isPublic);
    case "set":
      return isPublic(words[0]);
    case "mg":
      return isPublic(keyOf(words[0], words.slice(1))) &&
        !words.slice(1).some((flag) => /^[TN]/.test(flag));
    case "ms":
      return isPublic(keyOf(words[0], words.slice(2))) &&
        !words.slice(2).some((flag) => /^C|^M[^S]/.test(flag));
    case "mn": // Parley's own
      return line === "mn";
    case "packet":
      return OPCODES.has(words[0]!);
    case "GET":
    case "SET":
      return line.startsWith(`${command} pub:`);
    default:
      return false;
  }
}

function isPublic(key: string | undefined): boolean {
  return key !== undefined && key.startsWith("pub:");
}

function keyOf(
  word: string | undefined,
  flags: readonly string[],
): string | undefined {
  if (!flags.some((flag) => flag.startsWith("b"))) return word;
  return word !== undefined && CANONICAL.test(word) ? atob(word) : undefined;
}
