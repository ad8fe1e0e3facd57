/**
 * What the tests of real pods share: images, a node, and clients on it.
 *
 * @module
 */
import { imageOf, parleyImage } from "../container/images.ts";
import { containerTools, Store } from "../container/store.ts";
import { hostTools } from "../hosts/programs.ts";
import { iproute, memcachedServer, nftables, type Tool } from "../setup/mod.ts";
import {
  type Identity,
  injected,
  type Manifest,
  type Probe,
} from "./manifest.ts";
import { Node } from "./node.ts";
import type { Place } from "./place.ts";

const { namespaces } = await hostTools();

/** What every test of a pod needs, by name. */
export const STAGE_NEEDS = {
  ...await containerTools(),
  namespaces,
  nft: await nftables(),
  ip: await iproute(),
  memcached: await memcachedServer(),
};

type Tools = Readonly<Record<keyof typeof STAGE_NEEDS, Tool>>;

/** The workload's user. */
const UID = 11211;

export class Stage implements AsyncDisposable {
  private constructor(
    readonly store: Store,
    readonly node: Node,
    /** Of the sidecar. */
    readonly image: string,
    /** Of memcached. */
    readonly memcached: string,
  ) {}

  static async open(tools: Tools): Promise<Stage> {
    const store = await Store.open(tools.podman);
    try {
      const image = await parleyImage(store, tools);
      const { memcached, busybox } = tools;
      const cache = await imageOf(store, "memcached", [memcached], busybox);
      const node = await Node.start(tools.namespaces, store);
      return new Stage(store, node, image, cache);
    } catch (error) {
      await store[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A memcached as its author writes it; `spec` is of the pod, `container` of its container. */
  cache(
    annotations: Readonly<Record<string, string>>,
    { labels = { app: "memcached" }, spec = {}, container = {}, args = [] }: {
      readonly labels?: Readonly<Record<string, string>>;
      readonly spec?: object;
      readonly container?: object;
      readonly args?: readonly string[];
    } = {},
  ): Manifest {
    const probe = { tcpSocket: { port: 11211 } } as Probe;
    return {
      metadata: { name: "cache-0", namespace: "default", labels, annotations },
      spec: {
        containers: [{
          name: "memcached",
          image: this.memcached,
          command: ["memcached", "-U", "0", "-vv", ...args],
          securityContext: { runAsUser: UID, runAsGroup: UID },
          readinessProbe: probe,
          ...container,
        }],
        ...spec,
      },
    };
  }

  /** A pod with its sidecar. */
  injected(pod: Manifest, identities: readonly Identity[] = []): Manifest {
    return injected(pod, this.image, identities);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }
}

/** Clients as pods with a label each. */
export function identitiesOf(
  clients: Readonly<Record<string, Place>>,
  key = "app",
): Identity[] {
  return Object.entries(clients).flatMap(([value, { addresses }]) =>
    [`${addresses.v4}/32`, `${addresses.v6}/128`].map((cidr) => ({
      cidr,
      labels: { [key]: value },
      namespace: "default",
    }))
  );
}
