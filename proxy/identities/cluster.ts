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
  /** The state of the stream that was told last. */
  #told = "";

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
    return this.#stream ? [this.#fixed, this.#stream.source] : [this.#fixed];
  }

  /** Follows a configuration. A stream that stays keeps what it knew. Never rejects. */
  async follow({ identities, cluster }: Config): Promise<void> {
    const { services, stream } = cluster;
    this.#fixed = fixedSource("configuration", { identities, services });
    if (stream === this.#stream?.path) return;
    await this.close();
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
    const stream = this.#stream;
    this.#stream = undefined;
    await stream?.source.close();
  }

  /** Says what has become of the stream, when that is news. */
  #tell(): void {
    const { now, info, warn } = this.#options;
    const status = this.#stream?.source.status(now());
    if (!status) return;
    const news = `${status.state} ${status.error ?? ""}`;
    if (news === this.#told) return;
    this.#told = news;
    const text = `identities: ${formatStatus(status)}`;
    if (status.state === "live") info(text);
    else warn(`${text}; what was known before counts`);
  }
}
