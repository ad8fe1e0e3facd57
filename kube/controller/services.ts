/**
 * Services, put together of two kinds of objects: those that have no selector
 * have their addresses in EndpointSlices.
 *
 * @module
 */
import type { Cluster } from "./cluster/cluster.ts";
import type { ObjectName, ServiceFacts } from "./cluster/facts.ts";
import type { Slice } from "./read_objects.ts";

export class Services {
  readonly #cluster: Pick<Cluster, "setService" | "deleteService">;
  readonly #synced: () => void;
  readonly #services = new Map<string, ServiceFacts>();
  /** By service, and by their own names. */
  readonly #slices = new Map<string, Map<string, Slice>>();
  readonly #serviceOf = new Map<string, string>();
  readonly #waiting = new Set(["services", "slices"]);

  /** @param synced called once both kinds are known */
  constructor(
    cluster: Pick<Cluster, "setService" | "deleteService">,
    synced: () => void,
  ) {
    this.#cluster = cluster;
    this.#synced = synced;
  }

  set(service: ServiceFacts): void {
    this.#services.set(keyOf(service), service);
    this.#tell(keyOf(service));
  }

  remove(name: ObjectName): void {
    this.#services.delete(keyOf(name));
    this.#cluster.deleteService(name);
  }

  setSlice(slice: Slice): void {
    this.removeSlice(slice);
    const service = keyOf({ ...slice, name: slice.service });
    const slices = this.#slices.get(service) ?? new Map<string, Slice>();
    slices.set(slice.name, slice);
    this.#slices.set(service, slices);
    this.#serviceOf.set(keyOf(slice), service);
    this.#tell(service);
  }

  removeSlice(name: ObjectName): void {
    const service = this.#serviceOf.get(keyOf(name));
    if (service === undefined) return;
    this.#serviceOf.delete(keyOf(name));
    const slices = this.#slices.get(service)!;
    slices.delete(name.name);
    if (slices.size === 0) this.#slices.delete(service);
    this.#tell(service);
  }

  synced(kind: "services" | "slices"): void {
    if (this.#waiting.delete(kind) && this.#waiting.size === 0) this.#synced();
  }

  #tell(key: string): void {
    const service = this.#services.get(key);
    if (!service) return;
    const isSelecting = Object.keys(service.selector ?? {}).length > 0;
    const slices = isSelecting ? [] : this.#slices.get(key)?.values() ?? [];
    const addresses = [...slices].flatMap(({ addresses }) => addresses);
    this.#cluster.setService(
      addresses.length > 0
        ? { ...service, addresses: [...new Set(addresses)].sort() }
        : service,
    );
  }
}

function keyOf({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`;
}
