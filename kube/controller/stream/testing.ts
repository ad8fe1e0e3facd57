/**
 * What the tests of streams share: a small cluster, a server before it, and a
 * client that reads line by line.
 *
 * @module
 */
import {
  createGeneration,
  type Generation,
} from "../../webhook/certificate.ts";
import { createLog } from "../../webhook/testing.ts";
import { Cluster } from "../cluster/cluster.ts";
import type { PodFacts, PolicyFacts } from "../cluster/facts.ts";
import { Watched } from "../watched.ts";
import {
  type Authentication,
  SidecarServer,
  type SidecarServerOptions,
} from "./server.ts";

export function pod(name: string, more: Partial<PodFacts> = {}): PodFacts {
  return {
    namespace: "default",
    name,
    uid: `uid-of-${name}`,
    labels: { app: name },
    ips: [],
    annotations: {},
    isInjected: true,
    ...more,
  };
}

/** Lets pods labelled so in to pod a, at a port. */
export function policy(
  from: Record<string, string>,
  more: Partial<PolicyFacts> & { readonly port?: string } = {},
): PolicyFacts {
  const { port = "1", ...rest } = more;
  return {
    kind: "ParleyPolicy",
    namespace: "default",
    name: "in",
    uid: "1",
    generation: 1,
    document: {
      spec: {
        endpointSelector: { matchLabels: { app: "a" } },
        ingress: [{
          fromEndpoints: [{ matchLabels: from }],
          toPorts: [{ ports: [{ port, protocol: "TCP" }] }],
        }],
      },
    },
    ...rest,
  };
}

/** Pods a, b and c; b is let in to a. */
export function smallCluster(): Cluster {
  const cluster = new Cluster();
  cluster.setNamespace({ name: "default", labels: {} });
  cluster.setPod(pod("a", { ips: ["10.0.0.1"] }));
  cluster.setPod(pod("b", { ips: ["10.0.0.2"] }));
  cluster.setPod(pod("c", { ips: ["10.0.0.3"] }));
  cluster.setPolicy(policy({ app: "b" }));
  return cluster;
}

export function sync(cluster: Cluster): Cluster {
  for (const kind of ["pods", "namespaces", "services", "policies"] as const) {
    cluster.markSynced(kind);
  }
  return cluster;
}

/** What a replica serves by that has followed pods up to a version. */
export function replica(cluster: Cluster, version: string) {
  const watched = new Watched();
  const pods = watched.watch("pods");
  const follow = (version: string) => {
    pods.reads(version);
    pods.has(version);
  };
  follow(version);
  return { cluster, watched, follow };
}

/** A server whose tokens are told by hand: `token-of-NAME` is that of a pod. */
export class Field implements AsyncDisposable {
  readonly log = createLog();
  /** Tokens that are refused, with why. */
  readonly refused = new Map<string, string>();
  /** What the API server is asked. */
  readonly asked: string[] = [];
  isApiServerAway = false;
  /** The server's clock, in milliseconds. */
  now = 0;
  readonly watched = new Watched(() => this.now);

  private constructor(
    readonly cluster: Cluster,
    readonly generation: Generation,
    readonly folder: string,
  ) {}

  server!: SidecarServer;
  url = "";

  get port(): number {
    return Number(new URL(this.url).port);
  }

  static async open(
    cluster: Cluster,
    options: Partial<SidecarServerOptions> = {},
  ): Promise<Field> {
    const generation = await createGeneration(["127.0.0.1"], 3_600_000);
    const folder = await Deno.makeTempDir();
    const field = new Field(cluster, generation, folder);
    await Deno.writeTextFile(`${folder}/ca.pem`, generation.ca);
    await field.listen(0, options);
    return field;
  }

  async listen(
    port: number,
    options: Partial<SidecarServerOptions> = {},
  ): Promise<void> {
    this.server = await SidecarServer.listen({
      cluster: this.cluster,
      watched: this.watched,
      authenticate: (token) => this.#authenticate(token),
      credentials: this.generation,
      hostname: "127.0.0.1",
      port,
      log: this.log,
      ...options,
    });
    this.url = `https://127.0.0.1:${this.server.port}`;
  }

  /** Ends the server; {@linkcode listen} begins another one. */
  async hangUp(): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }

  #authenticate(token: string): Promise<Authentication> {
    this.asked.push(token);
    if (this.isApiServerAway) return Promise.reject(new Error("no answer"));
    const refused = this.refused.get(token);
    const [, name] = /^token-of-(.+)$/.exec(token) ?? [];
    if (refused || !name) {
      return Promise.resolve({ refused: refused ?? "nobody's" });
    }
    return Promise.resolve({
      namespace: "default",
      pod: name,
      uid: `uid-of-${name}`,
    });
  }

  /** Asks for a stream. */
  async ask(
    name: string,
    headers: Record<string, string> = {},
    init: RequestInit & { readonly path?: string } = {},
  ): Promise<Client> {
    const { path = "/v1/sidecar", ...rest } = init;
    const http = Deno.createHttpClient({ caCerts: [this.generation.ca] });
    try {
      const response = await fetch(this.url + path, {
        client: http,
        headers: { authorization: `Bearer token-of-${name}`, ...headers },
        signal: AbortSignal.timeout(60_000),
        ...rest,
      });
      return new Client(response, http);
    } catch (error) {
      http.close();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** One answer, read line by line. */
export class Client implements AsyncDisposable {
  readonly #http: Deno.HttpClient;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #lines: string[] = [];
  #rest = "";
  /** What ended the last batch. */
  synced: unknown;

  constructor(readonly response: Response, http: Deno.HttpClient) {
    this.#http = http;
    this.#reader = response.body!.getReader();
  }

  get status(): number {
    return this.response.status;
  }

  /** The next line that says something; nothing at the end. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const line = this.#lines.shift();
      if (line) return line;
      if (line === "") continue;
      const { value, done } = await this.#reader.read();
      if (done) {
        const rest = this.#rest; // of an answer that is no stream
        this.#rest = "";
        return rest || undefined;
      }
      const text = this.#rest + this.#decoder.decode(value, { stream: true });
      this.#lines = text.split("\n");
      this.#rest = this.#lines.pop()!;
    }
  }

  /** Events up to a `synced`, as what and of whom. */
  async batch(): Promise<string[]> {
    const events: string[] = [];
    for (;;) {
      const line = await this.line();
      if (line === undefined) return [...events, "end"];
      const { event, cidr, id, name } = JSON.parse(line);
      if (event === "synced") {
        this.synced = JSON.parse(line);
        return events;
      }
      events.push([event, cidr ?? id ?? name].filter(Boolean).join(" "));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel().catch(() => {}); // it was broken off
    this.#http.close();
  }
}
