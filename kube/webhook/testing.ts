/**
 * What the webhook's tests share: reviews, a log, and an API server of two
 * objects that stands in where the real one (tests/kube) is not needed.
 *
 * @module
 */
import { KubeClient } from "../client/client.ts";
import { DEFINITIONS_PATH } from "../controller/kinds.ts";
import { podWith } from "../inject/testing.ts";
import { type Operation, pointerKeys } from "../inject/patch.ts";
import { OBJECT_NAME } from "./keeper.ts";

/** A review of a pod, as the API server sends it. */
export function reviewOf(
  object: unknown,
  request: object = {},
): Record<string, unknown> {
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "0b9c7f3e",
      kind: { group: "", version: "v1", kind: "Pod" },
      resource: { group: "", version: "v1", resource: "pods" },
      namespace: "fleet",
      operation: "CREATE",
      object,
      ...request,
    },
  };
}

/** One that is injected. */
export const REVIEW = reviewOf(podWith({ "parley.dev/ports": "11211" }));

/** A log that keeps its lines. */
export function createLog() {
  const lines: string[] = [];
  const keep = (level: string) => (message: string) => {
    lines.push(`${level}: ${message}`);
  };
  return {
    lines,
    info: keep("info"),
    warn: keep("warn"),
    error: keep("error"),
  };
}

interface Stored {
  metadata: { resourceVersion: string };
  [key: string]: unknown;
}

/** A Secret and a configuration behind HTTP, with versions that are checked. */
export class StandIn implements AsyncDisposable {
  readonly client: KubeClient;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #objects: Map<string, Stored>;
  #version = 1;

  constructor() {
    const metadata = () => ({ resourceVersion: `${this.#version++}` });
    this.#objects = new Map([
      [SECRET, { metadata: metadata(), data: {} }],
      [CONFIGURATION, {
        metadata: metadata(),
        webhooks: [{ name: "a", clientConfig: {} }, {
          name: "b",
          clientConfig: {},
        }],
      }],
      [VALIDATION, {
        metadata: metadata(),
        webhooks: [{ name: "c", clientConfig: {} }],
      }],
    ]);
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => this.#serve(request),
    );
    this.client = new KubeClient({ server: this.url });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** What is to be trusted at each of the configurations' three webhooks. */
  get bundles(): string[] {
    return [CONFIGURATION, VALIDATION].flatMap((path) => {
      const { webhooks } = this.#objects.get(path) as unknown as {
        webhooks: { clientConfig: { caBundle?: string } }[];
      };
      return webhooks.map(({ clientConfig }) =>
        atob(clientConfig.caBundle ?? "")
      );
    });
  }

  /** Somebody overwrites it. */
  overwriteBundle(text: string): void {
    const stored = this.#objects.get(CONFIGURATION)!;
    const [first] = stored.webhooks as { clientConfig: object }[];
    first!.clientConfig = { caBundle: btoa(text) };
    stored.metadata.resourceVersion = `${this.#version++}`;
  }

  get secret(): Record<string, string> {
    return this.#objects.get(SECRET)!.data as Record<string, string>;
  }

  async #serve(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/version") {
      return Response.json({ major: "1", minor: "37" });
    }
    if (EMPTY.includes(pathname)) {
      if (searchParams.has("watch")) return new Response("");
      const metadata = { resourceVersion: "1" };
      return Response.json({ apiVersion: "v1", kind: "List", metadata });
    }
    const stored = this.#objects.get(pathname);
    if (!stored) return status(404, `${pathname} is not there`);
    const { resourceVersion } = stored.metadata;
    if (request.method === "PUT") {
      const written: Stored = await request.json();
      const isLate = written.metadata.resourceVersion !== resourceVersion;
      if (isLate) return status(409, "it has changed");
      this.#objects.set(pathname, {
        ...written,
        metadata: { resourceVersion: `${this.#version++}` },
      });
    } else if (request.method === "PATCH") {
      const [test, ...patch] = await request.json();
      if (test.value !== resourceVersion) return status(422, "it has changed");
      for (
        const { path, value } of patch as (Operation & { value: unknown })[]
      ) {
        const keys = pointerKeys(path);
        const last = keys.pop()!;
        const parent = keys.reduce(
          (value, key) => (value as Record<string, unknown>)[key],
          stored as unknown,
        );
        (parent as Record<string, unknown>)[last] = value;
      }
      stored.metadata.resourceVersion = `${this.#version++}`;
    }
    return Response.json(this.#objects.get(pathname));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.#server.shutdown();
  }
}

/** Collections of which there is nothing, and nothing changes. */
const EMPTY = ["/api/v1/namespaces", DEFINITIONS_PATH];
const SECRET = `/api/v1/namespaces/parley-system/secrets/${OBJECT_NAME}`;
const CONFIGURATION =
  `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${OBJECT_NAME}`;
const VALIDATION = CONFIGURATION.replace("mutating", "validating");

function status(code: number, message: string): Response {
  return Response.json({ kind: "Status", code, message }, { status: code });
}

/** Asks a webhook; what it answers. @throws when its certificate is not trusted */
export async function ask(
  port: number,
  ca: string,
  body: BodyInit,
  path = "/inject",
): Promise<{ status: number; body: string }> {
  using client = Deno.createHttpClient({ caCerts: [ca] });
  const response = await fetch(`https://127.0.0.1:${port}${path}`, {
    client,
    method: "POST",
    body,
    signal: AbortSignal.timeout(60_000),
  });
  return { status: response.status, body: await response.text() };
}
