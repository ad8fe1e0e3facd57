/**
 * What a connection still waits for, in order: replies of the server, and what
 * this side has to say between them.
 *
 * @module
 */

/** An entry of the order. */
export type Entry<Request> =
  /** A reply that will come, how long the request's head was, and what its log line was given. */
  | {
    readonly kind: "reply";
    readonly request: Request;
    readonly size: number;
    readonly asked: number;
  }
  /** Requests in a row that are answered only now and then: any number of replies, or none. */
  | { readonly kind: "quiet" }
  /** A request of our own. Its reply shows that the quiet ones before it are done, and is swallowed. */
  | { readonly kind: "barrier"; readonly request: Request }
  /** A reply under way that no request asked for. */
  | { readonly kind: "unasked" }
  /** A denial whose turn has not come, and what its request's log line was given. */
  | {
    readonly kind: "denial";
    readonly bytes: Uint8Array;
    readonly asked: number;
  }
  /** The connection closes here: what came before it is answered first. */
  | { readonly kind: "failure"; readonly code: string };

/** Slots kept for reuse while nothing is outstanding. */
const KEPT = 1024;

/** First in, first out, with a look at both ends. Slots are reused: most connections have one entry at a time. */
export class Outstanding<Request> {
  /** Two slots do for most connections; an empty array would grow to seventeen at once. */
  #entries: (Entry<Request> | undefined)[] = [undefined, undefined];
  #head = 0;
  #tail = 0;
  #bytes = 0;

  /** The same order again; see {@linkcode toArray}. */
  static from<Request>(
    entries: readonly Entry<Request>[],
  ): Outstanding<Request> {
    const order = new Outstanding<Request>();
    for (const entry of entries) order.push(entry);
    return order;
  }

  get length(): number {
    return this.#tail - this.#head;
  }

  /** What the entries stand for, in bytes: heads of requests, and denials. */
  get bytes(): number {
    return this.#bytes;
  }

  first(): Entry<Request> | undefined {
    return this.#head < this.#tail ? this.#entries[this.#head] : undefined;
  }

  second(): Entry<Request> | undefined {
    const at = this.#head + 1;
    return at < this.#tail ? this.#entries[at] : undefined;
  }

  last(): Entry<Request> | undefined {
    return this.#head < this.#tail ? this.#entries[this.#tail - 1] : undefined;
  }

  push(entry: Entry<Request>): void {
    this.#entries[this.#tail++] = entry;
    this.#bytes += sizeOf(entry);
  }

  shift(): void {
    this.#bytes -= sizeOf(this.#entries[this.#head]!);
    this.#entries[this.#head++] = undefined;
    if (this.#head === this.#tail) {
      this.#head = 0;
      this.#tail = 0;
      if (this.#entries.length > KEPT) this.#entries = [undefined, undefined];
    } else if (this.#head === KEPT) {
      this.#entries = this.#entries.slice(this.#head, this.#tail);
      this.#tail -= this.#head;
      this.#head = 0;
    }
  }

  toArray(): Entry<Request>[] {
    return this.#entries.slice(this.#head, this.#tail) as Entry<Request>[];
  }
}

function sizeOf(entry: Entry<unknown>): number {
  if (entry.kind === "reply") return entry.size;
  return entry.kind === "denial" ? entry.bytes.length : 0;
}
