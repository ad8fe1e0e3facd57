/**
 * What becomes of a query: judged, asked of a resolver, learnt, and answered
 * only when all that hold connections know its addresses.
 *
 * ```text
 * client → judge → resolver → learn → every worker knows → client
 * ```
 *
 * @module
 */
import { DNS_LIMITS, type Lease, leasesOf } from "../../policy/dns_cache.ts";
import { LineFormatter, type TakeLine } from "../accesslog/format.ts";
import type { RequestSeries, Traffic } from "../counting/traffic.ts";
import { thrownText } from "../thrown.ts";
import type { Asking, DnsJudge, Place, Verdict } from "./judge.ts";
import { failure, type Question, RCODE, readQuery, TYPE } from "./message.ts";
import { type Answered, ask } from "./resolver.ts";

/** Queries under way at a time: each has a socket. Who asks then is told that it failed. */
export const OUTSTANDING = 512;

/** What it works with. */
export interface ForwarderParts {
  readonly resolvers: readonly Place[];
  /** Seconds. */
  readonly minTtl: number;
  readonly judge: DnsJudge;
  readonly log: TakeLine;
  readonly traffic: Traffic;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Has everybody told; whether they know. Never rejects, and is bounded. */
  learn(leases: readonly Lease[]): Promise<boolean>;
  heard(): void;
  silent(error: string): void;
}

/** What the policy says of a query to one resolver. */
interface Judged {
  readonly resolver: Place;
  readonly verdict: Verdict;
}

/** Forwards queries. */
export class Forwarder {
  readonly #parts: ForwarderParts;
  #outstanding = 0;
  #asked = 0;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
  }

  /** The answer to a query; nothing to what is none. Never rejects. */
  async answer(
    bytes: Uint8Array,
    client: Place,
    protocol: "UDP" | "TCP",
  ): Promise<Uint8Array | undefined> {
    const query = readQuery(bytes);
    if (!query) return undefined;
    if ("rcode" in query) return failure(bytes, query.rcode);
    if (this.#outstanding >= OUTSTANDING) {
      return failure(bytes, RCODE.servFail);
    }
    this.#outstanding++;
    try {
      return await this.#forward(bytes, query.question, client, protocol);
    } finally {
      this.#outstanding--;
    }
  }

  async #forward(
    bytes: Uint8Array,
    question: Question,
    client: Place,
    protocol: "UDP" | "TCP",
  ): Promise<Uint8Array> {
    const { resolvers, judge, now } = this.#parts;
    const began = now();
    const number = ++this.#asked;
    const judged = resolvers.map((resolver) => {
      const asking: Asking = { question, client, resolver, protocol };
      return { resolver, verdict: judge.judge(asking) };
    });
    const allowed = judged.filter(({ verdict }) => verdict.isAllowed);
    const [first] = allowed;
    const { verdict } = first ?? judged[0]!;
    this.#note(number, question, verdict);
    const { durations } = this.#count(verdict);
    if (!first) {
      durations.observe(0);
      return failure(bytes, RCODE.refused);
    }
    const answer = await this.#ask(number, bytes, question, protocol, allowed);
    durations.observe(Math.max(0, now() - began));
    return answer;
  }

  async #ask(
    number: number,
    bytes: Uint8Array,
    question: Question,
    protocol: "UDP" | "TCP",
    allowed: readonly Judged[],
  ): Promise<Uint8Array> {
    const answered = await this.#askEach(
      allowed.map(({ resolver }) => resolver),
      bytes,
      question,
      protocol,
    );
    const fail = (reason: string) => {
      const { source, destination } = allowed[0]!.verdict;
      const ends = { source, destination, isAllowed: false };
      this.#note(number, question, { verdict: "error", reason, ...ends });
      return failure(bytes, RCODE.servFail);
    };
    if (!answered) return fail("upstream-unreachable");
    return await this.#isLearnt(question, answered)
      ? answered.bytes
      : fail("not-learnt");
  }

  /** Of the resolvers in their order the first that answers. */
  async #askEach(
    resolvers: readonly Place[],
    bytes: Uint8Array,
    question: Question,
    protocol: "UDP" | "TCP",
  ): Promise<Answered | undefined> {
    const { heard, silent } = this.#parts;
    const errors: string[] = [];
    for (const resolver of resolvers) {
      try {
        const answered = await ask(resolver, bytes, question, protocol);
        heard();
        return answered;
      } catch (error) {
        const { hostname, port } = resolver;
        errors.push(`resolver ${hostname} port ${port}: ${thrownText(error)}`);
      }
    }
    silent(errors.join("; "));
    return undefined;
  }

  /** What leads nowhere is known to everybody. */
  async #isLearnt(
    { name }: Question,
    { reply: { rcode, records } }: Answered,
  ): Promise<boolean> {
    const { learn, now, minTtl } = this.#parts;
    if (rcode !== RCODE.noError) return true;
    const leases = leasesOf({ question: name, records }, now(), minTtl)
      .slice(-DNS_LIMITS.perName);
    return leases.length === 0 || await learn(leases);
  }

  #count({ verdict, rule }: Verdict): RequestSeries {
    const series = this.#parts.traffic.requests("dns", "egress")
      .of(verdict, rule);
    series.requests.value++;
    return series;
  }

  #note(number: number, { name, type }: Question, verdict: Verdict): void {
    const { log, now, judge } = this.#parts;
    const { source, destination, verdict: word, rule, reason } = verdict;
    const formatter = new LineFormatter({
      id: number,
      direction: "egress",
      source,
      destination,
      l7proto: "dns",
      parser: undefined,
    });
    formatter.write(log, now(), {
      type: word === "error" ? "response" : "request",
      verdict: word,
      rule,
      reason,
      fields: { name: name.slice(0, -1) || ".", type: typeText(type) },
    }, judge.hasher);
  }
}

/** `AAAA`; `TYPE65` of types that have no name here (RFC 3597). */
function typeText(type: number): string {
  const known = Object.entries(TYPE).find(([, number]) => number === type);
  return known?.[0] ?? `TYPE${type}`;
}
