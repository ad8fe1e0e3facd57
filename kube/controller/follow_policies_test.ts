/** Policies of a kind whose definition changes: none goes out of force for that. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { poll } from "../../tests/e2e/wait.ts";
import { KubeClient } from "../client/client.ts";
import { followPolicies } from "./follow_policies.ts";
import { collectionPath, definitionName, DEFINITIONS_PATH } from "./kinds.ts";

const KIND = "CiliumNetworkPolicy";

/** An API server of one kind of policy. */
class StandIn implements AsyncDisposable {
  readonly client: KubeClient;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #watches = new Set<ReadableStreamDefaultController<string>>();
  policies = ["a", "b"];
  keepsL7 = true;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      ({ url }) => this.#serve(new URL(url)),
    );
    this.client = new KubeClient({
      server: `http://127.0.0.1:${this.#server.addr.port}`,
    });
  }

  /** Somebody is told when the definition changes. */
  get isWatched(): boolean {
    return this.#watches.size > 0;
  }

  /** Another definition of the kind, which watchers are told of. */
  define(keepsL7: boolean): void {
    this.keepsL7 = keepsL7;
    const event = { type: "MODIFIED", object: this.#definition };
    for (const watch of this.#watches) {
      watch.enqueue(`${JSON.stringify(event)}\n`);
    }
  }

  get #definition(): object {
    const schema = this.keepsL7
      ? { "x-kubernetes-preserve-unknown-fields": true }
      : { properties: { spec: {} } };
    return {
      metadata: { name: definitionName(KIND), resourceVersion: "2" },
      spec: {
        versions: [{
          name: "v2",
          served: true,
          schema: { openAPIV3Schema: schema },
        }],
      },
      status: { conditions: [{ type: "Established", status: "True" }] },
    };
  }

  #serve({ pathname, searchParams }: URL): Response {
    const isDefinition = pathname === DEFINITIONS_PATH &&
      searchParams.get("fieldSelector") ===
        `metadata.name=${definitionName(KIND)}`;
    if (searchParams.has("watch")) return this.#watch(isDefinition);
    const items = isDefinition
      ? [this.#definition]
      : pathname === collectionPath(KIND)
      ? this.policies.map((name) => ({
        metadata: { name, namespace: "fleet", resourceVersion: "1" },
        spec: {},
      }))
      : [];
    const metadata = { resourceVersion: "1" };
    return Response.json({ apiVersion: "v1", kind: "List", metadata, items });
  }

  #watch(isDefinition: boolean): Response {
    let own: ReadableStreamDefaultController<string>;
    const stream = new ReadableStream<string>({
      start: (controller) => {
        own = controller;
        if (isDefinition) this.#watches.add(own);
      },
      cancel: () => void this.#watches.delete(own),
    });
    return new Response(stream.pipeThrough(new TextEncoderStream()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.#server.shutdown();
  }
}

Deno.test("policies that were whole stay in force when their kind loses l7proto, until they are deleted", async () => {
  await using api = new StandIn();
  const stop = new AbortController();
  const inForce = new Set<string>();
  const ignored: string[] = [];
  const following = followPolicies({
    client: api.client,
    set: ({ name }) => inForce.add(name),
    remove: ({ name }) => inForce.delete(name),
    pruned: ({ name }) => ignored.push(name),
    synced() {},
    log: { info() {}, warn() {} },
    signal: stop.signal,
  });
  const until = (is: () => boolean) =>
    poll(() => is() || undefined, () => [...inForce].join());
  try {
    await until(() => inForce.size === 2 && api.isWatched);
    api.policies = ["b", "c"];
    api.define(false);
    await until(() => ignored.includes("c") && !inForce.has("a"));
    assertEquals([...inForce], ["b"]);
    api.policies = ["c"];
    api.define(true);
    await until(() => inForce.has("c") && !inForce.has("b"));
  } finally {
    stop.abort();
    await following;
  }
});
