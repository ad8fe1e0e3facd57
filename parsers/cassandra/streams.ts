/**
 * Requests that the server has not answered yet, by their stream, and what is in
 * doubt until it has.
 *
 * A client should not use a stream again before its answer has come; if it does,
 * no answer can be told from another, and nothing is learned from them.
 *
 * @module
 */
import type { Fields } from "parley/proxylib";

/** What is sent on one stream and not answered. Plain data. */
export interface Sent {
  /** Answers that are due. */
  count: number;
  /** What the log says of the last one. */
  fields: Fields;
  /** What the log gave for them, statement by statement. */
  asked: readonly number[];
  /** Texts in it that depend on the keyspace of the session. */
  texts: readonly string[];
  /** Whether it may change that keyspace. */
  mayUse: boolean;
  /** To which one; empty if that is not known. */
  keyspace: string;
  /** PREPARE: what its id will stand for; else, or when that is in doubt, empty. */
  prepares: string;
}

/** What a request is, beside its log fields. */
export type Kind = Omit<Sent, "count" | "fields" | "asked">;

/** A request that leaves nothing in doubt. */
export const SETTLED: Kind = {
  texts: [],
  mayUse: false,
  keyspace: "",
  prepares: "",
};

/** All that is sent and not answered. */
export class Streams {
  readonly #sent = new Map<number, Sent>();
  readonly #texts = new Map<string, number>();
  #keyspaces: readonly string[] = [];
  #uses = 0;
  /** What the log gave for the request that goes out next, statement by statement. */
  asked: readonly number[] = [];
  /** Characters of the texts that are remembered. */
  weight = 0;
  /** Whether statements that change the keyspace were under way together: nobody knows which was last. */
  isInDoubt = false;

  /** What {@linkcode toArray} gave. */
  constructor(
    sent: readonly (readonly [number, Sent])[] = [],
    isInDoubt = false,
  ) {
    for (const [stream, request] of sent) {
      this.#sent.set(stream, { ...request });
      this.#add(request);
    }
    this.isInDoubt = isInDoubt;
  }

  /** The keyspaces that the session may be in once all is answered, beside the one it is in. */
  get keyspaces(): readonly string[] {
    return this.#keyspaces;
  }

  /** Texts under way that depend on the session's keyspace, each once. */
  get texts(): ReadonlyMap<string, number> {
    return this.#texts;
  }

  /** Statements under way that may change the keyspace. */
  get uses(): number {
    return this.#uses;
  }

  get(stream: number): Sent | undefined {
    return this.#sent.get(stream);
  }

  /** A request goes out. */
  send(stream: number, fields: Fields, kind: Kind): void {
    if (kind.mayUse) this.#doubt();
    const known = this.#sent.get(stream);
    if (known !== undefined) return this.#sendAgain(known, fields, kind);
    const { texts, mayUse, keyspace, prepares } = kind;
    const { asked } = this;
    const sent = { count: 1, fields, asked, texts, mayUse, keyspace, prepares };
    this.#sent.set(stream, sent);
    this.#add(sent);
  }

  #sendAgain(known: Sent, fields: Fields, kind: Kind): void {
    this.#remove(known);
    known.count++;
    known.fields = fields;
    known.asked = [...known.asked, ...this.asked];
    known.texts = [...known.texts, ...kind.texts];
    known.mayUse ||= kind.mayUse;
    known.keyspace = kind.keyspace || known.keyspace;
    known.prepares = "";
    this.#add(known);
  }

  /** The keyspace may change before what is under way is done. */
  #doubt(): void {
    this.isInDoubt = this.#uses > 0;
    if (this.#texts.size === 0) return;
    for (const sent of this.#sent.values()) {
      if (sent.texts.length === 0 || sent.prepares === "") continue;
      this.weight -= sent.prepares.length;
      sent.prepares = "";
    }
  }

  /** An answer has come. */
  settle(stream: number, sent: Sent): void {
    if (--sent.count > 0) return;
    this.#sent.delete(stream);
    this.#remove(sent);
    if (this.#uses === 0) this.isInDoubt = false;
  }

  #add({ texts, mayUse, keyspace, prepares }: Kind): void {
    this.weight += prepares.length;
    for (const text of texts) {
      this.weight += text.length;
      this.#texts.set(text, (this.#texts.get(text) ?? 0) + 1);
    }
    if (!mayUse) return;
    this.#uses++;
    if (keyspace !== "") this.#keyspaces = [...this.#keyspaces, keyspace];
  }

  #remove({ texts, mayUse, keyspace, prepares }: Kind): void {
    this.weight -= prepares.length;
    for (const text of texts) {
      this.weight -= text.length;
      const count = this.#texts.get(text)!;
      if (count > 1) this.#texts.set(text, count - 1);
      else this.#texts.delete(text);
    }
    if (!mayUse) return;
    this.#uses--;
    const at = this.#keyspaces.indexOf(keyspace);
    if (at >= 0) this.#keyspaces = this.#keyspaces.toSpliced(at, 1);
  }

  /** Plain data. */
  toArray(): [number, Sent][] {
    return [...this.#sent].map(([stream, sent]) => [stream, { ...sent }]);
  }
}
