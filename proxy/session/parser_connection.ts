/**
 * The connection as its parser sees it. Parsers are untrusted: nothing that
 * they are given leads to the engine or to another connection, and what they
 * ask for is checked.
 *
 * @module
 */
import type {
  Connection,
  Decision,
  Endpoint,
  Fields,
  Shared,
} from "parley/proxylib";
import type { Entry } from "../accesslog/format.ts";

/** What a parser's wishes are carried out by, and what it may know. */
export interface Asked {
  readonly id: number;
  readonly direction: "ingress" | "egress";
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly port: number;
  readonly frameBytes: number;
  readonly shared: Shared;
  matches(request: unknown): Decision;
  inject(reply: boolean, bytes: Uint8Array): void;
  /** @param asked of a response */
  logRequest(entry: Entry, asked: unknown): number;
  answered(asked: unknown): void;
  readonly logsResponses: boolean;
}

/** One for each parser of a connection. */
export class ParserConnection implements Connection {
  readonly #asked: Asked;
  /** Whether its parser is the connection's: not before it has taken over, and not afterwards. */
  #isInCharge: boolean;

  constructor(asked: Asked, isInCharge: boolean) {
    this.#asked = asked;
    this.#isInCharge = isInCharge;
  }

  /** Lets the parser of a connection act, or stops it. Out of the parser's own reach. */
  static putInCharge(connection: ParserConnection, isInCharge: boolean): void {
    connection.#isInCharge = isInCharge;
  }

  get id(): number {
    return this.#asked.id;
  }

  get direction(): "ingress" | "egress" {
    return this.#asked.direction;
  }

  get source(): Endpoint {
    return this.#asked.source;
  }

  get destination(): Endpoint {
    return this.#asked.destination;
  }

  get port(): number {
    return this.#asked.port;
  }

  get frameBytes(): number {
    return this.#asked.frameBytes;
  }

  get shared(): Shared {
    return this.#asked.shared;
  }

  get logsResponses(): boolean {
    return this.#asked.logsResponses;
  }

  matches(request: unknown): Decision {
    this.#checkCharge();
    return this.#asked.matches(request);
  }

  inject(reply: boolean, bytes: Uint8Array): void {
    this.#checkCharge();
    if (!(bytes instanceof Uint8Array)) {
      throw new TypeError("inject() takes bytes");
    }
    // A copy: its owner may change it, or take it back, before it has left.
    this.#asked.inject(reply, new Uint8Array(bytes));
  }

  log(
    { verdict, rule, reason }: Decision,
    fields: Fields,
    type: "request" | "response" = "request",
    asked?: number,
  ): number {
    this.#checkCharge();
    const isRight = isVerdict(verdict) && isType(type) && isText(rule) &&
      isText(reason) && typeof fields === "object" && fields !== null;
    if (!isRight) {
      throw new TypeError(
        "log() takes a decision of matches(), an object of fields, and request or response",
      );
    }
    return this.#asked.logRequest(
      { type, verdict, rule, reason, fields },
      asked,
    );
  }

  answered(asked: number): void {
    this.#checkCharge();
    this.#asked.answered(asked);
  }

  #checkCharge(): void {
    if (this.#isInCharge) return;
    throw new TypeError(
      "another version of the parser is in charge of this connection",
    );
  }
}

// All connections share it, and its constructor is nobody's business.
Reflect.deleteProperty(ParserConnection.prototype, "constructor");
Object.freeze(ParserConnection.prototype);

function isVerdict(word: unknown): boolean {
  return word === "forwarded" || word === "denied" || word === "error" ||
    word === "audit";
}

function isType(word: unknown): boolean {
  return word === "request" || word === "response";
}

function isText(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}
