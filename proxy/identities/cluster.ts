/**
 * What is known of the cluster, from wherever the configuration says.
 *
 * @module
 */
import {
  fixedSource,
  formatStatus,
  type IdentitySource,
  joinKnowledge,
  type Knowledge,
  type SourceStatus,
} from "../../policy/identity_source.ts";
import type { Config } from "../config/mod.ts";
import type { ControllerSource, ToldView, View } from "./controller_source.ts";
import type { FileSource } from "./file_source.ts";

/** What a cluster's knowledge is told to, and reckoned by. */
export interface ClusterOptions {
  /** Milliseconds since the epoch. */
  now(): number;
  warn(message: string): void;
  info(message: string): void;
  /** Another knowledge is to be had. */
  changed(): void;
}

/** Joins the sources of a configuration, and follows them. What the configuration says itself is believed first. */
export class Cluster {
  readonly #options: ClusterOptions;
  #fixed: IdentitySource = fixedSource("configuration", {
    identities: [],
    services: [],
  });
  #stream: { readonly path: string; readonly source: FileSource } | undefined;
  #controller: ControllerSource | undefined;
  /** The state of each that was told last. */
  readonly #told = new WeakMap<IdentitySource, string>();

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  get knowledge(): Knowledge {
    return joinKnowledge(this.#sources);
  }

  status(): SourceStatus[] {
    return this.#sources.map((source) => source.status(this.#options.now()));
  }

  get #sources(): IdentitySource[] {
    return [
      this.#fixed,
      ...this.#stream ? [this.#stream.source] : [],
      ...this.#controller ? [this.#controller] : [],
    ];
  }

  /** The controller of the configuration that was followed first, if that has one. */
  get controller(): ControllerSource | undefined {
    return this.#controller;
  }

  /**
   * Follows a controller; the answer is what it told. `changed` is called when
   * there is something new: what of it counts, the caller says.
   *
   * @throws the signal's reason
   */
  async obey(
    { controller }: Config,
    { view, changed, signal }: {
      readonly view: View;
      readonly changed: () => void;
      readonly signal: AbortSignal;
    },
  ): Promise<ToldView | undefined> {
    if (controller === undefined) return undefined;
    // Loaded where it is used, as above.
    const { ControllerSource } = await import("./controller_source.ts");
    const { now, warn } = this.#options;
    const looked = () => this.#tell();
    this.#controller = new ControllerSource(controller, {
      ...{ view, now, warn, changed, looked },
    });
    await this.#controller.start(signal);
    const told = this.#controller.told!;
    this.#controller.settle(told);
    return told;
  }

  /** Follows a configuration. A stream that stays keeps what it knew. Never rejects. */
  async follow({ identities, cluster }: Config): Promise<void> {
    const { services, stream } = cluster;
    this.#fixed = fixedSource("configuration", { identities, services });
    if (stream === this.#stream?.path) return;
    await this.#closeStream();
    if (stream === undefined) return;
    // Loaded where it is used: its schema library is large.
    const { FileSource } = await import("./file_source.ts");
    const source = new FileSource(stream, () => this.#options.now());
    this.#stream = { path: stream, source };
    await source.read();
    this.#tell();
    source.watch(() => this.#options.changed(), () => this.#tell());
  }

  async close(): Promise<void> {
    await Promise.all([this.#closeStream(), this.#controller?.close()]);
  }

  async #closeStream(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    await stream?.source.close();
  }

  /** Says what has become of the sources that may be lost, when that is news. */
  #tell(): void {
    const { now, info, warn } = this.#options;
    for (const source of this.#sources) {
      if (source === this.#fixed) continue;
      const status = source.status(now());
      const news = `${status.state} ${status.error ?? ""}`;
      if (news === this.#told.get(source)) continue;
      this.#told.set(source, news);
      const text = `identities: ${formatStatus(status)}`;
      if (status.state === "live") info(text);
      else if (status.age === undefined) warn(text);
      else warn(`${text}; what was known before counts`);
    }
  }
}
