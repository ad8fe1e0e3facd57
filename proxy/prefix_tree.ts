/**
 * Texts by how they begin: a radix tree of prefixes.
 *
 * @module
 */

/** A prefix, as what it adds to its parent's; ways part below it. */
export class PrefixNode {
  /** Positions of the rules with this prefix, in ascending order. */
  rules: number[] = [];
  /** By the first character of their letters. */
  next: Map<number, PrefixNode> | undefined;

  constructor(public letters: string) {}

  /** Files a rule below this node under further letters. */
  insert(letters: string, rule: number): void {
    if (letters === "") {
      this.rules.push(rule);
      return;
    }
    this.next ??= new Map();
    const child = this.next.get(letters.charCodeAt(0));
    if (!child) {
      const leaf = new PrefixNode(letters);
      leaf.rules.push(rule);
      this.next.set(letters.charCodeAt(0), leaf);
      return;
    }
    const common = commonLength(child.letters, letters);
    if (common < child.letters.length) child.#split(common);
    child.insert(letters.slice(common), rule);
  }

  /** Keeps the first letters, and hands the rest and all below it to a child. */
  #split(at: number): void {
    const rest = new PrefixNode(this.letters.slice(at));
    rest.rules = this.rules;
    rest.next = this.next;
    this.letters = this.letters.slice(0, at);
    this.rules = [];
    this.next = new Map([[rest.letters.charCodeAt(0), rest]]);
  }
}

function commonLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) {
    length++;
  }
  return length;
}
