/**
 * One node of a cluster: a bridge, with pods and clients on it, each in a
 * network namespace of its own.
 *
 * ```text
 *   node 10.83.0.1 ── bridge ─┬─ pod    10.83.2.1
 *   (the kubelet asks         ├─ pod    10.83.2.2
 *    from here)               └─ client 10.83.1.1
 * ```
 *
 * All goes with its block; what a killed run left behind, the next one removes.
 *
 * @module
 */
import type { Store } from "../container/store.ts";
import { poll } from "../e2e/wait.ts";
import { Host } from "../hosts/host.ts";
import type { Tool } from "../setup/mod.ts";
import { output } from "../setup/tool.ts";
import type { Manifest } from "./manifest.ts";
import { Place } from "./place.ts";
import { RunningPod } from "./running_pod.ts";
import type { ConfigMaps } from "./volumes.ts";

let made = 0;

/** An address of each family; the last two parts say whose. */
const addresses = (kind: number, number: number) => ({
  v4: `10.83.${kind}.${number}`,
  v6: `fd00:83::${kind}:${number}`,
});
const CLIENTS = 1;
const PODS = 2;

export class Node implements AsyncDisposable {
  readonly #host: Host;
  readonly #hosts: Host[] = [];
  readonly #pods: RunningPod[] = [];
  #folder = "";
  #place: Place | undefined;
  #clients = 0;
  #podsMade = 0;

  private constructor(
    private readonly ip: Tool,
    private readonly store: Store,
    private readonly prefix: string,
  ) {
    this.#host = new Host(ip, `${prefix}-node`, addresses(0, 1));
  }

  static async start(ip: Tool, store: Store): Promise<Node> {
    const node = new Node(ip, store, `parley-${Deno.pid}-${++made}`);
    try {
      await node.#sweep();
      await node.#build();
      return node;
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A machine that is no pod of ours, from which connections come. */
  async client(): Promise<Place> {
    const number = ++this.#clients;
    const namespace = `${this.prefix}-client-${number}`;
    await this.#ip("netns", "add", namespace);
    const host = new Host(this.ip, namespace, addresses(CLIENTS, number));
    this.#hosts.push(host);
    await this.#wire(host);
    return await Place.open(host, this.#folder);
  }

  /**
   * Runs a pod; it is ready when this resolves, or has been started if it is to
   * end by itself.
   */
  async run(
    manifest: Manifest,
    configMaps: ConfigMaps = {},
  ): Promise<RunningPod> {
    const number = ++this.#podsMade;
    const name = `${this.prefix}-pod-${number}`;
    const host = new Host(this.ip, name, addresses(PODS, number));
    const folder = `${this.#folder}/${name}`;
    await Deno.mkdir(folder);
    const pod = new RunningPod(this.store, this.#place!, {
      name,
      folder,
      manifest,
      address: host.address,
    });
    this.#pods.push(pod);
    const pid = await pod.create(configMaps);
    await this.#ip("netns", "attach", name, `${pid}`);
    this.#hosts.push(host);
    await this.#wire(host);
    await pod.start();
    return pod;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = [
      ...await Promise.allSettled(
        this.#pods.map((pod) => pod[Symbol.asyncDispose]()),
      ),
      ...await Promise.allSettled(
        [...this.#hosts, this.#host].map((host) => host.stop()),
      ),
    ];
    for (const { namespace } of [...this.#hosts, this.#host]) {
      await this.#ip("netns", "del", namespace).catch(() => {});
    }
    if (this.#folder) await Deno.remove(this.#folder, { recursive: true });
    for (const one of ended) if (one.status === "rejected") throw one.reason;
  }

  async #build(): Promise<void> {
    this.#folder = await Deno.makeTempDir({ prefix: "parley-node-" });
    await Deno.chmod(this.#folder, 0o755); // users of containers look in
    const { namespace, address } = this.#host;
    await this.#ip("netns", "add", namespace);
    await this.#host.output("sh", ["-c", NO_WAITING]);
    await this.#in(namespace, [
      "link set lo up",
      "link add bridge type bridge",
      `address add ${address.v4}/16 dev bridge`,
      `address add ${address.v6}/64 dev bridge nodad`,
      "link set bridge up",
    ]);
    this.#place = await Place.open(this.#host, this.#folder);
  }

  /** Puts a host on the bridge. */
  async #wire(host: Host): Promise<void> {
    const { namespace, address } = host;
    await host.output("sh", ["-c", NO_WAITING]);
    const port = namespace.slice(this.prefix.length + 1);
    const link = `link add name eth0 netns ${namespace} type veth ` +
      `peer name ${port} netns ${this.#host.namespace}`;
    await this.#ip(...link.split(" "));
    await this.#in(this.#host.namespace, [
      `link set ${port} master bridge`,
      `link set ${port} up`,
    ]);
    await this.#in(namespace, [
      "link set lo up",
      `address add ${address.v4}/16 dev eth0`,
      `address add ${address.v6}/64 dev eth0 nodad`,
      "link set eth0 up",
      `route add default via ${this.#host.address.v4}`,
      `-6 route add default via ${this.#host.address.v6}`,
    ]);
    // An interface that was just switched on loses packets until the kernel has seen to it.
    await poll(async () => {
      const up = await this.#ip("-n", namespace, "link", "show", "eth0");
      return up.includes(" state UP ") || undefined;
    }, () => `carrier of ${namespace}`);
  }

  async #in(namespace: string, commands: readonly string[]): Promise<void> {
    for (const command of commands) {
      await this.#ip("-n", namespace, ...command.split(" "));
    }
  }

  /** Pods and namespaces of runs whose process is gone. */
  async #sweep(): Promise<void> {
    const format = ["--format", "{{.Name}}"];
    const pods = await this.store.podman("pod", "ls", ...format);
    const gone = async (pid: string) =>
      !await Deno.stat(`/proc/${pid}`).catch(() => undefined);
    for (const [name, pid] of pods.matchAll(/^parley-(\d+)-\S+/gm)) {
      if (!await gone(pid!)) continue;
      await this.store.podman("pod", "rm", "--force", name).catch(() => {});
    }
    const namespaces = await this.#ip("netns", "list");
    for (const [name, pid] of namespaces.matchAll(/^parley-(\d+)-\S+/gm)) {
      if (await gone(pid!)) {
        await this.#ip("netns", "del", name).catch(() => {});
      }
    }
  }

  #ip(...args: readonly string[]): Promise<string> {
    return output(this.ip.command, args);
  }
}

/** IPv6 asks for a second whether an address is taken, the link's own too, and is silent meanwhile. */
const NO_WAITING = "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad";
