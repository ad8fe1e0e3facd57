/**
 * Who is at which address, and the policies that have to know.
 *
 * @module
 */
import {
  type Address,
  contains,
  formatPrefix,
  hostPrefix,
  parseAddress,
  parsePrefix,
  type Prefix,
} from "../../../policy/cidr.ts";
import { formatLabel, parseLabel } from "../../../policy/labels.ts";
import type { Peer, Service } from "../../../policy/mod.ts";
import { matchesService, type ServiceTest } from "../../../policy/peer.ts";
import { createServices, type Services } from "../../../policy/service.ts";
import { Asks, type Candidate, candidateOf } from "./asks.ts";
import type { ObjectName, PodFacts, ServiceFacts } from "./facts.ts";
import { identityLine, serviceLine } from "./lines.ts";
import type { Policies } from "./policies.ts";
import {
  type AddressRecord,
  isSame,
  type PodRecord,
  type PolicyRecord,
  type ServiceRecord,
} from "./records.ts";

/** Phases in which a pod has given its addresses back. */
const OVER: readonly (string | undefined)[] = ["Succeeded", "Failed"];

export class Addresses {
  readonly #policies: Policies;
  readonly #podCidrs: readonly Prefix[];
  /** By prefix, all pods that say it is theirs; the last one is believed. */
  readonly #claims = new Map<string, Set<PodRecord>>();
  readonly #records = new Map<string, AddressRecord>();
  readonly #services = new Map<string, ServiceRecord>();
  /** Finds services; made when it is asked for. */
  #finder: Services | undefined;
  #hasBegun = false;
  /** Keys of lines that are others since this was asked last. */
  #others = new Set<string>();

  /** @throws {TypeError} for what is no prefix */
  constructor(policies: Policies, podCidrs: readonly string[]) {
    this.#policies = policies;
    this.#podCidrs = podCidrs.map((text) => {
      const prefix = parsePrefix(text);
      if (prefix) return prefix;
      throw new TypeError(
        `Cannot read a prefix of pods: expected a prefix such as 10.0.0.0/8, current value is "${text}"`,
      );
    });
  }

  /** The prefixes of a pod's addresses, as far as they tell who it is. */
  static cidrsOf({ ips, phase, isHostNetwork }: PodFacts): string[] {
    if (isHostNetwork || OVER.includes(phase)) return [];
    return ips.flatMap((ip) => {
      const address = parseAddress(ip);
      return address ? [formatPrefix(hostPrefix(address))] : [];
    });
  }

  all(): AddressRecord[] {
    return [...this.#records.values()];
  }

  services(): ServiceRecord[] {
    return [...this.#services.values()];
  }

  /** Everything is looked at anew. */
  begin(): void {
    if (!this.#hasBegun) this.#claims.forEach(sortByAge);
    this.#hasBegun = true;
    for (const { policies } of this.#records.values()) policies.clear();
    this.#records.clear();
    for (const policy of this.#policies.all()) {
      policy.addresses.clear();
      this.#policies.touch(policy);
      this.#attachServices(policy);
    }
    for (const cidr of this.#claims.keys()) this.#settle(cidr);
  }

  /** A pod took the place of another. */
  setPod(pod: PodRecord | undefined, before: PodRecord | undefined): void {
    for (const cidr of before?.cidrs ?? []) {
      if (!pod?.cidrs.includes(cidr)) this.#claims.get(cidr)?.delete(before!);
    }
    for (const cidr of pod?.cidrs ?? []) {
      const claims = this.#claims.get(cidr) ?? new Set();
      this.#claims.set(cidr, claims);
      if (before && claims.has(before)) replaceIn(claims, before, pod!);
      else claims.add(pod!);
    }
    const cidrs = new Set([...before?.cidrs ?? [], ...pod?.cidrs ?? []]);
    for (const cidr of cidrs) this.#settle(cidr);
  }

  setService(facts: ServiceFacts): void {
    const key = keyOf(facts);
    const before = this.#services.get(key);
    const line = serviceLine(facts);
    if (before?.line[1] === line[1]) return;
    const service = serviceOf(facts);
    const record: ServiceRecord = { facts, service, line, policies: new Set() };
    this.#replaceService(key, before, record);
  }

  deleteService(name: ObjectName): void {
    const key = keyOf(name);
    const before = this.#services.get(key);
    if (before) this.#replaceService(key, before, undefined);
  }

  /** A policy is there that was not. */
  attach(policy: PolicyRecord): void {
    this.#attachServices(policy);
    const { hasRequirements } = this.#policies;
    const asks = new Asks([[policy, policy.sent.rules]], hasRequirements);
    for (const record of this.#records.values()) {
      if (asks.of(record.candidate).size === 0) continue;
      record.policies.add(policy);
      policy.addresses.add(record);
    }
  }

  detach(policy: PolicyRecord): void {
    for (const record of policy.addresses) record.policies.delete(policy);
    for (const service of policy.services) service.policies.delete(policy);
  }

  /** The keys of lines that are others since this was asked last. */
  takeOthers(): ReadonlySet<string> {
    const others = this.#others;
    this.#others = new Set();
    return others;
  }

  /** Who is at an address, by the key of its line. */
  address(key: string): AddressRecord | undefined {
    return this.#records.get(key.slice(key.indexOf(" ") + 1));
  }

  /** A service by the key of its line. */
  service(key: string): ServiceRecord | undefined {
    return this.#services.get(key.slice(key.indexOf(" ") + 1));
  }

  #attachServices(policy: PolicyRecord): void {
    const tests = serviceTests(policy);
    policy.services.clear();
    for (const service of this.#services.values()) {
      service.policies.delete(policy);
      if (!isAskedFor(service, tests)) continue;
      policy.services.add(service);
      service.policies.add(policy);
    }
  }

  #replaceService(
    key: string,
    before: ServiceRecord | undefined,
    now: ServiceRecord | undefined,
  ): void {
    const { line } = (now ?? before)!;
    this.#others.add(line[0]);
    this.#finder = undefined;
    if (now) this.#services.set(key, now);
    else this.#services.delete(key);
    if (!this.#hasBegun) return;
    for (const policy of before?.policies ?? []) {
      policy.services.delete(before!);
      this.#policies.touch(policy, line);
    }
    for (const policy of now ? this.#policies.all() : []) {
      if (!isAskedFor(now!, serviceTests(policy))) continue;
      policy.services.add(now!);
      now!.policies.add(policy);
      this.#policies.touch(policy, line);
    }
    // Who is behind it is known by it.
    const { namespace } = (now ?? before)!.facts;
    const addresses = [before, now].flatMap((each) => [
      ...each?.facts.addresses ?? [],
    ]);
    for (const [cidr, { pod }] of [...this.#records]) {
      const isBehind = pod.facts.namespace === namespace ||
        pod.facts.ips.some((ip) => addresses.includes(ip));
      if (isBehind) this.#settle(cidr);
    }
  }

  /** Finds out who is at an address now, and which policies have to know. */
  #settle(cidr: string): void {
    if (!this.#hasBegun) return;
    const before = this.#records.get(cidr);
    const pod = [...this.#claims.get(cidr) ?? []].at(-1);
    const now = pod && this.#recordOf(pod, cidr);
    const isSameLine = before?.line[1] === now?.line[1];
    const line = (now ?? before)?.line;
    if (!isSameLine) this.#others.add(line![0]);
    const policies = now
      ? this.#policies.asks.of(now.candidate)
      : new Set<PolicyRecord>();
    const former = before?.policies ?? new Set<PolicyRecord>();
    const isKept = isSameLine && isSame(former, policies);
    for (const policy of former) policy.addresses.delete(before!);
    if (now) this.#records.set(cidr, now);
    else {
      this.#records.delete(cidr);
      this.#claims.delete(cidr);
    }
    for (const policy of policies) {
      policy.addresses.add(now!);
      now!.policies.add(policy);
    }
    if (isKept) return;
    const concerned = isSameLine
      ? former.symmetricDifference(policies)
      : former.union(policies);
    for (const policy of concerned) this.#policies.touch(policy, line);
  }

  #recordOf(pod: PodRecord, cidr: string): AddressRecord {
    const { namespace, ports = [] } = pod.facts;
    const [address] = cidr.split("/");
    this.#finder ??= createServices(this.services().map(({ facts }) => facts));
    const services = this.#finder.ofLabels(pod.texts);
    const peer: Peer = { address: address!, labels: [], services, ports };
    const parsed = parseAddress(address!)!;
    const candidate: Candidate = candidateOf(
      peer,
      pod.tested,
      this.#finder.ofAddress(address!),
      this.#isInPodCidr(parsed),
    );
    const line = identityLine({
      cidr,
      labels: pod.labels,
      namespace,
      ...(ports.length === 0 ? {} : { ports }),
    });
    return { pod, line, candidate, policies: new Set() };
  }

  #isInPodCidr(address: Address): boolean {
    const host = hostPrefix(address);
    return this.#podCidrs.some((prefix) => contains(prefix, host));
  }
}

function keyOf({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`;
}

/** In its place: who came last stays last. */
function replaceIn<T>(all: Set<T>, before: T, now: T): void {
  const members = [...all].map((each) => each === before ? now : each);
  all.clear();
  for (const each of members) all.add(each);
}

/** Who was there at the start came in the order of names: of those the youngest has an address that is used again. */
function sortByAge(pods: Set<PodRecord>): void {
  const createdOf = ({ facts }: PodRecord) => facts.created ?? "";
  const sorted = [...pods].sort((a, b) =>
    createdOf(a) < createdOf(b) ? -1 : createdOf(a) > createdOf(b) ? 1 : 0
  );
  pods.clear();
  for (const pod of sorted) pods.add(pod);
}

function serviceOf({ name, namespace, labels }: ServiceFacts): Service {
  return {
    name,
    namespace,
    labels: Object.entries(labels)
      .map(([key, value]) => formatLabel({ ...parseLabel(key), value })),
  };
}

function serviceTests({ sent }: PolicyRecord): ServiceTest[] {
  return sent.rules.flatMap(({ egress }) =>
    egress.entries.flatMap(({ peers }) => peers === "any" ? [] : peers.services)
  );
}

function isAskedFor(
  { service }: ServiceRecord,
  tests: readonly ServiceTest[],
): boolean {
  const behind = { ...NOBODY, services: [service] };
  return tests.some((test) => matchesService(test, behind));
}

const NOBODY = { labels: [], isWorld: false, names: [] };
