/**
 * What is wrong with a file, where, and how to mend it.
 *
 * @module
 */

/** Keys and indexes from the root of a YAML document. */
export type Path = readonly (string | number)[];

/** One fault of a configuration or policy file. */
export interface Problem {
  /**
   * An error refuses the document; a warning does not. A note says what of a
   * sound document a sidecar cannot enforce.
   */
  readonly severity: "error" | "warning" | "note";
  /** Such as `port.parse`; one code may cover several messages, never the reverse. */
  readonly code: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Key path, such as `spec.ingress[0].toPorts[0]`; empty at the root. */
  readonly path: string;
  /** The policy document, such as `default/secure-fleet`, once its name is known. */
  readonly document?: string;
  /** What was expected and what was found. */
  readonly message: string;
  /** The next step, as an imperative. */
  readonly mend: string;
}

/**
 * One line for people: `file:line:column: what [code] at path: how to mend`.
 *
 * Text from the file cannot break the line or drive a terminal: control
 * characters are escaped.
 */
export function formatProblem(problem: Problem): string {
  const { file, line, column } = problem;
  return escapeControls(`${file}:${line}:${column}: `) + problemText(problem);
}

/** The same where there is no file: `what [code] at path: how to mend`. */
export function problemText(
  { severity, message, code, path, mend }: Omit<Problem, "file">,
): string {
  const kind = severity === "error" ? "" : `${severity}: `;
  const where = path === "" ? "" : ` at ${path}`;
  return escapeControls(`${kind}${message} [${code}]${where}: ${mend}`);
}

/** A text of others in one line, that drives no terminal: control characters are escaped. */
export function escapeControls(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** The same of a text that has several lines. */
export function escapeLines(text: string): string {
  return text.split("\n").map(escapeControls).join("\n");
}

/** `["spec", "ingress", 0]` as `spec.ingress[0]`. */
export function formatPath(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (!/^[\w$-]+$/.test(part)) text += `[${JSON.stringify(part)}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}

/** A value for a message: quoted, and cut when it is long. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/** `a, b or c`. */
export function oneOf(names: readonly string[]): string {
  const last = names.at(-1);
  if (last === undefined) return "nothing";
  const others = names.slice(0, -1);
  return others.length === 0 ? last : `${others.join(", ")} or ${last}`;
}

/**
 * The name that was probably meant, as an imperative; `undefined` when none is
 * near.
 */
export function nearMiss(
  found: string,
  known: readonly string[],
): string | undefined {
  const lower = found.toLowerCase();
  const sameLetters = known.find((name) => name.toLowerCase() === lower);
  if (sameLetters !== undefined) {
    return `write ${quote(sameLetters)}: only the case differs`;
  }
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const name of known) {
    const distance = editDistance(lower, name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  const bound = found.length < 4 ? 1 : 2;
  if (best === undefined || bestDistance > bound) return undefined;
  return `write ${quote(best)}, if that is what was meant`;
}

/** Levenshtein's distance; a long text is near nothing, so it is not measured. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return Infinity;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(substitute, row[j]! + 1, next[j - 1]! + 1);
    }
    row = next;
  }
  return row[b.length]!;
}
