/**
 * DNS names and the patterns that policies match them with (policy semantics,
 * section 4).
 *
 * Patterns are matched label by label, in linear time: none can stall whoever
 * asks.
 *
 * @module
 */

/** Longest name, without its final dot. */
const NAME_MAX = 255;

/** What is wrong with a name or pattern. */
export type NameFault = "empty" | "length" | "characters";

/** The name in the form that names are compared in: lower case, with a final dot. */
export function normalizeName(text: string): string | undefined {
  return nameFault(text) === undefined ? dotted(text) : undefined;
}

export function nameFault(text: string): NameFault | undefined {
  return faultOf(text, /^[a-zA-Z0-9_.-]*$/);
}

export function patternFault(text: string): NameFault | undefined {
  return faultOf(text, /^[a-zA-Z0-9_.*-]*$/);
}

function faultOf(text: string, characters: RegExp): NameFault | undefined {
  // As written: some letters of other scripts become ASCII in lower case.
  const name = undotted(text);
  if (name === "") return "empty";
  if (name.length > NAME_MAX) return "length";
  return characters.test(name) && name.split(".").every((label) => label !== "")
    ? undefined
    : "characters";
}

function undotted(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

function dotted(text: string): string {
  return `${undotted(text.toLowerCase())}.`;
}

/** One item of `toFQDNs` or `dns`. */
export type NameTest =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "pattern"; readonly pattern: string };

/** The test for a name that was checked. */
export function exactly(name: string): NameTest {
  return { kind: "name", name: dotted(name) };
}

/** The test for a pattern that was checked. */
export function matching(pattern: string): NameTest {
  return { kind: "pattern", pattern: dotted(pattern) };
}

/** Whether a normalized name fits. */
export function fitsName(test: NameTest, name: string): boolean {
  return test.kind === "name"
    ? test.name === name
    : fitsPattern(test.pattern, name);
}

/**
 * `*` alone is any name; a leading `**.` is one or more whole labels; any other
 * run of `*` is any part of one label, the empty part too.
 */
function fitsPattern(pattern: string, name: string): boolean {
  const wanted = pattern.split(".");
  const labels = name.split(".");
  if (wanted.length === 2 && /^\*+$/.test(wanted[0]!)) return true;
  if (wanted[0] === "**") {
    const rest = wanted.slice(1);
    const more = labels.length - rest.length;
    return more >= 1 && fitsLabels(rest, labels.slice(more));
  }
  return fitsLabels(wanted, labels);
}

function fitsLabels(
  wanted: readonly string[],
  labels: readonly string[],
): boolean {
  return wanted.length === labels.length &&
    wanted.every((glob, index) => fitsLabel(glob, labels[index]!));
}

/** The first places where the fixed parts fit are as good as any others. */
function fitsLabel(glob: string, label: string): boolean {
  const parts = glob.split(/\*+/);
  const [head, ...rest] = parts;
  const tail = rest.pop();
  if (tail === undefined) return glob === label;
  if (!label.startsWith(head!)) return false;
  let at = head!.length;
  for (const part of rest) {
    const found = label.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return label.length - tail.length >= at && label.endsWith(tail);
}

/** `cilium.io` or `*.cilium.io`, as it was written but for case. */
export function describeName(test: NameTest): string {
  return test.kind === "name" ? undotted(test.name) : undotted(test.pattern);
}
