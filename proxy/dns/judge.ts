/**
 * Which names a workload may ask a resolver for: `dns` rules of the policies in
 * force (policy semantics, section 9).
 *
 * @module
 */
import type { Endpoint, ParserDefinition } from "parley/proxylib";
import { z } from "zod";
import {
  fitsName,
  type NameTest,
  normalizeName,
} from "../../policy/dns_name.ts";
import { createIdentities, type Identities } from "../../policy/identity.ts";
import { readTests } from "../../policy/l7.ts";
import type { Access, Peer, Subject } from "../../policy/model.ts";
import { type StoredDocument, StoredPolicy } from "../../policy/stored.ts";
import type { Entry } from "../accesslog/format.ts";
import { FieldHasher } from "../accesslog/hashed_fields.ts";
import type { DataConfig } from "../data_config.ts";
import { createJudge, isAudited } from "../matcher.ts";
import { Workloads } from "../workloads.ts";
import type { Question } from "./message.ts";

/** An address with a port. */
export interface Place {
  readonly hostname: string;
  readonly port: number;
}

/** A question on its way: from whom, to whom, over what. */
export interface Asking {
  readonly question: Question;
  readonly client: Place;
  readonly resolver: Place;
  readonly protocol: "UDP" | "TCP";
}

/** What the policy says of it, for the access log too. */
export interface Verdict extends Omit<Entry, "type" | "fields"> {
  readonly isAllowed: boolean;
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

const NOBODY: Subject = { labels: [] };

/** How `dns` rules are read, in the shape of any protocol's. */
const DNS: ParserDefinition<Question, readonly NameTest[]> = {
  description: "DNS queries",
  rule: z.record(z.string(), z.string())
    .transform((raw) => readTests({ ref: "", raw })),
  matches: (tests, { name }) => tests.some((test) => fits(test, name)),
  create() {
    throw new TypeError("queries do not come as the bytes of a connection");
  },
};

/** A name that no host can have fits the pattern of any name only. */
function fits(test: NameTest, name: string): boolean {
  return normalizeName(name) === undefined
    ? test.kind === "pattern" && /^\*+\.$/.test(test.pattern)
    : fitsName(test, name);
}

/** Judges under the configuration and the documents that it was given last. */
export class DnsJudge {
  readonly #policy = new StoredPolicy();
  #identities: Identities = createIdentities([]);
  #workloads: Workloads | undefined;
  #mode: DataConfig["mode"] = "enforce";
  #hasher: FieldHasher | undefined;

  /** Hashes fields of log lines, if any are to be hashed. */
  get hasher(): FieldHasher | undefined {
    return this.#hasher;
  }

  configure(config: DataConfig): void {
    this.#identities = createIdentities(config.identities, config.cluster);
    this.#workloads = new Workloads(config);
    this.#mode = config.mode;
    this.#hasher = config.hashed && new FieldHasher(config.hashed);
  }

  publish(documents: readonly StoredDocument[]): void {
    this.#policy.replace(documents);
  }

  judge({ question, client, resolver, protocol }: Asking): Verdict {
    const subject = this.#workloads?.of(client);
    const peer = this.#identities.peerOf(resolver.hostname);
    const ends = {
      source: endpoint(client, subject ?? NOBODY),
      destination: endpoint(resolver, peer),
    };
    if (!subject) {
      const reason = "unknown-endpoint";
      return { isAllowed: false, verdict: "denied", reason, ...ends };
    }
    const access = this.#policy.current.resolve({
      subject,
      direction: "egress",
      port: resolver.port,
      protocol,
      peer,
    });
    return { ...this.#decide(access, question), ...ends };
  }

  #decide(
    access: Access,
    question: Question,
  ): Omit<Verdict, "source" | "destination"> {
    const isAudit = this.#mode === "audit";
    if (access.verdict === "denied") {
      const { reason, rule, closedBy } = access;
      if (!isAudit && !isAudited(access)) {
        return { isAllowed: false, verdict: "denied", reason, rule };
      }
      const lacking = rule ?? closedBy;
      return { isAllowed: true, verdict: "audit", reason, rule: lacking };
    }
    if (access.proto !== undefined && access.proto !== "dns") {
      // The port is another protocol's: what is no rule for names allows none.
      const reason = "no-rule";
      return {
        isAllowed: isAudit,
        verdict: isAudit ? "audit" : "denied",
        reason,
      };
    }
    const decision = createJudge(DNS, access, this.#mode)(question);
    const { allowed, verdict, reason, rule } = decision;
    return { isAllowed: allowed, verdict, reason, rule };
  }
}

function endpoint(
  { hostname, port }: Place,
  { labels }: Subject | Peer,
): Endpoint {
  const address = hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
  return { address, labels };
}
