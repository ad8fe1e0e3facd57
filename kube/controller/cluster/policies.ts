/**
 * The policies of a cluster, the pods that they select, and whom a change
 * concerns.
 *
 * @module
 */
import type { Selector } from "../../../policy/labels.ts";
import type { PeerFacts } from "../../../policy/peer.ts";
import { PeerIndex } from "../../../policy/peer_index.ts";
import type { Addresses } from "./addresses.ts";
import { Asks, requires } from "./asks.ts";
import type { ClusterOptions } from "./cluster.ts";
import type { PolicyFacts, PolicyName } from "./facts.ts";
import { type Line, policyLine } from "./lines.ts";
import {
  policyId,
  readPolicy,
  subjectsOf,
  versionToSend,
} from "./read_policy.ts";
import type { PodRecord, PolicyRecord } from "./records.ts";
import { type Keys, union } from "./subscriptions.ts";

/** What a change concerns. */
export interface Touched {
  /** What sidecars may have to know otherwise, by the keys of their pods. */
  readonly pods: ReadonlyMap<string, Keys>;
  /** Whose pods or problems may be others. */
  readonly policies: ReadonlySet<PolicyName>;
}

export class Policies {
  readonly #options: ClusterOptions;
  readonly #records = new Map<string, PolicyRecord>();
  /** Those that require something of the endpoints of all others. */
  readonly #requiring = new Set<string>();
  /** Made when they are asked for, of all policies. */
  #subjects: Subjects | undefined;
  #asks: Asks<PolicyRecord> | undefined;
  #hasBegun = false;
  #pods = new Map<string, Keys>();
  #policies = new Set<PolicyName>();

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  get(name: PolicyName): PolicyRecord | undefined {
    return this.#records.get(policyId(name));
  }

  all(): PolicyRecord[] {
    return [...this.#records.values()];
  }

  /** Whom the policies ask for. Those too that are not good: whether one is, a sidecar finds out for itself. */
  get asks(): Asks<PolicyRecord> {
    return this.#asks ??= new Asks(
      this.all().map((policy) => [policy, policy.sent.rules]),
    );
  }

  /** Whether a rule requires something of the endpoints of all others. */
  get hasRequirements(): boolean {
    return this.#requiring.size > 0;
  }

  /** All that was set so far is looked at. */
  begin(pods: Iterable<PodRecord>): void {
    this.#hasBegun = true;
    for (const pod of pods) this.select(pod, undefined);
  }

  /** @param pods those that it may select */
  set(
    facts: PolicyFacts,
    pods: Iterable<PodRecord>,
    addresses: Addresses,
  ): void {
    const id = policyId(facts);
    const before = this.#records.get(id);
    const written = readPolicy(facts, this.#options);
    if (before?.written.text === written.text) {
      this.#records.set(id, Object.assign(before, { facts }));
      return;
    }
    const sent = versionToSend(written, before?.sent);
    const policy: PolicyRecord = {
      facts,
      written,
      sent,
      line: policyLine(id, sent.text),
      pods: new Set(),
      addresses: new Set(),
      services: new Set(),
    };
    this.#replace(id, policy, addresses);
    if (!this.#hasBegun) return;
    const subjects = new Subjects([policy]);
    for (const pod of pods) {
      if (subjects.of(pod).size > 0) join(policy, pod);
    }
    this.touch(policy);
  }

  delete(name: PolicyName, addresses: Addresses): void {
    const id = policyId(name);
    if (this.#records.has(id)) this.#replace(id, undefined, addresses);
  }

  #replace(
    id: string,
    policy: PolicyRecord | undefined,
    addresses: Addresses,
  ): void {
    const required = this.hasRequirements;
    const before = this.#records.get(id);
    if (before) {
      this.touch(before);
      for (const pod of before.pods) pod.policies.delete(before);
      addresses.detach(before);
    }
    if (policy) this.#records.set(id, policy);
    else this.#records.delete(id);
    if (policy && requires(policy.sent.rules)) this.#requiring.add(id);
    else this.#requiring.delete(id);
    this.#subjects = undefined;
    this.#asks = undefined;
    this.#policies.add((policy ?? before)!.facts);
    if (!this.#hasBegun) return;
    // Whether one rule narrows the peers of others is a question about all of them.
    if (required !== this.hasRequirements) addresses.begin();
    else if (policy) addresses.attach(policy);
  }

  /** Finds the policies of a pod anew, which took the place of another. */
  select(pod: PodRecord | undefined, before: PodRecord | undefined): void {
    if (!this.#hasBegun) return;
    const former = new Set(before?.policies);
    for (const policy of former) policy.pods.delete(before!);
    this.#subjects ??= new Subjects(this.all());
    for (const policy of pod ? this.#subjects.of(pod) : []) join(policy, pod!);
    const now = pod?.policies ?? new Set<PolicyRecord>();
    const others = former.symmetricDifference(now);
    const isSameSidecar = pod?.facts.isInjected === before?.facts.isInjected &&
      pod?.facts.uid === before?.facts.uid;
    const isSame = isSameSidecar && others.size === 0 &&
      pod?.endpoint[1] === before?.endpoint[1];
    if (!isSame) this.#pods.set((pod ?? before)!.key, "all");
    for (const { facts } of isSameSidecar ? others : former.union(now)) {
      this.#policies.add(facts);
    }
  }

  /** The sidecars that have a policy are concerned: by all of it, or by one line. */
  touch({ pods }: PolicyRecord, line?: Line): void {
    const keys = line ? new Set([line[0]]) : "all";
    for (const { key, facts } of pods) {
      if (facts.isInjected) {
        this.#pods.set(key, union(this.#pods.get(key), keys));
      }
    }
  }

  takeTouched(): Touched {
    const touched = { pods: this.#pods, policies: this.#policies };
    this.#pods = new Map();
    this.#policies = new Set();
    return touched;
  }
}

function join(policy: PolicyRecord, pod: PodRecord): void {
  policy.pods.add(pod);
  pod.policies.add(policy);
}

/** Finds policies by whom they select. */
class Subjects {
  /** Of each selector, in the order of the index. */
  readonly #policies: PolicyRecord[] = [];
  readonly #index: PeerIndex;

  constructor(policies: readonly PolicyRecord[]) {
    const selectors: Selector[] = [];
    for (const policy of policies) {
      for (const selector of subjectsOf(policy.facts, policy.sent)) {
        this.#policies.push(policy);
        selectors.push(selector);
      }
    }
    this.#index = new PeerIndex(selectors.map((selector) => {
      return { ...NOBODY, selectors: [selector] };
    }));
  }

  of({ tested }: PodRecord): Set<PolicyRecord> {
    const pod: PeerFacts = { ...POD, labels: tested };
    return new Set(this.#index.find(pod).map((at) => this.#policies[at]!));
  }
}

const NOBODY = {
  cidrs: [],
  entities: [],
  nodes: [],
  names: [],
  services: [],
};
const POD = { isWorld: false, names: [], services: [] };
