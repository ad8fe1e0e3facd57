/**
 * The little that is asked of the Kubernetes API: objects by their paths.
 *
 * @module
 */
import type { z } from "zod";
import type { Operation } from "../inject/patch.ts";
import type { Access } from "./access.ts";

/** How long one request may take. */
const PATIENCE_MS = 10_000;

/** The API server's refusal, in its own words. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  /** The HTTP status: 404 is not there, 409 has changed since it was read. */
  readonly status: number;

  constructor(what: string, status: number, message: string) {
    super(`${what}: ${message || `HTTP ${status}`}`);
    this.status = status;
  }
}

/** A JSON patch may begin with a condition: the value that it was made of. */
type Test = {
  readonly op: "test";
  readonly path: string;
  readonly value: unknown;
};

export class KubeClient implements Disposable {
  readonly #access: Access;
  readonly #http: Deno.HttpClient;

  constructor(access: Access) {
    this.#access = access;
    this.#http = Deno.createHttpClient({
      ...(access.ca === undefined ? {} : { caCerts: [access.ca] }),
      ...access.certificate,
    });
  }

  /** @throws {KubeError} when it is refused, and others when it cannot be asked */
  async get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(await this.#send("GET", path));
  }

  /** Makes an object. @throws {KubeError} 409 if one of its name is there */
  async create(path: string, object: object): Promise<unknown> {
    return await this.#send("POST", path, "application/json", object);
  }

  /** Replaces an object; with its `resourceVersion`, only if it is still that one. */
  async replace(path: string, object: object): Promise<void> {
    await this.#send("PUT", path, "application/json", object);
  }

  async patch(
    path: string,
    operations: readonly (Operation | Test)[],
  ): Promise<void> {
    await this.#send("PATCH", path, "application/json-patch+json", operations);
  }

  /** Changes the members of an object that are named; `null` takes one away. */
  async merge(path: string, members: object): Promise<void> {
    await this.#send("PATCH", path, "application/merge-patch+json", members);
  }

  /** An answer that goes on for long, as text. @throws {KubeError} when it is refused */
  async stream(
    path: string,
    signal: AbortSignal,
  ): Promise<ReadableStream<string>> {
    const response = await this.#fetch("GET", path, { signal });
    if (!response.ok) throw await refusalOf("GET", path, response);
    return response.body!.pipeThrough(new TextDecoderStream());
  }

  async #send(
    method: string,
    path: string,
    type?: string,
    body?: unknown,
  ): Promise<unknown> {
    const response = await this.#fetch(method, path, {
      ...(type === undefined ? {} : { headers: { "content-type": type } }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (response.ok) return await response.json();
    throw await refusalOf(method, path, response);
  }

  async #fetch(
    method: string,
    path: string,
    init: RequestInit,
  ): Promise<Response> {
    const { server, token } = this.#access;
    return await fetch(server + path, {
      ...init,
      method,
      client: this.#http,
      headers: {
        accept: "application/json",
        ...init.headers,
        ...(token ? { authorization: `Bearer ${await token()}` } : {}),
      },
      redirect: "error", // a token goes to nobody else
    });
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }
}

async function refusalOf(
  method: string,
  path: string,
  response: Response,
): Promise<KubeError> {
  const message = messageOf(await response.text());
  return new KubeError(`${method} ${path}`, response.status, message);
}

/** What a `Status` object says; nothing of what is none. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text);
    return typeof message === "string" ? message : "";
  } catch {
    return "";
  }
}
