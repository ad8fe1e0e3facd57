/**
 * A scanner that a recognizer can walk: it takes the token at hand or fails.
 *
 * After a failure every question is answered with no and nothing is taken any
 * more, so rules need not check: they run to their end, and the one who began
 * looks at {@linkcode Cursor.failed}.
 *
 * @module
 */
import { Scanner } from "./scanner.ts";
import type { Statement, Target, TargetKind } from "./statement.ts";
import { describe, isLiteral, isName, T } from "./tokens.ts";

/** Brackets in brackets that are read. Cassandra's stack, of 512 KB, ends between 250 and 500 of most. */
const DEPTH_MAX = 200;

/** Walks over the tokens of a text, and keeps what a statement will say of them. */
export class Cursor extends Scanner {
  #targets: readonly Target[] = NONE;
  /** The keyspace of what the statement is about; empty: the session's. */
  home = "";
  /** Whether columns may be values: so it is in what SELECT selects. */
  columns = false;
  /** Why it failed; empty if it did not. */
  reason = "";
  /** Of the statement at hand, */
  #shape = "";
  /** and of all before it. */
  #earlier = "";
  /** What is before this character is in the shape, or was left out of it. */
  #shown = 0;
  /** Whether a space has its place between the shape and what comes. */
  #space = false;
  /** Behind the last token that was taken. */
  #taken = 0;
  #depth = 0;

  constructor(text: string) {
    super(text);
    this.scan();
    this.#shown = this.start;
  }

  get failed(): boolean {
    return this.kind === T.FAILED;
  }

  /** Takes the token at hand, whatever it is. */
  take(): void {
    const { end } = this;
    if (isLiteral(this.kind)) {
      this.#show(this.start, end);
      this.#shape += "?";
    }
    this.#taken = end;
    this.scan();
    const gap = this.start - end;
    if (gap === 0) return;
    if (gap === 1 && this.text.charCodeAt(end) === SPACE) return;
    this.#show(end, this.start);
    this.#space = true;
  }

  /** Takes the token at hand if it is of this kind. */
  accept(kind: number): boolean {
    if (this.kind !== kind) return false;
    this.take();
    return true;
  }

  /** Takes the token at hand, which must be of this kind. */
  expect(kind: number): void {
    if (this.kind === kind) this.take();
    else this.fail(describe(kind));
  }

  /** Ends the reading, for want of something. @param wanted never of the text */
  fail(wanted: string): void {
    if (this.reason !== "") return;
    const found = this.failed ? this.mistake : describe(this.kind);
    this.reason = `expected ${wanted}, found ${found} at character ${
      this.start + 1
    }`;
    this.mistaken(this.reason);
  }

  /** The kind of the token behind the one at hand. */
  peek(): number {
    const { kind, start, end, lower, mistake } = this;
    this.scan();
    const next = this.kind;
    this.kind = kind;
    this.start = start;
    this.end = end;
    this.lower = lower;
    this.mistake = mistake;
    return next;
  }

  /** Goes one bracket deeper, if that is not too deep: then it fails. */
  enter(): boolean {
    if (++this.#depth > DEPTH_MAX) this.fail("fewer brackets in brackets");
    return !this.failed;
  }

  leave(): void {
    this.#depth--;
  }

  /** Takes a name (`ident`), and says it as the server resolves it: empty if there is none. */
  name(): string {
    if (!isName(this.kind)) {
      this.fail("a name");
      return "";
    }
    const name = this.lower && this.kind !== T.QUOTED_NAME
      ? this.text.slice(this.start, this.end)
      : this.resolve(this.kind, this.start, this.end);
    this.take();
    return name;
  }

  /** Takes a name that nobody asks for. */
  ident(): void {
    if (isName(this.kind)) this.take();
    else this.fail("a name");
  }

  /** A name as the server resolves it (`QualifiedName.toInternalName`). */
  resolve(kind: number, start: number, end: number): string {
    if (kind !== T.QUOTED_NAME) {
      return this.text.slice(start, end).toLowerCase();
    }
    const name = this.text.slice(start + 1, end - 1);
    return name.includes('"') ? name.replaceAll('""', '"') : name;
  }

  /** Takes `[keyspace.]name` (`columnFamilyName` and its like) as something touched. @returns the keyspace, if it is said */
  qualified(kind: TargetKind): string {
    const first = this.name();
    if (!this.accept(T.DOT)) {
      this.touch(kind, "", first);
      return "";
    }
    this.touch(kind, first, this.name());
    return first;
  }

  /** As {@linkcode qualified}, for what the statement is about: other things are of the same keyspace unless it is said. */
  main(kind: TargetKind): void {
    this.home = this.qualified(kind);
  }

  /** Takes the name of a keyspace as something touched. */
  keyspace(): void {
    const name = this.name();
    this.touch("keyspace", name, name);
  }

  touch(kind: TargetKind, keyspace: string, name: string): void {
    const target = { kind, keyspace, name };
    if (this.#targets === NONE) this.#targets = [target];
    else (this.#targets as Target[]).push(target);
  }

  /** Has a statement begin with the token at hand. */
  begin(): void {
    this.#finish();
  }

  /** Has a statement end before the token at hand. */
  statement(action: string): Statement {
    const shape = this.#finish();
    const targets = this.#athome();
    this.#targets = NONE;
    this.home = "";
    return { action, targets, shape };
  }

  /** The whole text as one statement that is not known. */
  unknown(): Statement {
    this.#finish();
    const shape = `${this.#earlier}…`;
    return { action: "unknown", targets: NONE, shape, reason: this.reason };
  }

  /** What was touched, each thing with the keyspace that it has for the server. */
  #athome(): readonly Target[] {
    const { home } = this;
    const targets = this.#targets;
    if (home === "" || targets.length === 1) return targets;
    return targets.map((target) =>
      target.keyspace === "" && isInKeyspace(target.kind)
        ? { ...target, keyspace: home }
        : target
    );
  }

  /** Ends a shape with the last token that was taken, and has another begin. */
  #finish(): string {
    if (this.#taken > this.#shown) this.#show(this.#taken, this.start);
    this.#shown = this.start;
    this.#space = false;
    const shape = this.#shape;
    if (shape !== "") this.#earlier += `${shape} `;
    this.#shape = "";
    return shape;
  }

  /** Brings the shape up to a character, and has it go on from another. */
  #show(until: number, from: number): void {
    if (this.#space) {
      this.#shape += " ";
      this.#space = false;
    }
    if (until > this.#shown) {
      this.#shape += this.text.slice(this.#shown, until);
    }
    this.#shown = from;
  }
}

/** No targets; the array of statements that touch nothing. */
const NONE: readonly Target[] = [];
const SPACE = 0x20;

function isInKeyspace(kind: TargetKind): boolean {
  return kind !== "keyspace" && kind !== "role" && kind !== "identity" &&
    kind !== "mbean";
}
