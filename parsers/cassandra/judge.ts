/**
 * Decides on the statements of a connection, and logs what was decided.
 *
 * @module
 */
import type { Connection, Decision } from "parley/proxylib";
import { UNKNOWN } from "./actions.ts";
import type { Request } from "./request.ts";
import type { State } from "./state.ts";
import { recognized } from "./statements.ts";

/** Keyspaces that a session may be in at once, and texts that depend on which, while a USE is sent. */
const DOUBTS_MAX = 8;
const TEXTS_MAX = 1024;

const DENIED_WITH_OTHERS: Decision = {
  allowed: false,
  verdict: "denied",
  reason: "batch",
};
const UNDER_WAY: Decision = {
  allowed: false,
  verdict: "denied",
  reason: "requests-under-way",
};

/** Asks whether a rule names `use`. */
const NAMES_USE: Request = {
  action: "use",
  tables: [],
  use: "named",
  fields: {},
};

/** The judge of one connection, by the policy of now. */
export class Judge {
  readonly #connection: Connection<Request>;
  readonly #state: State;

  constructor(connection: Connection<Request>, state: State) {
    this.#connection = connection;
    this.#state = state;
  }

  /**
   * Decides on all statements of a client's request, and logs each.
   *
   * @param mayUse whether it may change the keyspace of the session
   * @returns the statement that is denied, if one is: then they all are
   */
  settle(requests: readonly Request[], mayUse: boolean): Request | undefined {
    return requests.length === 1
      ? this.#settleOne(requests[0]!, mayUse)
      : this.#settleAll(requests);
  }

  /** The session's keyspace, as far as it is known; empty: none. */
  get keyspace(): string {
    return this.#state.keyspaces.at(-1) ?? "";
  }

  /** Whether it is known. */
  get isKeyspaceCertain(): boolean {
    const { streams, keyspaces } = this.#state;
    return streams.uses === 0 && keyspaces.length < 2;
  }

  /**
   * The server works on requests side by side: a text may be read in the keyspace
   * of a USE that was sent before it, or after. So it must be allowed in each of
   * them. Gives the requests for a keyspace in which it is not, if there is one.
   */
  inDoubt(
    requestsIn: (keyspace: string) => readonly Request[],
  ): readonly Request[] {
    const { keyspaces, streams } = this.#state;
    const possible = [...streams.keyspaces, ...keyspaces];
    if (possible.length === 0) possible.push(""); // without one the server finds no table
    for (const keyspace of possible) {
      const requests = requestsIn(keyspace);
      if (!this.#areAllowed(requests)) return requests;
    }
    return requestsIn(possible.at(-1)!);
  }

  #settleOne(request: Request, mayUse: boolean): Request | undefined {
    let decision = this.#decide(request);
    if (mayUse && decision.allowed && request.action === "use") {
      if (!this.#isSafe(request.tables[0]!)) decision = UNDER_WAY;
    }
    this.#state.streams.asked = [
      this.#connection.log(decision, request.fields),
    ];
    return decision.allowed ? undefined : request;
  }

  /** The first request that is denied; the others are then denied with it. */
  #settleAll(requests: readonly Request[]): Request | undefined {
    const decisions = requests.map((request) => this.#decide(request));
    const denied = decisions.findIndex(({ allowed }) => !allowed);
    this.#state.streams.asked = requests.map(({ fields }, i) => {
      const decision = decisions[i]!;
      const isTaken = decision.allowed && denied >= 0;
      return this.#connection.log(
        isTaken ? DENIED_WITH_OTHERS : decision,
        fields,
      );
    });
    return requests[denied];
  }

  /** Whether a USE may be sent while what is under way might be read in its keyspace. */
  #isSafe(keyspace: string): boolean {
    const { streams, keyspaces } = this.#state;
    if (streams.uses + keyspaces.length > DOUBTS_MAX) return false;
    if (streams.texts.size > TEXTS_MAX) return false;
    for (const text of streams.texts.keys()) {
      if (!this.#areAllowed(recognized(text).requests("query", keyspace))) {
        return false;
      }
    }
    return true;
  }

  #areAllowed(requests: readonly Request[]): boolean {
    return requests.every((request) => this.#decide(request).allowed);
  }

  #decide(request: Request): Decision {
    const decision = request.action === "use"
      ? this.#decideUse(request)
      : this.#connection.matches(request);
    return request.action === UNKNOWN && decision.verdict !== "forwarded" &&
        decision.rule === undefined
      ? { ...decision, reason: "unknown-request" }
      : decision;
  }

  #decideUse(request: Request): Decision {
    const { verdict } = this.#connection.matches(NAMES_USE);
    return this.#connection.matches(
      verdict === "forwarded" ? { ...request, use: "strict" } : request,
    );
  }
}
