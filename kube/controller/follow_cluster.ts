/**
 * Has the cluster index, and whoever reports, hear of all that concerns
 * sidecars.
 *
 * @module
 */
import type { KubeClient } from "../client/client.ts";
import { follow, type Named } from "../client/follow.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { NamespaceFacts, ObjectName } from "./cluster/facts.ts";
import type { Events } from "./events.ts";
import { followPolicies } from "./follow_policies.ts";
import { apiVersionOf } from "./kinds.ts";
import {
  type Pod,
  readNamespace,
  readPod,
  readService,
  readSlice,
} from "./read_objects.ts";
import type { Reporter } from "./reporter.ts";
import { Services } from "./services.ts";
import type { Watched } from "./watched.ts";

export interface FollowCluster {
  readonly client: KubeClient;
  readonly cluster: Cluster;
  readonly watched: Watched;
  readonly reporter: Reporter;
  readonly events: Pick<Events, "warn">;
  readonly isLeader: () => boolean;
  readonly log: { info(message: string): void; warn(message: string): void };
  readonly signal: AbortSignal;
}

/** Goes on until it is told to stop. */
export async function followCluster(options: FollowCluster): Promise<void> {
  const { client, cluster, watched, reporter, events, log, signal } = options;
  const synced = (kind: Parameters<Cluster["markSynced"]>[0]) => {
    cluster.markSynced(kind);
    if (!cluster.isSynced) return;
    log.info("the cluster is known");
    reporter.tellAll();
  };
  const services = new Services(cluster, () => synced("services"));
  const common = { client, log, signal };
  await Promise.all([
    follow<Pod>({
      ...common,
      path: "/api/v1/pods",
      progress: watched.watch("pods"),
      read: readPod,
      set(pod) {
        cluster.setPod(pod);
        reporter.setPod(pod);
      },
      remove(name) {
        cluster.deletePod(placed(name));
        reporter.deletePod(placed(name));
      },
      synced: () => synced("pods"),
    }),
    follow<NamespaceFacts>({
      ...common,
      path: "/api/v1/namespaces",
      progress: watched.watch("namespaces"),
      read: readNamespace,
      set(namespace) {
        cluster.setNamespace(namespace);
        reporter.setNamespace(namespace);
      },
      remove({ name }) {
        cluster.deleteNamespace(name);
        reporter.deleteNamespace(name);
      },
      synced: () => synced("namespaces"),
    }),
    follow({
      ...common,
      path: "/api/v1/services",
      progress: watched.watch("services"),
      read: readService,
      set: (service) => services.set(service),
      remove: (name) => services.remove(placed(name)),
      synced: () => services.synced("services"),
    }),
    follow({
      ...common,
      path: "/apis/discovery.k8s.io/v1/endpointslices",
      progress: watched.watch("endpointslices"),
      // Those of services with a selector say nothing that the selector does not.
      labels:
        "endpointslice.kubernetes.io/managed-by!=endpointslice-controller.k8s.io",
      read: readSlice,
      set: (slice) => services.setSlice(slice),
      remove: (name) => services.removeSlice(placed(name)),
      synced: () => services.synced("slices"),
    }),
    followPolicies({
      ...common,
      watched,
      set(policy) {
        cluster.setPolicy(policy);
        reporter.setPolicy(policy);
      },
      remove(name) {
        cluster.deletePolicy(name);
        reporter.deletePolicy(name);
      },
      pruned(policy) {
        if (!options.isLeader()) return;
        void events.warn(
          { ...policy, apiVersion: apiVersionOf(policy.kind) },
          "Ignored",
          `Parley ignores this ${policy.kind}: this cluster's definition of it drops l7proto, which makes an L7 rule a plain allow; write a ParleyPolicy or ParleyClusterPolicy instead`,
        );
      },
      synced: () => synced("policies"),
    }),
  ]);
}

function placed({ namespace = "", name }: Named): ObjectName {
  return { namespace, name };
}
