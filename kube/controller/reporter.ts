/**
 * Tells people what becomes of their policies and pods: statuses and events. It
 * hears of every change, and only the leader among the replicas writes.
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
import { policyId } from "./cluster/read_policy.ts";
import type { Events, Subject } from "./events.ts";
import { judge } from "./judge.ts";
import { apiVersionOf, policyPath } from "./kinds.ts";
import { keyOf, type KnownPolicy, LackIndex } from "./lack_index.ts";
import { NO_SIDECAR } from "./lacks.ts";
import {
  isSameStatus,
  type Lack,
  lackText,
  policyStatus,
} from "./policy_status.ts";
import type { Pod, Policy } from "./read_objects.ts";

/** Changes that come together are told together. */
const GATHER_MS = 100;
/** A status that could not be written is tried again after this. */
const AGAIN_MS = 5_000;
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
  readonly #index: LackIndex;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;
  #written = 0;
  #failed = 0;

  constructor(options: ReporterOptions) {
    const { cluster, catalog } = options;
    this.#options = options;
    this.#index = new LackIndex(
      cluster,
      (document) => judge(document, catalog),
    );
    cluster.watchPolicies((policy) => {
      this.#index.touchPolicy(policyId(policy));
      this.#schedule();
    });
  }

  setPod(pod: Pod): void {
    this.#index.setPod(pod);
    this.#schedule();
  }

  deletePod(name: ObjectName): void {
    this.#index.deletePod(name);
    this.#schedule();
  }

  setNamespace(namespace: NamespaceFacts): void {
    this.#index.setNamespace(namespace);
    this.#schedule();
  }

  deleteNamespace(name: string): void {
    this.#index.deleteNamespace(name);
    this.#schedule();
  }

  setPolicy(policy: Policy): void {
    this.#index.setPolicy(policy);
    this.#schedule();
  }

  deletePolicy(name: PolicyName): void {
    this.#index.deletePolicy(name);
    this.#schedule();
  }

  /** All is told anew: this replica has begun to lead, or the cluster is known now. */
  tellAll(): void {
    this.#index.touchAll();
    this.#schedule();
  }

  get counts(): ReportCounts {
    const all = this.#index.policies();
    const refused =
      all.filter(({ problems }) =>
        problems.some(({ severity }) => severity === "error")
      ).length;
    const { notInjected, ...pods } = this.#index.podCounts;
    return {
      policies: { accepted: all.length - refused, refused },
      pods,
      mustRestart: new Set(all.flatMap(({ lacks }) => [...lacks.keys()])).size,
      notInjected,
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

  #schedule(after = GATHER_MS): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#tell());
    }, after);
  }

  async #tell(): Promise<void> {
    const { cluster, isLeader } = this.#options;
    if (!cluster.isSynced) return;
    const { policies, notInjected } = this.#index.look();
    if (!isLeader()) return;
    const ids = [...policies];
    await Promise.all(Array.from({ length: WRITERS }, async () => {
      for (let id; (id = ids.pop()) !== undefined;) await this.#tellOf(id);
    }));
    for (const pod of notInjected) {
      await this.#options.events.warn(
        subjectOf(pod),
        "NotInjected",
        "the pod has no sidecar although one is asked for, so no policy of Parley's holds for it: create it anew while the webhook answers",
      );
    }
  }

  async #tellOf(id: string): Promise<void> {
    const known = this.#index.policy(id);
    if (!known) return;
    const lacking = [...known.lacks].map(([pod, why]): Lack => ({ pod, why }));
    const subject = {
      ...known.policy,
      apiVersion: apiVersionOf(known.policy.kind),
    };
    await this.#tellLacks(subject, lacking);
    // The status of Cilium's own policies is Cilium's.
    if (known.policy.kind.startsWith("Cilium")) {
      await this.#tellProblems(subject, known);
    } else await this.#writeStatus(known, lacking);
  }

  async #tellLacks(policy: Subject, lacking: readonly Lack[]): Promise<void> {
    const { events } = this.#options;
    for (const lack of lacking.slice(0, EVENTS_MAX)) {
      await events.warn(policy, "MustRestart", lackText(lack));
      const pod = this.#index.pod(lack.pod);
      if (!pod || lack.why === NO_SIDECAR) continue; // told of as NotInjected
      await events.warn(
        subjectOf(pod),
        "MustRestart",
        `a policy needs more than this pod redirects: ${lack.why}; create the pod anew`,
      );
    }
  }

  async #tellProblems(
    subject: Subject,
    { problems }: KnownPolicy,
  ): Promise<void> {
    const errors = problems.filter(({ severity }) => severity === "error");
    if (errors.length === 0) return;
    const message = errors.map(problemText).join("; ");
    await this.#options.events.warn(subject, "Refused", message);
  }

  async #writeStatus(
    { policy, problems }: KnownPolicy,
    lacking: readonly Lack[],
  ): Promise<void> {
    const { cluster, client, log } = this.#options;
    const pods = cluster.podsOf(policy).map(keyOf);
    const { generation } = policy;
    const report = { generation, problems, pods, lacking };
    const status = policyStatus(report, policy.status, new Date());
    if (isSameStatus(policy.status, status)) return;
    try {
      await client.merge(`${policyPath(policy)}/status`, { status });
      this.#written++;
    } catch (error) {
      // It is gone.
      if (error instanceof KubeError && error.status === 404) return;
      this.#failed++;
      if (this.#failed === 1) {
        log.warn(`a status cannot be written: ${(error as Error).message}`);
      }
      this.#index.touchPolicy(policyId(policy));
      this.#schedule(AGAIN_MS);
    }
  }
}

function subjectOf({ namespace, name, uid }: Pod): Subject {
  return { apiVersion: "v1", kind: "Pod", namespace, name, uid };
}
