/**
 * A controller's stream, followed: which policies the workload has, and who the
 * peers are of whom they speak. Without the controller, what it told last
 * counts, after a new start too.
 *
 * @module
 */
import {
  ControllerStream,
  OlderStateError,
  type Told,
} from "../../policy/controller_stream.ts";
import {
  type IdentitySource,
  type Knowledge,
  NOTHING,
  type SourceState,
  type SourceStatus,
} from "../../policy/identity_source.ts";
import type { ControllerConfig } from "../config/model.ts";
import { parseJson } from "../../policy/identity_stream.ts";
import { escapeControls } from "../../policy/problem.ts";
import { backoff, pause } from "../pause.ts";
import { thrownText } from "../thrown.ts";
import { HEARTBEAT_MS, STREAM_PATH, tagOf, VIEW_HEADER } from "./protocol.ts";
import { STATE_MAX, StateFile } from "./state_file.ts";
import { StateKeeper } from "./state_keeper.ts";
import { widened } from "./widened.ts";

/** Those of a cluster whom the policies ask for that the controller knows, or all of it. */
export type View = "needed" | "complete";

/** What was told, and of how much of the cluster. */
export interface ToldView extends Told {
  readonly view: View;
}

/** What a source is given beside its configuration. */
export interface ControllerOptions {
  /** What is asked for at first; see {@linkcode ControllerSource.want}. */
  readonly view: View;
  /** Milliseconds since the epoch. */
  now(): number;
  warn(message: string): void;
  /** Another state is to be had. */
  changed(): void;
  /** The status may be another. */
  looked(): void;
}

/** Characters that a controller may have a sidecar hold. */
const TOLD_MAX = 4 * STATE_MAX;
const ANSWER_MS = 10_000;
/** So long a sidecar that starts waits for what is true now, when it knows what was. */
const SOON_MS = 3_000;
/** Whoever says nothing for so long is gone. */
const SILENCE_MS = 3 * HEARTBEAT_MS;
/** A state that may be older than what counts is refused for so long: then the whole cluster is older, restored from a backup. */
export const OLDER_MAX_MS = 10 * 60_000;

export class ControllerSource implements IdentitySource {
  readonly name: string;
  readonly #config: ControllerConfig;
  readonly #options: ControllerOptions;
  readonly #file: StateFile;
  readonly #keeper: StateKeeper;
  readonly #closing = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  /** The controller was asked once, and has told its state or did not. */
  readonly #asked = Promise.withResolvers<void>();
  #connection = new AbortController();
  #stream = new ControllerStream(TOLD_MAX);
  #told: ToldView | undefined;
  #view: View;
  #knowledge: Knowledge = NOTHING;
  #state: SourceState = "starting";
  #heard: number | undefined;
  #error: string | undefined;
  /** Since when no answer was as new as what counts. */
  #olderSince: number | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(config: ControllerConfig, options: ControllerOptions) {
    this.name = `controller ${config.url}`;
    this.#config = config;
    this.#options = options;
    this.#view = options.view;
    this.#file = new StateFile(config.stateFile);
    this.#keeper = new StateKeeper(this.#file, {
      state: () => {
        const { lines, syncedLine } = this.#stream;
        return { lines: [...lines, syncedLine], heard: this.#heard! };
      },
      isTrue: () => this.#state === "live",
      now: options.now,
      failed: (fault) =>
        options.warn(
          `the controller's state cannot be kept in ${config.stateFile}: ${fault}`,
        ),
    });
  }

  /** What was told last. */
  get told(): ToldView | undefined {
    return this.#told;
  }

  /** What counts: see {@linkcode settle} and {@linkcode widen}. */
  get knowledge(): Knowledge {
    return this.#knowledge;
  }

  status(now: number): SourceStatus {
    return {
      name: this.name,
      state: this.#state,
      age: this.#heard === undefined ? undefined : now - this.#heard,
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  /**
   * Begins to follow the controller, and resolves when something was told: by
   * the controller, however long that takes, or by the state file where that
   * says nothing soon.
   *
   * @throws the signal's reason
   */
  async start(signal: AbortSignal): Promise<void> {
    await this.#readFile();
    this.#running = this.#run();
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    try {
      await Promise.race([this.#begun(), promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async #begun(): Promise<void> {
    await this.#first.promise;
    const late = setTimeout(() => this.#asked.resolve(), SOON_MS);
    await this.#asked.promise;
    clearTimeout(late);
  }

  /** What was told counts, and nothing else. */
  settle({ knowledge }: Told): void {
    this.#knowledge = knowledge;
  }

  /** What was told counts, and of others what was told of them before: policies of then are in force still. */
  widen({ knowledge }: Told): void {
    this.#knowledge = widened(knowledge, this.#knowledge);
  }

  /** Asks for another view from now on. */
  want(view: View): void {
    if (view === this.#view) return;
    this.#view = view;
    this.#connection.abort(
      new Error("another view of the cluster is asked for"),
    );
  }

  watch(): void {} // `changed` is told

  async close(): Promise<void> {
    this.#closing.abort(new Error("the sidecar is stopping"));
    this.#connection.abort(this.#closing.signal.reason);
    await this.#running;
    await this.#keeper.close();
  }

  async #readFile(): Promise<void> {
    const { now, warn } = this.#options;
    const { stateFile } = this.#config;
    try {
      const kept = await this.#file.read(now());
      if (!kept) return;
      if (kept.isFromFuture) {
        warn(
          `the controller's last state in ${stateFile} has a time that has not come yet: it is taken to be of now; look whether the node's clock was wrong`,
        );
      }
      let told: Told | undefined;
      for (const line of kept.lines) told = this.#stream.take(line) ?? told;
      told ??= this.#stream.take('{"event":"synced"}')!; // of before it was kept
      this.#heard = kept.heard;
      this.#state = "stale";
      this.#error = "the controller was not heard yet";
      this.#take(told, this.#view);
    } catch (error) {
      this.#stream = new ControllerStream(TOLD_MAX);
      warn(
        `the controller's last state in ${stateFile} is not used: ${
          thrownText(error)
        }`,
      );
    }
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      this.#connection = new AbortController();
      const [heard, view] = [this.#heard, this.#view];
      try {
        await this.#follow(view, this.#connection);
      } catch (error) {
        if (view !== this.#view) continue; // it was ended for that
        this.#asked.resolve();
        this.#error = thrownText(error);
        if (this.#state === "live") this.#state = "stale";
      } finally {
        this.#stream.drop();
      }
      this.#options.looked();
      // The end of one that was heard is the first failure, and soon mended.
      failures = this.#heard === heard ? failures + 1 : 1;
      await pause(backoff(failures), this.#closing.signal);
    }
  }

  /** One connection, from its beginning to its end. @throws {Error} why it ended */
  async #follow(view: View, connection: AbortController): Promise<void> {
    const { url, caFile, tokenFile } = this.#config;
    const [ca, token] = await Promise.all([
      Deno.readTextFile(caFile),
      Deno.readTextFile(tokenFile),
    ]);
    using client = Deno.createHttpClient({ caCerts: [ca] });
    const late = setTimeout(
      () => connection.abort(new Error("no answer came in time")),
      ANSWER_MS,
    );
    let response: Response;
    try {
      response = await fetch(url + STREAM_PATH, {
        client,
        headers: {
          authorization: `Bearer ${token.trim()}`,
          "if-none-match": tagOf(this.#stream.lines),
          [VIEW_HEADER]: view,
        },
        redirect: "error", // a token goes to nobody else
        signal: connection.signal,
      });
      if (!response.ok) throw new Error(await refusalOf(response));
    } finally {
      clearTimeout(late);
    }
    await this.#listen(response, view, connection);
    throw new Error("the controller ended the stream");
  }

  async #listen(
    response: Response,
    view: View,
    connection: AbortController,
  ): Promise<void> {
    let silence: ReturnType<typeof setTimeout> | undefined;
    const hear = () => {
      clearTimeout(silence);
      silence = setTimeout(
        () => connection.abort(new Error("the controller is silent")),
        SILENCE_MS,
      );
    };
    const decoder = new TextDecoder("utf-8", { fatal: true });
    let rest = "";
    hear();
    try {
      for await (const bytes of response.body!) {
        hear();
        const lines = (rest + decoder.decode(bytes, { stream: true })).split(
          "\n",
        );
        rest = lines.pop()!;
        if (rest.length > TOLD_MAX) throw new Error("a line has no end");
        for (const line of lines) this.#takeLine(line, view);
      }
    } finally {
      clearTimeout(silence);
    }
  }

  #takeLine(line: string, view: View): void {
    const told = this.#hear(line);
    // An empty line says that nothing is another.
    if (this.#state === "live") this.#heard = this.#options.now();
    if (!told) return;
    this.#heard = this.#options.now();
    this.#state = "live";
    this.#error = undefined;
    this.#olderSince = undefined;
    this.#options.looked();
    this.#keeper.keep();
    this.#take(told, view);
    this.#asked.resolve();
  }

  /** What is told by a line; what is older than what counts, only when nothing else is to be had. */
  #hear(line: string): Told | undefined {
    try {
      return this.#stream.take(line);
    } catch (error) {
      if (!(error instanceof OlderStateError)) throw error;
      const { now, warn } = this.#options;
      this.#olderSince ??= now();
      if (now() - this.#olderSince < OLDER_MAX_MS) throw error;
      const minutes = OLDER_MAX_MS / 60_000;
      warn(
        `the controller: ${error.message}, and so was every answer for ${minutes} minutes: it counts from now on, as it has to where the cluster was restored from a backup; elsewhere look why the controller lags`,
      );
      return this.#stream.takeOlder();
    }
  }

  #take(told: Told, view: View): void {
    this.#told = { ...told, view };
    this.#first.resolve();
    this.#options.changed();
  }
}

/** Why there is no stream, in the controller's words; they are of somebody else. */
async function refusalOf(response: Response): Promise<string> {
  const { status } = response;
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > REFUSAL_MAX) break;
  }
  const { detail } = (parseJson(text) ?? {}) as { detail?: unknown };
  return typeof detail === "string"
    ? `the controller answers ${status}: ${escapeControls(detail)}`
    : `the controller answers ${status}`;
}

const REFUSAL_MAX = 4_096;
