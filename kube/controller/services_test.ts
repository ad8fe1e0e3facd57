/** Services, whose addresses may come before them, after them, or not at all. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { ServiceFacts } from "./cluster/facts.ts";
import { Services } from "./services.ts";

const DB = { namespace: "fleet", name: "db", labels: {} };
const SLICE = {
  namespace: "fleet",
  name: "db-1",
  service: "db",
  addresses: ["192.0.2.2", "192.0.2.1"],
};

function world() {
  const known = new Map<string, ServiceFacts>();
  let synced = 0;
  const services = new Services({
    setService: (service) => known.set(service.name, service),
    deleteService: ({ name }) => known.delete(name),
  }, () => synced++);
  return { services, known, synced: () => synced };
}

const ORDERS: readonly (readonly [
  name: string,
  act: (services: Services) => void,
  wanted: ServiceFacts | undefined,
])[] = [
  ["addresses that come after their service", (services) => {
    services.set(DB);
    services.setSlice(SLICE);
  }, { ...DB, addresses: ["192.0.2.1", "192.0.2.2"] }],
  ["addresses that come before it", (services) => {
    services.setSlice(SLICE);
    services.set(DB);
  }, { ...DB, addresses: ["192.0.2.1", "192.0.2.2"] }],
  ["addresses of several slices, each once", (services) => {
    services.set(DB);
    services.setSlice(SLICE);
    services.setSlice({
      ...SLICE,
      name: "db-2",
      addresses: ["192.0.2.2", "192.0.2.3"],
    });
  }, { ...DB, addresses: ["192.0.2.1", "192.0.2.2", "192.0.2.3"] }],
  ["addresses that are gone", (services) => {
    services.set(DB);
    services.setSlice(SLICE);
    services.removeSlice(SLICE);
  }, DB],
  ["a slice that goes to another service", (services) => {
    services.set(DB);
    services.setSlice(SLICE);
    services.setSlice({ ...SLICE, service: "cache" });
  }, DB],
  ["a service with a selector, which says who is behind it", (services) => {
    services.set({ ...DB, selector: { app: "db" } });
    services.setSlice(SLICE);
  }, { ...DB, selector: { app: "db" } }],
  ["a service that is gone", (services) => {
    services.set(DB);
    services.remove(DB);
    services.setSlice(SLICE);
  }, undefined],
];

for (const [name, act, wanted] of ORDERS) {
  Deno.test(`Services: ${name}`, () => {
    const { services, known } = world();
    act(services);
    assertEquals(known.get("db"), wanted);
  });
}

Deno.test("Services: both kinds of objects are waited for, once", () => {
  const { services, synced } = world();
  services.synced("slices");
  assertEquals(synced(), 0);
  services.synced("services");
  services.synced("services");
  assertEquals(synced(), 1);
});
