/**
 * Three machines in a row, as network namespaces:
 *
 * ```text
 * client ──── workload ──── server
 *     .2    .1        .1    .2
 *     10.81.1.0/24    10.81.2.0/24
 *     fd00:81:1::/64  fd00:81:2::/64
 * ```
 *
 * The workload routes between the others. All goes with its block; what a
 * killed run left behind, the next one removes.
 *
 * @module
 */
import type { Tool } from "../setup/mod.ts";
import { output } from "../setup/tool.ts";
import { Host } from "./host.ts";
import { poll } from "../e2e/wait.ts";

let made = 0;

/** The three machines. */
export class Hosts implements AsyncDisposable {
  readonly client: Host;
  readonly workload: Host;
  readonly server: Host;

  private constructor(private readonly ip: Tool, prefix: string) {
    const host = (name: string, v4: string, v6: string) =>
      new Host(ip, `${prefix}-${name}`, { v4, v6 });
    this.client = host("client", "10.81.1.2", "fd00:81:1::2");
    this.workload = host("workload", "10.81.1.1", "fd00:81:1::1");
    this.server = host("server", "10.81.2.2", "fd00:81:2::2");
  }

  static async start(ip: Tool): Promise<Hosts> {
    const hosts = new Hosts(ip, `parley-${Deno.pid}-${++made}`);
    try {
      await hosts.#sweep();
      await hosts.#build();
      return hosts;
    } catch (error) {
      await hosts[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#all().map((host) => host.stop()));
    for (const { namespace } of this.#all()) {
      await this.#ip(["netns", "del", namespace]).catch(() => {});
    }
  }

  async #build(): Promise<void> {
    for (const host of this.#all()) {
      await this.#ip(["netns", "add", host.namespace]);
      await host.output("sh", ["-c", NO_WAITING]);
    }
    const { client, workload, server } = this;
    await this.#wire(client, "to-workload", workload, "to-client", 1);
    await this.#wire(server, "to-workload", workload, "to-server", 2);
    for (const host of this.#all()) await this.#carrier(host);
    await workload.output("sh", ["-c", FORWARD]);
  }

  /** A wire between two, with `.2` and `.1` at its ends; the first sends all that is not its own there. */
  async #wire(
    { namespace: outer }: Host,
    outerEnd: string,
    { namespace: inner }: Host,
    innerEnd: string,
    net: number,
  ): Promise<void> {
    const link = `name ${outerEnd} netns ${outer} type veth ` +
      `peer name ${innerEnd} netns ${inner}`;
    await this.#ip(["link", "add", ...link.split(" ")]);
    await this.#commands(outer, [
      "link set lo up",
      `address add 10.81.${net}.2/24 dev ${outerEnd}`,
      `address add fd00:81:${net}::2/64 dev ${outerEnd} nodad`,
      `link set ${outerEnd} up`,
    ]);
    await this.#commands(inner, [
      "link set lo up",
      `address add 10.81.${net}.1/24 dev ${innerEnd}`,
      `address add fd00:81:${net}::1/64 dev ${innerEnd} nodad`,
      `link set ${innerEnd} up`,
    ]);
    await this.#commands(outer, [
      `route add default via 10.81.${net}.1`,
      `-6 route add default via fd00:81:${net}::1`,
    ]);
  }

  /** An interface that was just switched on loses packets until the kernel has seen to it. */
  async #carrier({ namespace }: Host): Promise<void> {
    const args = ["-n", namespace, "-oneline", "link", "show", "type", "veth"];
    await poll(async () => {
      const links = (await this.#ip(args)).trim().split("\n");
      return links.every((link) => link.includes(" state UP ")) || undefined;
    }, () => "carrier");
  }

  async #commands(namespace: string, commands: string[]): Promise<void> {
    for (const command of commands) {
      await this.#ip(["-n", namespace, ...command.split(" ")]);
    }
  }

  /** Namespaces of runs whose process is gone. */
  async #sweep(): Promise<void> {
    const listed = await this.#ip(["netns", "list"]);
    for (const [name, pid] of listed.matchAll(/^parley-(\d+)-\S+/gm)) {
      if (await Deno.stat(`/proc/${pid}`).catch(() => undefined)) continue;
      await this.#ip(["netns", "del", name]).catch(() => {});
    }
  }

  #ip(args: readonly string[]): Promise<string> {
    return output(this.ip.command, args);
  }

  #all(): readonly Host[] {
    return [this.client, this.workload, this.server];
  }
}

/** IPv6 asks for a second whether an address is taken, the link's own too, and is silent meanwhile. */
const NO_WAITING = "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad";
/** Each namespace has settings of its own. */
const FORWARD = `echo 1 > /proc/sys/net/ipv4/ip_forward &&
  echo 1 > /proc/sys/net/ipv6/conf/all/forwarding`;
