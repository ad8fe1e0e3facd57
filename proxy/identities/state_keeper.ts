/**
 * When a controller's state is written to its file: soon after it has changed,
 * and all that has changed meanwhile with it.
 *
 * @module
 */
import { thrownText } from "../thrown.ts";
import type { StateFile } from "./state_file.ts";

export interface StateKeeperOptions {
  /** What is to be kept, and when it was last known to be true (milliseconds since the epoch). */
  state(): { readonly lines: readonly string[]; readonly heard: number };
  /** Whether what was kept last is known to be true still. */
  isTrue(): boolean;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Hears why a state cannot be kept, when that is news. */
  failed(fault: string): void;
}

/** The file is written at most so often, tried again when it could not be, and touched while nothing changes. */
const WRITE_EVERY_MS = 1_000;
const WRITE_AGAIN_MS = 5_000;
const TOUCH_EVERY_MS = 5 * 60_000;

export class StateKeeper {
  readonly #file: StateFile;
  readonly #options: StateKeeperOptions;
  #isClosing = false;
  #isUnwritten = false;
  #fault = "";
  #writing: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(file: StateFile, options: StateKeeperOptions) {
    this.#file = file;
    this.#options = options;
  }

  /** Has the state written, soon; what changes meanwhile is written with it. */
  keep(): void {
    this.#isUnwritten = true;
    this.#schedule(WRITE_EVERY_MS);
  }

  /** Waits for what is being written; nothing is after that. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    await this.#writing;
  }

  #schedule(delay: number): void {
    if (this.#writing || this.#isClosing) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#writing = this.#write().finally(() => {
        this.#writing = undefined;
        const again = this.#fault ? WRITE_AGAIN_MS : WRITE_EVERY_MS;
        this.#schedule(this.#isUnwritten ? again : TOUCH_EVERY_MS);
      });
    }, delay);
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    const { state, isTrue, now, failed } = this.#options;
    try {
      if (this.#isUnwritten) {
        this.#isUnwritten = false;
        const { lines, heard } = state();
        await this.#file.write(lines, heard);
      } else if (isTrue()) await this.#file.touch(now());
      this.#fault = "";
    } catch (error) {
      this.#isUnwritten = true; // an older state must not be taken for this one
      const fault = thrownText(error);
      if (fault === this.#fault) return;
      this.#fault = fault;
      failed(fault);
    }
  }
}
