/**
 * One sidecar's stream: what it was sent last, and what it has to be sent.
 *
 * There is no queue. While a reader is slow, changes meet in the state of the
 * cluster, and it gets what is different once it has taken what came before.
 *
 * @module
 */
import type { ServerResponse } from "node:http";
import { HEARTBEAT_MS, tagOf } from "../../../proxy/identities/protocol.ts";
import type { Cluster, View } from "../cluster/cluster.ts";
import { goneLine, type SidecarState, syncedLine } from "../cluster/lines.ts";
import { type Keys, union } from "../cluster/subscriptions.ts";
import type { Watched } from "../watched.ts";

/** Written at once; what waits beyond it waits as lines that all streams share. */
const CHUNK = 64 * 1024;
/** A reader that takes nothing for so long is hung up on. */
const STALLED_MS = 60_000;

const RESET = '{"event":"reset"}';

/** Whose stream it is. */
export interface Owner {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
}

export interface StreamOptions {
  readonly cluster: Cluster;
  readonly watched: Pick<Watched, "versions" | "stale">;
  readonly owner: Owner;
  readonly view: View;
  /** Told of each piece that was written. */
  readonly wrote: (bytes: number) => void;
}

export class SidecarStream {
  readonly owner: Owner;
  readonly #options: StreamOptions;
  readonly #response: ServerResponse;
  readonly #over = Promise.withResolvers<void>();
  readonly #sent = new Map<string, string>();
  /** Keys of lines that may be others than those that were sent. */
  #dirty: Keys = new Set();
  #isPumping = false;
  #unsubscribe: () => void = () => {};
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #takenAt = performance.now();

  /** @param tag of what the reader holds already */
  constructor(
    response: ServerResponse,
    options: StreamOptions,
    state: SidecarState,
    tag: string | undefined,
  ) {
    this.owner = options.owner;
    this.#options = options;
    this.#response = response;
    response.on("close", () => this.#end());
    response.on("error", () => response.destroy());
    response.writeHead(200, {
      "content-type": "application/jsonl",
      "cache-control": "no-store",
    });
    const { cluster, watched, owner: { namespace, pod }, view } = options;
    const changed = (keys: Keys) => this.#changed(keys);
    this.#unsubscribe = cluster.subscribe(namespace, pod, changed, view);
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    const isKnown = tag === tagOf(state.values());
    for (const [key, line] of state) this.#sent.set(key, line);
    const synced = syncedLine(watched.versions);
    void this.#pump([...isKnown ? [] : [RESET, ...state.values()], synced]);
  }

  /** Resolves when the connection is gone. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Ends it in order: the reader comes again. */
  close(): void {
    this.#end();
    this.#response.end();
  }

  destroy(): void {
    this.#response.destroy();
  }

  #end(): void {
    this.#unsubscribe();
    clearInterval(this.#heartbeat);
    this.#over.resolve();
  }

  #changed(keys: Keys): void {
    this.#dirty = union(this.#dirty, keys);
    if (!this.#isPumping) void this.#pump();
  }

  /** Writes what there is to say, and what has become of it meanwhile. */
  async #pump(first?: Iterable<string>): Promise<void> {
    this.#isPumping = true;
    if (first) await this.#write(first);
    while (this.#isDirty && !this.#response.destroyed) {
      // Changes of one moment are one change.
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (!this.#isOwned) {
        this.close();
        break;
      }
      const news = this.#news();
      if (news.length > 0) await this.#write(news);
    }
    this.#isPumping = false;
  }

  get #isDirty(): boolean {
    return this.#dirty === "all" || this.#dirty.size > 0;
  }

  /** Not once the pod is gone, or is another of that name. */
  get #isOwned(): boolean {
    const { cluster, owner: { namespace, pod, uid } } = this.#options;
    const known = cluster.pod({ namespace, name: pod });
    return known?.isInjected === true && known.uid === uid;
  }

  /** The lines that make what is to be known of what was sent, and of which moment that is; none if it is the same. */
  #news(): string[] {
    const { cluster, watched, owner: { namespace, pod }, view } = this.#options;
    const sent = this.#sent;
    const dirty = this.#dirty;
    this.#dirty = new Set();
    const state = dirty === "all"
      ? cluster.stateFor(namespace, pod, view)
      : undefined;
    const keys = dirty === "all"
      ? new Set([...state!.keys(), ...sent.keys()])
      : dirty;
    const lines = [...keys].flatMap((key) => {
      const line = state
        ? state.get(key)
        : cluster.lineFor(namespace, pod, key, view);
      if (line === sent.get(key)) return [];
      if (line === undefined) sent.delete(key);
      else sent.set(key, line);
      return line ?? goneLine(key);
    });
    return lines.length === 0 ? [] : [...lines, syncedLine(watched.versions)];
  }

  async #write(lines: Iterable<string>): Promise<void> {
    let chunk = "";
    for (const line of lines) {
      chunk += `${line}\n`;
      if (chunk.length < CHUNK) continue;
      await this.#send(chunk);
      chunk = "";
    }
    if (chunk !== "") await this.#send(chunk);
  }

  /** Resolves when the reader has room for more, or is gone. */
  async #send(chunk: string): Promise<void> {
    const response = this.#response;
    if (response.destroyed) return;
    this.#options.wrote(chunk.length);
    if (!response.write(chunk)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      response.once("drain", resolve);
      await Promise.race([promise, this.over]);
      response.off("drain", resolve);
    }
    this.#takenAt = performance.now();
  }

  /** Says that somebody is there who knows the cluster, or hangs up on who is not. */
  #beat(): void {
    if (this.#options.watched.stale !== undefined) this.close();
    else if (!this.#isPumping) {
      this.#takenAt = performance.now();
      this.#response.write("\n");
    } else if (performance.now() - this.#takenAt > STALLED_MS) this.destroy();
  }
}
