/**
 * Which policies can tell an address from a stranger's, and so need to know who
 * is there.
 *
 * A sidecar takes an address that it was not told of for a stranger:
 * `reserved:world`, or `reserved:unmanaged` inside the prefixes of pods. So an
 * address may be left out just where every entry says of the workload there
 * what it says of a stranger: that is what is compared here, entry by entry,
 * with the engine's own tests.
 *
 * @module
 */
import { type LabelSet, parseLabels } from "../../../policy/labels.ts";
import type { NamedPort, Peer, Service } from "../../../policy/mod.ts";
import {
  factsOf,
  type PeerFacts,
  type PeerTest,
} from "../../../policy/peer.ts";
import { PeerIndex } from "../../../policy/peer_index.ts";
import { isName } from "../../../policy/port_range.ts";
import type { Rule } from "../../../policy/rule.ts";

/** Whoever is at an address, and the strangers that a sidecar could take it for. */
export interface Candidate {
  readonly peer: PeerFacts;
  readonly ports: readonly NamedPort[];
  readonly strangers: readonly PeerFacts[];
  /** Whether one of the strangers may have a name of DNS. */
  readonly mayHaveName: boolean;
}

const UNMANAGED = parseLabels(["reserved:unmanaged"]);
const WORLD = parseLabels(["reserved:world"]);

/** What is asked of a workload's address. */
export function candidateOf(
  peer: Peer,
  /** Its labels. */
  labels: LabelSet,
  /** That lead to the address without selecting workloads. */
  servicesOfAddress: readonly Service[],
  isInPodCidr: boolean,
): Candidate {
  const facts = { ...factsOf(peer), labels };
  const unmanaged = { ...facts, labels: UNMANAGED, services: [] };
  const services = servicesOfAddress;
  const world = { ...facts, labels: WORLD, isWorld: true, services };
  return {
    peer: facts,
    ports: peer.ports ?? [],
    // Sidecars may have prefixes of their own, which are not known here.
    strangers: isInPodCidr ? [unmanaged] : [world, unmanaged],
    mayHaveName: !isInPodCidr,
  };
}

/** The entries of policies, by whom they speak of. */
export class Asks<T> {
  /** Of each entry, in the order of the index. */
  readonly #policies: T[] = [];
  readonly #index: PeerIndex;
  /** Policies that open or close ports by the names that peers give them. */
  readonly #portNames = new Map<string, Set<T>>();
  /** Policies with names of DNS. */
  readonly #named = new Set<T>();
  /** Whether a rule requires something of the endpoints of all others (`fromRequires`). */
  readonly #hasRequirements: boolean;

  /** @param hasRequirements whether there is a rule elsewhere that has */
  constructor(
    policies: Iterable<readonly [T, readonly Rule[]]>,
    hasRequirements = false,
  ) {
    const tests: PeerTest[] = [];
    for (const [policy, rules] of policies) {
      hasRequirements ||= requires(rules);
      for (const rule of rules) {
        for (const entry of rule.ingress.entries) {
          this.#add(policy, entry.peers, tests);
        }
        for (const { peers, ports } of rule.egress.entries) {
          this.#add(policy, peers, tests);
          for (const test of ports) {
            if (isName(test)) this.#addPortName(policy, test.name);
          }
        }
      }
    }
    this.#hasRequirements = hasRequirements;
    this.#index = new PeerIndex(tests);
  }

  /** The policies for which a workload is another than a stranger. */
  of({ peer, ports, strangers, mayHaveName }: Candidate): Set<T> {
    const found = new Set<T>();
    const add = (at: number) => found.add(this.#policies[at]!);
    const fitting = this.#index.find(peer);
    for (const stranger of strangers) {
      const others = this.#index.find(stranger);
      if (this.#hasRequirements) others.forEach(add);
      else differences(fitting, others).forEach(add);
    }
    // Requirements may take out the one and leave the other.
    if (this.#hasRequirements) fitting.forEach(add);
    // A stranger names no ports, and which parser serves a port may hang on that.
    for (const { name } of ports) {
      for (const policy of this.#portNames.get(name) ?? []) found.add(policy);
    }
    if (mayHaveName) { for (const policy of this.#named) found.add(policy); }
    return found;
  }

  #add(policy: T, peers: PeerTest, tests: PeerTest[]): void {
    if (peers === "any") return; // fits everybody
    if (peers.names.length > 0) this.#named.add(policy);
    this.#policies.push(policy);
    tests.push(peers);
  }

  #addPortName(policy: T, name: string): void {
    const policies = this.#portNames.get(name) ?? new Set();
    this.#portNames.set(name, policies.add(policy));
  }
}

/** Whether a rule requires something of the endpoints of all others. */
export function requires(rules: readonly Rule[]): boolean {
  return rules.some(({ ingress, egress }) =>
    [ingress, egress].some(({ requires }) =>
      requires.allow.length + requires.deny.length > 0
    )
  );
}

/** What is in one of two lists only. */
function differences(a: readonly number[], b: readonly number[]): number[] {
  return [...new Set(a).symmetricDifference(new Set(b))];
}
