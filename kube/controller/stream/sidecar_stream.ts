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
import { goneLine, type SidecarState } from "../cluster/lines.ts";

/** Written at once; what waits beyond it waits as lines that all streams share. */
const CHUNK = 64 * 1024;
/** A reader that takes nothing for so long is hung up on. */
export const STALLED_MS = 60_000;

const SYNCED = '{"event":"synced"}';
const RESET = '{"event":"reset"}';

/** Whose stream it is. */
export interface Owner {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
}

export interface StreamOptions {
  readonly cluster: Cluster;
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
  #sent: SidecarState = new Map();
  #isDirty = false;
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
    const { cluster, owner: { namespace, pod }, view } = options;
    const changed = () => this.#changed();
    this.#unsubscribe = cluster.subscribe(namespace, pod, changed, view);
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    const isKnown = tag === tagOf(state.values());
    this.#sent = state;
    void this.#pump(isKnown ? [] : [RESET, ...state.values()]);
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

  #changed(): void {
    this.#isDirty = true;
    if (!this.#isPumping) void this.#pump();
  }

  /** Writes what there is to say, and what has become of it meanwhile. */
  async #pump(first?: Iterable<string>): Promise<void> {
    this.#isPumping = true;
    if (first) await this.#write(first);
    while (this.#isDirty && !this.#response.destroyed) {
      // Changes of one moment are one change.
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.#isDirty = false;
      const state = this.#state();
      if (!state) {
        this.close();
        break;
      }
      const news = differences(this.#sent, state);
      this.#sent = state;
      if (news.length > 0) await this.#write(news);
    }
    this.#isPumping = false;
  }

  /** Nothing once the pod is gone, or is another of that name. */
  #state(): SidecarState | undefined {
    const { cluster, owner: { namespace, pod, uid }, view } = this.#options;
    const known = cluster.pod({ namespace, name: pod });
    return known?.uid === uid
      ? cluster.stateFor(namespace, pod, view)
      : undefined;
  }

  async #write(lines: Iterable<string>): Promise<void> {
    let chunk = "";
    for (const line of lines) {
      chunk += `${line}\n`;
      if (chunk.length < CHUNK) continue;
      await this.#send(chunk);
      chunk = "";
    }
    await this.#send(`${chunk}${SYNCED}\n`);
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

  /** Says that somebody is there, or hangs up on who is not. */
  #beat(): void {
    if (!this.#isPumping) {
      this.#takenAt = performance.now();
      this.#response.write("\n");
    } else if (performance.now() - this.#takenAt > STALLED_MS) this.destroy();
  }
}

/** The lines that make one state of another. */
function differences(before: SidecarState, now: SidecarState): string[] {
  const lines: string[] = [];
  for (const [key, line] of now) {
    if (before.get(key) !== line) lines.push(line);
  }
  for (const key of before.keys()) {
    if (!now.has(key)) lines.push(goneLine(key));
  }
  return lines;
}
