/**
 * What a process has seen pass. What is counted for each request is found in
 * two comparisons; all names are bounded, for parsers are untrusted and say
 * which rule decided.
 *
 * @module
 */
import { Durations } from "./durations.ts";
import { type Cell, isLabel, SERIES_MAX, Tally } from "./tally.ts";
import { OTHER, REASONS } from "./words.ts";

/** Policies and protocols that have series of their own; further ones share one. */
const POLICIES_MAX = 100;
const PROTOCOLS_MAX = 50;
/** Rules whose series are kept by a counter. */
const KEPT_RULES = 4096;

type Direction = "ingress" | "egress";

/** Requests that one rule, or the want of one, has decided. */
export interface RequestSeries {
  readonly verdict: string;
  readonly rule: string | undefined;
  readonly requests: Cell;
  readonly durations: Durations;
}

/** Counts requests of one protocol and direction. */
export class RequestCounter {
  readonly #make: (
    verdict: string,
    rule: string | undefined,
  ) => RequestSeries;
  readonly #known = new Map<string | undefined, RequestSeries[]>();
  #last: RequestSeries | undefined;

  constructor(
    make: (verdict: string, rule: string | undefined) => RequestSeries,
  ) {
    this.#make = make;
  }

  of(verdict: string, rule: string | undefined): RequestSeries {
    const last = this.#last;
    return last && last.verdict === verdict && last.rule === rule
      ? last
      : this.#last = this.#find(verdict, rule);
  }

  #find(verdict: string, rule: string | undefined): RequestSeries {
    if (this.#known.size >= KEPT_RULES) this.#known.clear();
    const known = this.#known.get(rule) ?? [];
    this.#known.set(rule, known);
    const found = known.find((series) => series.verdict === verdict);
    if (found) return found;
    const made = this.#make(verdict, rule);
    known.push(made);
    return made;
  }
}

/** Counts connections of one direction. */
export class ConnectionCounter {
  readonly opened: Cell;
  readonly bytesForward: Cell;
  readonly bytesReply: Cell;
  readonly #tally: Tally;
  readonly #direction: Direction;

  constructor(tally: Tally, direction: Direction) {
    this.#tally = tally;
    this.#direction = direction;
    this.opened = tally.cell("opened", direction);
    this.bytesForward = tally.cell("bytes", direction, "forward");
    this.bytesReply = tally.cell("bytes", direction, "reply");
  }

  /** Parley ends a connection: it is `denied`, or has `failed`. */
  refused(kind: "denied" | "failed", reason: string): void {
    const word = REASONS.has(reason) ? reason : OTHER;
    this.#tally.cell(kind, this.#direction, word).value++;
  }

  ended(end: string): void {
    this.#tally.cell("ended", this.#direction, end).value++;
  }
}

/** All that a process counts of its connections. */
export class Traffic {
  readonly tally = new Tally(SERIES_MAX);
  readonly #policies = new Names(POLICIES_MAX);
  readonly #protocols = new Names(PROTOCOLS_MAX);
  readonly #requests = new Map<string, RequestCounter>();
  readonly #durations = new Map<string, Durations>();
  readonly #connections = {
    ingress: new ConnectionCounter(this.tally, "ingress"),
    egress: new ConnectionCounter(this.tally, "egress"),
  };

  requests(l7proto: string, direction: Direction): RequestCounter {
    const proto = this.#protocols.of(l7proto);
    return getOrMake(
      this.#requests,
      `${proto} ${direction}`,
      () =>
        new RequestCounter((verdict, rule) => {
          const policy = this.#policies.of(policyOf(rule));
          return {
            verdict,
            rule,
            requests: this.tally.cell(
              ...["requests", proto, verdict, direction, policy] as const,
            ),
            durations: this.#durationsOf(proto, verdict),
          };
        }),
    );
  }

  durations(l7proto: string, verdict: string): Durations {
    return this.#durationsOf(this.#protocols.of(l7proto), verdict);
  }

  connections(direction: Direction): ConnectionCounter {
    return this.#connections[direction];
  }

  #durationsOf(proto: string, verdict: string): Durations {
    return getOrMake(
      this.#durations,
      `${proto} ${verdict}`,
      () => new Durations(this.tally, proto, verdict),
    );
  }
}

/** The document of a rule's path, `[namespace/]name#path`; empty: nothing matched. */
function policyOf(rule: string | undefined): string {
  return rule === undefined ? "" : rule.split("#", 1)[0]!;
}

/** The first names that come are kept. */
class Names {
  readonly #known = new Set<string>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  of(name: string): string {
    if (this.#known.has(name)) return name;
    if (this.#known.size >= this.#most || !isLabel(name)) return OTHER;
    this.#known.add(name);
    return name;
  }
}

function getOrMake<Value>(
  map: Map<string, Value>,
  key: string,
  make: () => Value,
): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
