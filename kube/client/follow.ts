/**
 * Follows a collection of objects: what there is, and then every change. The
 * API server's list-and-watch
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes).
 *
 * @module
 */
import { z } from "zod";
import { type KubeClient, KubeError } from "./client.ts";
import { backoff, pause } from "../../proxy/pause.ts";

/** What an object is called. */
export interface Named {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** Hears how far a collection has been followed, whenever the API server has said something of it. */
export interface Progress {
  /** A change of this version, or of one before it, is about to be set or removed. */
  reads(version: string): void;
  /** All changes up to this version are set and removed, and none after it. */
  has(version: string): void;
}

export interface Following<T> {
  readonly client: Pick<KubeClient, "get" | "stream">;
  /** Of the collection: `/api/v1/pods`. */
  readonly path: string;
  /** Only the object of this name; where there are no namespaces. */
  readonly only?: string;
  /** Only objects with labels that fit this selector. */
  readonly labels?: string;
  /** What is kept of an object; nothing, if it is as if it were not there. */
  read(object: object): T | undefined;
  set(value: T): void;
  remove(name: Named): void;
  /** All that there was at the start is set. */
  synced(): void;
  readonly progress?: Progress | undefined;
  readonly log: { warn(message: string): void };
  readonly signal: AbortSignal;
}

const metadata = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  resourceVersion: z.string(),
});
const object = z.looseObject({ metadata });
const page = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    resourceVersion: z.string(),
    continue: z.string().optional(),
  }),
  items: z.array(object).nullish(),
});
const event = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.enum(["ADDED", "MODIFIED", "DELETED"]),
    object,
  }),
  z.looseObject({
    type: z.literal("BOOKMARK"),
    object: z.looseObject({
      metadata: z.looseObject({ resourceVersion: z.string() }),
    }),
  }),
  z.looseObject({
    type: z.literal("ERROR"),
    object: z.looseObject({
      code: z.int().optional(),
      message: z.string().optional(),
    }),
  }),
]);

/** Objects to a page: of pods some 5 MB. */
const PAGE = 500;
/** After this a watch begins anew, so that a connection that is dead without a word is noticed. */
const WATCH_SECONDS = 120;
/** How much longer than that an answer may take. */
const GRACE_MS = 15_000;
/** Of one line: the API server takes no object of more than 3 MiB. */
const LINE_MAX = 16 * 2 ** 20;

/** HTTP's "Gone": the version is too old, so changes may have been missed. */
const GONE = 410;

/** Goes on until it is told to stop; what fails is tried again. */
export async function follow<T>(following: Following<T>): Promise<void> {
  const { signal } = following;
  const known = new Known(following);
  let failures = 0;
  let version: string | undefined;
  while (!signal.aborted) {
    try {
      version ??= await known.list();
      const start = performance.now();
      let isSilent = true;
      version = await known.watch(version, (seen) => {
        version = seen;
        failures = 0;
        isSilent = false;
      });
      const isShort = performance.now() - start < SHORTEST_WATCH_MS;
      if (isShort) await pause(SHORTEST_WATCH_MS, signal);
      // Whether nothing has changed, or nothing was heard of it, a list says.
      else if (isSilent) version = undefined;
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      // Whatever it is that cannot be taken time and again is not in a list.
      if (isGone(error) || failures >= FAILURES_TOLD) version = undefined;
      // One that is gone is listed again at once, the first time.
      if (isGone(error) && failures === 1) continue;
      if (failures === FAILURES_TOLD) {
        following.log.warn(
          `${following.path} cannot be watched: ${(error as Error).message}`,
        );
      }
      await pause(backoff(failures), signal);
    }
  }
}

/** A server that ends every answer at once is not asked without a pause. */
const SHORTEST_WATCH_MS = 1_000;
/** A connection that breaks once is nothing to tell of. */
const FAILURES_TOLD = 3;

function isGone(error: unknown): boolean {
  return error instanceof KubeError && error.status === GONE;
}

/** The objects that were set and not removed. */
class Known<T> {
  readonly #following: Following<T>;
  #names = new Map<string, Named>();
  #isSynced = false;

  constructor(following: Following<T>) {
    this.#following = following;
  }

  /** Sets what there is, and removes what is gone; the version of the list. */
  async list(): Promise<string> {
    const { client, progress } = this.#following;
    const before = this.#names;
    this.#names = new Map();
    let next: string | undefined;
    let version: string;
    try {
      do {
        const path = this.#path({
          limit: `${PAGE}`,
          ...(next ? { continue: next } : {}),
        });
        const { items, metadata, apiVersion, kind } = await client.get(
          path,
          page,
        );
        const kinds = { apiVersion, kind: kind.replace(/List$/, "") };
        for (const item of items ?? []) {
          progress?.reads(item.metadata.resourceVersion);
          this.#set({ ...kinds, ...item });
        }
        version = metadata.resourceVersion;
        next = metadata.continue;
      } while (next);
    } catch (error) { // what was not listed again is still there, for all that is known
      this.#names = new Map([...before, ...this.#names]);
      throw error;
    }
    for (const [key, name] of before) {
      if (this.#names.has(key)) continue;
      progress?.reads(version);
      this.#following.remove(name);
    }
    // What was removed before the first list, nobody knows.
    if (!this.#isSynced) {
      progress?.reads(version);
      this.#following.synced();
    }
    this.#isSynced = true;
    progress?.has(version);
    return version;
  }

  /** Takes changes since a version, until the server ends the answer; the last version. */
  async watch(
    version: string,
    onVersion: (version: string) => void,
  ): Promise<string> {
    const { client, signal } = this.#following;
    const path = this.#path({
      watch: "1",
      allowWatchBookmarks: "true",
      resourceVersion: version,
      timeoutSeconds: `${WATCH_SECONDS}`,
    });
    const end = new AbortController();
    let reader: ReadableStreamDefaultReader<string> | undefined;
    const stop = () => {
      end.abort();
      // What is being read does not end by that alone.
      reader?.cancel().catch(() => {});
    };
    const late = setTimeout(stop, WATCH_SECONDS * 1000 + GRACE_MS);
    signal.addEventListener("abort", stop);
    let last = version;
    try {
      reader = (await client.stream(path, end.signal)).getReader();
      for await (const line of linesOf(reader)) {
        last = this.#take(event.parse(JSON.parse(line)));
        onVersion(last);
      }
    } finally {
      clearTimeout(late);
      signal.removeEventListener("abort", stop);
      stop();
    }
    return last;
  }

  #take(change: z.output<typeof event>): string {
    if (change.type === "ERROR") {
      const { code, message } = change.object;
      throw new KubeError(
        `GET ${this.#following.path}`,
        code ?? 500,
        message ?? "",
      );
    }
    const { progress } = this.#following;
    const { resourceVersion } = change.object.metadata;
    if (change.type !== "BOOKMARK") progress?.reads(resourceVersion);
    if (change.type === "DELETED") this.#remove(change.object.metadata);
    else if (change.type !== "BOOKMARK") this.#set(change.object);
    progress?.has(resourceVersion);
    return resourceVersion;
  }

  #set(value: z.output<typeof object>): void {
    const kept = this.#read(value);
    if (kept === undefined) return this.#remove(value.metadata);
    const { namespace, name } = value.metadata;
    const named = { namespace, name };
    this.#names.set(keyOf(named), named);
    try {
      this.#following.set(kept);
    } catch (error) { // what was set of it before stays
      this.#passOver(value, error);
    }
  }

  /** An object that cannot be read must not hide the others. */
  #read(value: z.output<typeof object>): T | undefined {
    try {
      return this.#following.read(value);
    } catch (error) {
      this.#passOver(value, error);
      return undefined;
    }
  }

  #passOver(value: z.output<typeof object>, error: unknown): void {
    const { path, log } = this.#following;
    const { message } = error as Error;
    log.warn(`${keyOf(value.metadata)} of ${path} is passed over: ${message}`);
  }

  #remove(named: Named): void {
    const key = keyOf(named);
    const known = this.#names.get(key);
    if (!known) return;
    this.#names.delete(key);
    this.#following.remove(known);
  }

  #path(query: Readonly<Record<string, string>>): string {
    const { path, only, labels } = this.#following;
    const parameters = new URLSearchParams({
      ...query,
      ...(only === undefined ? {} : { fieldSelector: `metadata.name=${only}` }),
      ...(labels === undefined ? {} : { labelSelector: labels }),
    });
    return `${path}?${parameters}`;
  }
}

function keyOf({ namespace = "", name }: Named): string {
  return `${namespace}/${name}`;
}

async function* linesOf(
  reader: ReadableStreamDefaultReader<string>,
): AsyncGenerator<string> {
  let rest = "";
  for (let read; !(read = await reader.read()).done;) {
    const lines = (rest + read.value).split("\n");
    rest = lines.pop()!;
    if (rest.length > LINE_MAX) {
      throw new RangeError(`a line of more than ${LINE_MAX} characters`);
    }
    yield* lines;
  }
}
