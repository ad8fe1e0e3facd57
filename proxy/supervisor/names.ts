/**
 * Upstreams that are configured by name: workers have no resolver, so the
 * supervisor resolves for them, again and again.
 *
 * @module
 */
import { parseAddress } from "../../policy/cidr.ts";
import { canonical, type Lease } from "../../policy/dns_cache.ts";
import { normalizeName } from "../../policy/dns_name.ts";
import type { ListenerConfig } from "../config/mod.ts";
import { thrownText } from "../thrown.ts";

/** Names are resolved again so often. */
export const RESOLVE_MS = 10_000;

/** Addresses by name. */
export type Names = Readonly<Record<string, readonly string[]>>;

/** The addresses of a name, as the machine's own resolver finds them. @throws {Error} when it finds none */
export async function lookUp(name: string): Promise<string[]> {
  // Loaded when there is a name to resolve: it costs 7 MB.
  const { lookup } = await import("node:dns/promises");
  const found = await lookup(name, { all: true });
  return found.map(({ address }) => address);
}

/** The names that listeners dial. */
export function namesOf(listeners: readonly ListenerConfig[]): string[] {
  const names = listeners.flatMap(({ upstream }) =>
    upstream !== "original-dst" && upstream.transport === "tcp" &&
      !parseAddress(upstream.hostname)
      ? [upstream.hostname]
      : []
  );
  return [...new Set(names)];
}

/** How long the addresses of a name count for `toFQDNs`: until it is resolved again, and that may be late. */
const COUNTS_MS = 3 * RESOLVE_MS;

/** What names lead to, as an answer of DNS says it. @param now milliseconds since the epoch */
function leasesOfNames(names: Names, now: number): Lease[] {
  return Object.entries(names).flatMap(([name, addresses]) => {
    const normal = normalizeName(name);
    if (normal === undefined) return [];
    return addresses.flatMap((written) => {
      const address = canonical(written);
      return address === undefined
        ? []
        : [{ name: normal, address, until: now + COUNTS_MS }];
    });
  });
}

/** What the upstreams of the listeners are called, and where they are. */
export class UpstreamNames {
  readonly #warn: (message: string) => void;
  #addresses: Names = {};

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /** As they were last found. */
  get addresses(): Names {
    return this.#addresses;
  }

  /**
   * Resolves the names that listeners dial; one that cannot be resolved now
   * keeps the addresses it had.
   *
   * @returns what policies may know of them
   */
  async resolve(listeners: readonly ListenerConfig[]): Promise<Lease[]> {
    const found = await Promise.all(
      namesOf(listeners).map(async (name) =>
        [name, await this.#addressesOf(name)] as const
      ),
    );
    this.#addresses = Object.fromEntries(found);
    return leasesOfNames(this.#addresses, Date.now());
  }

  async #addressesOf(name: string): Promise<readonly string[]> {
    const before = this.#addresses[name];
    try {
      return await lookUp(name);
    } catch (error) {
      if (before === undefined) {
        const why = thrownText(error);
        this.#warn(`the upstream ${name} cannot be resolved: ${why}`);
      }
      return before ?? [];
    }
  }
}
