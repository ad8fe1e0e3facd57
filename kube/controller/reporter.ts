/**
 * Tells people what becomes of their policies and pods: statuses, events and
 * metrics. It hears of every change, and only the leader among the replicas
 * writes.
 *
 * @module
 */
import type { L7Catalog } from "../../policy/mod.ts";
import { problemText } from "../../policy/problem.ts";
import { type KubeClient, KubeError } from "../client/client.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type {
  NamespaceFacts,
  ObjectName,
  PolicyName,
} from "./cluster/facts.ts";
import {
  policyId,
  type ReadPolicy,
  readPolicy,
} from "./cluster/read_policy.ts";
import type { Events, Subject } from "./events.ts";
import { judge } from "./judge.ts";
import { apiVersionOf, policyPath } from "./kinds.ts";
import { isGuarded, isOver, lackOf, NO_SIDECAR } from "./lacks.ts";
import {
  isSameStatus,
  type Lack,
  lackText,
  policyStatus,
} from "./policy_status.ts";
import type { Pod, Policy } from "./read_objects.ts";

/** Changes that come together are told together. */
const GATHER_MS = 100;
/** Policies whose status is written at the same time. */
const WRITERS = 8;
/** Events on pods for one policy; its status has the others. */
const EVENTS_MAX = 20;

export interface ReporterOptions {
  readonly cluster: Cluster;
  readonly client: Pick<KubeClient, "merge">;
  readonly events: Pick<Events, "warn">;
  readonly catalog: L7Catalog;
  /** Whether this replica writes for all. */
  readonly isLeader: () => boolean;
  readonly log: { warn(message: string): void };
}

/** A policy, with what was made of it. */
interface Known {
  readonly policy: Policy;
  readonly read: ReadPolicy;
  readonly problems: ReturnType<typeof judge>;
  /** By pod. */
  lacks: Map<string, string>;
}

/** What is counted, for metrics. */
export interface ReportCounts {
  readonly policies: { readonly accepted: number; readonly refused: number };
  readonly pods: { readonly injected: number; readonly bare: number };
  readonly mustRestart: number;
  readonly notInjected: number;
  readonly statusesWritten: number;
  readonly statusesFailed: number;
}

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #pods = new Map<string, Pod>();
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>();
  readonly #policies = new Map<string, Known>();
  /** Pods that should have a sidecar and have none. */
  readonly #notInjected = new Set<string>();
  readonly #dirtyPods = new Set<string>();
  readonly #dirtyPolicies = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;
  #written = 0;
  #failed = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
    options.cluster.watchPolicies((policy) => this.#touch(policyId(policy)));
  }

  setPod(pod: Pod): void {
    this.#pods.set(keyOf(pod), pod);
    this.#touchPod(keyOf(pod));
  }

  deletePod(name: ObjectName): void {
    this.#pods.delete(keyOf(name));
    this.#touchPod(keyOf(name));
  }

  setNamespace({ name, labels }: NamespaceFacts): void {
    this.#namespaces.set(name, labels);
    this.#touchNamespace(name);
  }

  deleteNamespace(name: string): void {
    this.#namespaces.delete(name);
    this.#touchNamespace(name);
  }

  setPolicy(policy: Policy): void {
    const id = policyId(policy);
    const before = this.#policies.get(id);
    const isSame = before?.policy.generation === policy.generation &&
      before.policy.uid === policy.uid &&
      JSON.stringify(before.policy.document) ===
        JSON.stringify(policy.document);
    if (isSame) { // its status is another, and perhaps not as it should be
      this.#policies.set(id, { ...before, policy });
    } else {
      this.#policies.set(id, {
        policy,
        read: readPolicy(policy, {}),
        problems: judge(policy.document, this.#options.catalog),
        lacks: new Map(),
      });
      for (const key of this.#pods.keys()) this.#dirtyPods.add(key);
    }
    this.#touch(id);
  }

  deletePolicy(name: PolicyName): void {
    this.#policies.delete(policyId(name));
    for (const key of this.#pods.keys()) this.#dirtyPods.add(key);
    this.#schedule();
  }

  /** All is told anew: this replica has begun to lead, or the cluster is known now. */
  tellAll(): void {
    for (const id of this.#policies.keys()) this.#dirtyPolicies.add(id);
    for (const key of this.#pods.keys()) this.#dirtyPods.add(key);
    this.#schedule();
  }

  get counts(): ReportCounts {
    const all = [...this.#policies.values()];
    const refused =
      all.filter(({ problems }) =>
        problems.some(({ severity }) => severity === "error")
      ).length;
    const injected = [...this.#pods.values()]
      .filter(({ isInjected }) => isInjected).length;
    return {
      policies: { accepted: all.length - refused, refused },
      pods: { injected, bare: this.#pods.size - injected },
      mustRestart: new Set(all.flatMap(({ lacks }) => [...lacks.keys()])).size,
      notInjected: this.#notInjected.size,
      statusesWritten: this.#written,
      statusesFailed: this.#failed,
    };
  }

  /** Waits for what is being written, and writes nothing more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#writing;
  }

  #touchNamespace(name: string): void {
    for (const [key, pod] of this.#pods) {
      if (pod.namespace === name) this.#dirtyPods.add(key);
    }
    this.#schedule();
  }

  #touchPod(key: string): void {
    this.#dirtyPods.add(key);
    this.#schedule();
  }

  #touch(id: string): void {
    this.#dirtyPolicies.add(id);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#tell());
    }, GATHER_MS);
  }

  async #tell(): Promise<void> {
    const { cluster, isLeader } = this.#options;
    if (!cluster.isSynced) return;
    const pods = [...this.#dirtyPods];
    this.#dirtyPods.clear();
    for (const key of pods) this.#lookAt(key);
    if (!isLeader()) return;
    const ids = [...this.#dirtyPolicies];
    this.#dirtyPolicies.clear();
    await Promise.all(Array.from({ length: WRITERS }, async () => {
      for (let id; (id = ids.pop()) !== undefined;) await this.#tellOf(id);
    }));
    for (const key of pods) {
      if (this.#notInjected.has(key)) await this.#tellBare(key);
    }
  }

  /** Finds what a pod lacks, and which policies are concerned. */
  #lookAt(key: string): void {
    const pod = this.#pods.get(key);
    const labels = this.#namespaces.get(pod?.namespace ?? "") ?? {};
    const selecting = new Set(
      pod ? this.#options.cluster.policiesOf(pod).map(policyId) : [],
    );
    for (const [id, known] of this.#policies) {
      const lack = pod && selecting.has(id)
        ? lackOf(pod, labels, known.read.rules)
        : undefined;
      if (known.lacks.get(key) === lack) continue;
      if (lack === undefined) known.lacks.delete(key);
      else known.lacks.set(key, lack);
      this.#dirtyPolicies.add(id);
    }
    const isBare = pod && !pod.isInjected && !isOver(pod) &&
      isGuarded(pod, labels) && (pod.isChosen || selecting.size > 0);
    if (isBare) this.#notInjected.add(key);
    else this.#notInjected.delete(key);
  }

  async #tellOf(id: string): Promise<void> {
    const known = this.#policies.get(id);
    if (!known) return;
    const { policy, problems } = known;
    const lacking = [...known.lacks].map(([pod, why]): Lack => ({ pod, why }));
    await this.#tellLacks(lacking);
    const subject = { ...policy, apiVersion: apiVersionOf(policy.kind) };
    for (const lack of lacking.slice(0, EVENTS_MAX)) {
      await this.#options.events.warn(subject, "MustRestart", lackText(lack));
    }
    if (policy.kind.startsWith("Cilium")) {
      // Their status is Cilium's.
      return await this.#tellProblems(subject, known);
    }
    const pods = this.#options.cluster.podsOf(policy).map(keyOf);
    const { generation } = policy;
    const report = { generation, problems, pods, lacking };
    const status = policyStatus(report, policy.status, new Date());
    if (isSameStatus(policy.status, status)) return;
    try {
      const path = `${policyPath(policy)}/status`;
      await this.#options.client.merge(path, { status });
      this.#written++;
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return;
      this.#failed++;
      if (this.#failed === 1) {
        const { message } = error as Error;
        this.#options.log.warn(`a status cannot be written: ${message}`);
      }
      this.#dirtyPolicies.add(id); // told again with the next change
    }
  }

  async #tellProblems(subject: Subject, { problems }: Known): Promise<void> {
    const errors = problems.filter(({ severity }) => severity === "error");
    if (errors.length === 0) return;
    const message = errors.map(problemText).join("; ");
    await this.#options.events.warn(subject, "Refused", message);
  }

  async #tellLacks(lacking: readonly Lack[]): Promise<void> {
    for (const { pod: key, why } of lacking.slice(0, EVENTS_MAX)) {
      const pod = this.#pods.get(key);
      if (!pod || why === NO_SIDECAR) continue; // told of as NotInjected
      await this.#options.events.warn(
        subjectOf(pod),
        "MustRestart",
        `a policy needs more than this pod redirects: ${why}; create the pod anew`,
      );
    }
  }

  async #tellBare(key: string): Promise<void> {
    const pod = this.#pods.get(key);
    if (!pod) return;
    await this.#options.events.warn(
      subjectOf(pod),
      "NotInjected",
      "the pod has no sidecar although one is asked for, so no policy of Parley's holds for it: create it anew while the webhook answers",
    );
  }
}

function subjectOf({ namespace, name, uid }: Pod): Subject {
  return { apiVersion: "v1", kind: "Pod", namespace, name, uid };
}

function keyOf({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`;
}
