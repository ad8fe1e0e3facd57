/**
 * Finds the first rule that covers a request, however many rules there are:
 * those that a parser files under texts are looked up, and what was found out
 * at some cost is kept.
 *
 * @module
 */
import type {
  Decision,
  Filing,
  ParserDefinition,
  RuleIndex,
} from "parley/proxylib";
import { PrefixNode } from "./prefix_tree.ts";

/** A rule ready to be asked. `rule` absent: it covers every request. */
export interface Compiled {
  readonly decision: Decision;
  readonly rule?: { readonly value: unknown };
}

/** Of so few rules each is asked. */
const FEW = 8;
/** A request that so many rules were asked about is worth remembering. */
const COSTLY = 64;
/** Answers kept, and the longest text that one is kept by: bounds on memory. */
const ANSWERS = 4096;
const ANSWER_TEXT = 512;

/** No rule covers the request. */
const NONE = -1;

/** The rules of a grant in their order. */
export class Rules {
  readonly #compiled: readonly Compiled[];
  readonly #filed: Filed | undefined;

  constructor(definition: ParserDefinition, compiled: readonly Compiled[]) {
    this.#compiled = compiled;
    const { index } = definition;
    this.#filed = index && compiled.length > FEW
      ? new Filed(index, compiled)
      : undefined;
  }

  /** The decision of the first rule that covers the request. */
  find(definition: ParserDefinition, request: unknown): Decision | undefined {
    const found = this.#filed
      ? this.#filed.find(definition, request)
      : this.#ask(definition, request);
    return found === NONE ? undefined : this.#compiled[found]!.decision;
  }

  #ask(definition: ParserDefinition, request: unknown): number {
    const compiled = this.#compiled;
    for (let at = 0; at < compiled.length; at++) {
      if (covers(definition, compiled[at]!, request)) return at;
    }
    return NONE;
  }
}

function covers(
  definition: ParserDefinition,
  { rule }: Compiled,
  request: unknown,
): boolean {
  return !rule || definition.matches(rule.value, request);
}

/** Rules by the requests that they may cover. */
class Filed {
  readonly #index: RuleIndex<unknown, unknown>;
  readonly #compiled: readonly Compiled[];
  readonly #groups = new Map<string, Group>();
  readonly #anyGroup = new Group();
  readonly #answers = new Map<string, number>();
  /** Whether some request was costly: only then are answers looked for. */
  #isCostly = false;
  // The look-up under way.
  #best = 0;
  #asked = 0;

  constructor(
    index: RuleIndex<unknown, unknown>,
    compiled: readonly Compiled[],
  ) {
    this.#index = index;
    this.#compiled = compiled;
    for (const [at, { rule }] of compiled.entries()) {
      const filing = rule ? index.file(rule.value) : {};
      if (!filing.groups) this.#anyGroup.add(at, filing);
      for (const name of new Set(filing.groups)) {
        const group = this.#groups.get(name) ?? new Group();
        this.#groups.set(name, group);
        group.add(at, filing);
      }
    }
  }

  find(definition: ParserDefinition, request: unknown): number {
    if (!this.#isCostly) return this.#look(definition, request);
    const text = this.#index.alike(request);
    const known = this.#answers.get(text);
    if (known !== undefined) return known;
    const found = this.#look(definition, request);
    if (this.#asked < COSTLY || text.length > ANSWER_TEXT) return found;
    if (this.#answers.size >= ANSWERS) this.#answers.clear();
    this.#answers.set(text, found);
    return found;
  }

  #look(definition: ParserDefinition, request: unknown): number {
    this.#best = this.#compiled.length;
    this.#asked = 0;
    const text = this.#index.text(request);
    const group = this.#groups.get(this.#index.group(request));
    if (group) this.#search(definition, group, text, request);
    this.#search(definition, this.#anyGroup, text, request);
    if (this.#asked >= COSTLY) this.#isCostly = true;
    return this.#best < this.#compiled.length ? this.#best : NONE;
  }

  #search(
    definition: ParserDefinition,
    group: Group,
    text: string | undefined,
    request: unknown,
  ): void {
    if (text === undefined) {
      this.#ask(definition, group.all, request);
      return;
    }
    const exact = group.exact.get(text);
    if (exact) this.#ask(definition, exact, request);
    let node: PrefixNode | undefined = group.prefixes;
    for (let at = 0; node && text.startsWith(node.letters, at);) {
      if (node.rules.length > 0) this.#ask(definition, node.rules, request);
      at += node.letters.length;
      node = node.next?.get(text.charCodeAt(at));
    }
  }

  /** Asks the rules that stand before the best one so far. */
  #ask(
    definition: ParserDefinition,
    positions: readonly number[],
    request: unknown,
  ): void {
    for (let i = 0; i < positions.length; i++) {
      const at = positions[i]!;
      if (at >= this.#best) return;
      this.#asked++;
      if (covers(definition, this.#compiled[at]!, request)) {
        this.#best = at;
        return;
      }
    }
  }
}

/** Rules of one group by the texts that they may cover; positions in ascending order. */
class Group {
  readonly all: number[] = [];
  readonly exact = new Map<string, number[]>();
  /** Rules without a text are at the root: every text begins with nothing. */
  readonly prefixes = new PrefixNode("");

  add(at: number, { exact, prefix = "" }: Filing): void {
    this.all.push(at);
    if (exact !== undefined) {
      const known = this.exact.get(exact);
      if (known) known.push(at);
      else this.exact.set(exact, [at]);
      return;
    }
    this.prefixes.insert(prefix, at);
  }
}
