/**
 * What the tests of a controller's sidecars share: a source, and what has become
 * of it.
 *
 * @module
 */
import { formatStatus } from "../../policy/identity_source.ts";
import {
  Field,
  pod,
  smallCluster,
  sync,
} from "../../kube/controller/stream/testing.ts";
import { poll } from "../../tests/e2e/wait.ts";
import { freePort } from "../../tests/free_port.ts";
import { ControllerSource, type View } from "./controller_source.ts";

/** A source of a pod, by the files in a folder, and what it has said. */
export class Bench implements AsyncDisposable {
  readonly source: ControllerSource;
  readonly warnings: string[] = [];
  now = Date.now();

  constructor(folder: string, url: string, view: View = "needed") {
    this.source = new ControllerSource({
      url,
      tokenFile: `${folder}/token`,
      caFile: `${folder}/ca.pem`,
      stateFile: `${folder}/state`,
    }, {
      view,
      now: () => this.now,
      warn: (message) => this.warnings.push(message),
      changed: () => {},
      looked: () => {},
    });
  }

  /** Resolves when something was told. */
  start(signal = new AbortController().signal): Promise<void> {
    return this.source.start(signal);
  }

  get policies(): string[] {
    return this.source.told?.policies.map(({ file }) => file) ?? [];
  }

  get cidrs(): string[] {
    return this.source.told?.knowledge.identities.map(({ cidr }) => cidr) ?? [];
  }

  get status(): string {
    return formatStatus(this.source.status(this.now))
      .replace(/https:\/\/127.0.0.1:\d+/, "URL");
  }

  /** Waits for a status. */
  async becomes(status: RegExp): Promise<void> {
    await poll(() => status.test(this.status) || undefined, () => this.status);
  }

  /** Waits until these addresses are known. */
  async knows(...cidrs: string[]): Promise<void> {
    await poll(
      () => this.cidrs.join() === cidrs.join() || undefined,
      () => `${this.cidrs} is known; ${this.status}`,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.source.close();
  }
}

/** A controller of pod a, at a port that stays its own. */
export async function field(cluster = sync(smallCluster())): Promise<Field> {
  const field = await Field.open(cluster, { port: freePort() });
  await Deno.writeTextFile(`${field.folder}/token`, "token-of-a\n");
  return field;
}

/** Another pod that is let in as b is. */
export const C_IS_B = pod("c", { ips: ["10.0.0.3"], labels: { app: "b" } });

/** Waits until the file holds what the source knows. */
export async function kept(folder: string, cidrs: number): Promise<string> {
  return await poll(async () => {
    const text = await Deno.readTextFile(`${folder}/state`).catch(() => "");
    const found = text.split("\n").filter((line) => line.includes('"cidr"'));
    return found.length === cidrs ? text : undefined;
  }, () => "the state is not kept");
}
