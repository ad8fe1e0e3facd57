/** A sidecar with files, an upstream and clients of its own, for its tests. There is no test in this file. */
import { ok as assert } from "node:assert/strict";
import { parseConfig } from "./config/mod.ts";
import { Sidecar } from "./sidecar.ts";
import { Client, Upstream, within } from "./transport/harness_test.ts";
import { freePort } from "../tests/free_port.ts";

const BUILT_IN = `${import.meta.dirname}/../parsers`;

/** A policy for the workload of the field; `ingress` is one item of its list. */
function policy(ingress: string): string {
  return `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: droid }
spec:
  endpointSelector: { matchLabels: { app: droid } }
  ingress:
  - ${ingress}
`;
}

export const PASS = policy("fromEntities: [ all ]");
export const DENY = policy("fromEndpoints: [ { matchLabels: { a: b } } ]");
export const READ_ONLY = policy(`fromEntities: [ all ]
    toPorts:
    - ports: [ { port: "4040", protocol: TCP } ]
      rules: { l7proto: r2d2, l7: [ { cmd: READ } ] }`);

/** A folder with all that a sidecar needs, and the sidecar. */
export class Field implements AsyncDisposable {
  readonly upstream = new Upstream();
  l7proto = "r2d2";
  accessLog = "access.log";
  /** The upstream, as the configuration has it. */
  target: string;
  #sidecar: Sidecar | undefined;
  #drained: Promise<void> | undefined;
  #port: number | undefined;
  readonly #messages: string[] = [];
  readonly #warnings: string[] = [];
  readonly #listeners = new Set<(message: string) => void>();

  private constructor(readonly folder: string) {
    const { address } = this.upstream;
    assert(address.transport === "tcp");
    this.target = `127.0.0.1:${address.port}, port: 4040`;
  }

  static async make(): Promise<Field> {
    const folder = await Deno.makeTempDir({ prefix: "parley field " });
    await Deno.mkdir(`${folder}/policies`);
    await Deno.mkdir(`${folder}/parsers`);
    return new Field(folder);
  }

  get sidecar(): Sidecar {
    assert(this.#sidecar);
    return this.#sidecar;
  }

  /** Starts it on a port that is free; `listeners` and `more` are added to the configuration. */
  async start(listeners = "", more = ""): Promise<Sidecar> {
    this.#port = freePort();
    const { config, problems } = parseConfig(
      `${this.folder}/parley.yaml`,
      `endpoint: { labels: { app: droid } }
listeners:
- { name: droid, listen: "127.0.0.1:${this.#port}", upstream: ${this.target}, l7proto: ${this.l7proto} }
${listeners}
policies: [ policies/ ]
parsers: { folders: [ parsers/ ] }
accessLog: { file: ${this.accessLog} }
${more}
`,
    );
    assert(config, JSON.stringify(problems));
    return this.#sidecar = await Sidecar.start(config, {
      builtInParsers: BUILT_IN,
      log: {
        info: (message) => this.#say(message),
        error: (message) => this.#say(message),
        warn: (message) => {
          this.#warnings.push(message);
          this.#say(message);
        },
      },
    });
  }

  #say(message: string): void {
    this.#messages.push(message);
    for (const listener of this.#listeners) listener(message);
  }

  /** Waits for the operator's log to say something from now on. */
  told(what: RegExp): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const listener = (message: string) => {
      if (!what.test(message)) return;
      this.#listeners.delete(listener);
      resolve();
    };
    this.#listeners.add(listener);
    return within(`the log says ${what}`, promise);
  }

  /** Messages that match. */
  said(what: RegExp): string[] {
    return this.#messages.filter((message) => what.test(message));
  }

  /** Warnings that match. */
  warned(what: RegExp): string[] {
    return this.#warnings.filter((message) => what.test(message));
  }

  async write(path: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/${path}`, text);
  }

  /** Puts a file in place of the one before: at no moment is it half written. */
  async save(path: string, content: string | Uint8Array): Promise<void> {
    const slash = path.lastIndexOf("/");
    const folder = `${this.folder}/${path.slice(0, slash)}`;
    const bytes = typeof content === "string"
      ? new TextEncoder().encode(content)
      : content;
    await Deno.writeFile(`${folder}/.next`, bytes);
    await Deno.rename(`${folder}/.next`, `${this.folder}/${path}`);
  }

  async connect(): Promise<Client> {
    assert(this.#port);
    return new Client(
      await Deno.connect({ hostname: "127.0.0.1", port: this.#port }),
    );
  }

  /** Connects, and reads to the end. */
  async visit(): Promise<string> {
    using client = await this.connect();
    return await client.rest();
  }

  /** Whether anybody accepts at the sidecar's port. */
  async listens(): Promise<boolean> {
    try {
      (await this.connect())[Symbol.dispose]();
      return true;
    } catch (error) {
      const { ConnectionRefused, ConnectionReset } = Deno.errors;
      // A reset: it came while the listening socket was closed.
      assert(
        error instanceof ConnectionRefused || error instanceof ConnectionReset,
      );
      return false;
    }
  }

  /** The access log's lines as `type verdict reason`. */
  async log(file = "access.log"): Promise<string[]> {
    const text = await Deno.readTextFile(`${this.folder}/${file}`);
    return text.split("\n").slice(0, -1).map((line) => {
      const { type, verdict, reason = "-" } = JSON.parse(line);
      return `${type} ${verdict} ${reason}`;
    });
  }

  /** Waits for as many lines in the access log. */
  async logged(lines: number): Promise<void> {
    const written = Deno.watchFs(this.folder);
    const enough = async () => (await this.log()).length >= lines;
    if (await enough()) return written.close();
    await within(
      `${lines} lines`,
      (async () => {
        for await (const _event of written) if (await enough()) return;
      })(),
    );
  }

  /** Drains the sidecar; a second call waits for the first. */
  drain(): Promise<void> {
    this.#drained ??= this.#sidecar?.drain() ?? Promise.resolve();
    return within("the drain", this.#drained);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.upstream[Symbol.dispose]();
    await this.drain();
    await Deno.remove(this.folder, { recursive: true });
  }
}
