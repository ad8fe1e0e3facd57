/**
 * What a controller told last, on disk: a sidecar that starts again goes on with
 * it, whether or not the controller is there.
 *
 * At every instant the file holds one whole state or another: it is written
 * beside, synced, and renamed. Its last line says what the others are, so that a
 * file that was torn or touched is not believed.
 *
 * @module
 */
import { writeWhole } from "../whole_file.ts";
import { tagOf } from "./protocol.ts";

/** No longer state is kept: the file shares its volume with others. Bytes. */
export const STATE_MAX = 16 * 2 ** 20;
/** Addresses are given to other pods: what was true so long ago is not believed. */
export const STATE_AGE_MAX_MS = 24 * 3_600_000;

/** What was kept, and when it was last known to be true (milliseconds since the epoch). */
export interface KeptState {
  readonly lines: readonly string[];
  readonly heard: number;
  /** Its time had not come: it is as old as if it were kept now. */
  readonly isFromFuture: boolean;
}

export class StateFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** What was kept; nothing where nothing was. @throws {Error} for what is not to be believed, saying why */
  async read(now: number): Promise<KeptState | undefined> {
    let text: string;
    let heard: number;
    try {
      const { isFile, size, mtime } = await Deno.lstat(this.#path);
      if (!isFile) throw new Error("it is not a regular file");
      if (size > STATE_MAX) {
        throw new Error(`it has more than ${STATE_MAX} bytes`);
      }
      heard = mtime?.getTime() ?? 0;
      text = await Deno.readTextFile(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    const age = now - heard;
    if (age > STATE_AGE_MAX_MS) {
      throw new Error(`it is ${Math.round(age / 3_600_000)} hours old`);
    }
    const [tag, ...lines] = text.split("\n").slice(0, -1).reverse();
    if (tag === undefined || tag !== tagOf(lines)) {
      throw new Error("it is not whole");
    }
    const isFromFuture = age < 0;
    if (isFromFuture) await this.touch(now); // it ages from now on
    return {
      lines: lines.reverse(),
      heard: isFromFuture ? now : heard,
      isFromFuture,
    };
  }

  /** @param heard when it was last known to be true @throws {Error} when it cannot be kept; what was there is there then */
  async write(state: Iterable<string>, heard: number): Promise<void> {
    const lines = [...state];
    const text = [...lines, tagOf(lines), ""].join("\n");
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > STATE_MAX) {
      throw new Error(
        `it has ${bytes.length} bytes, and ${STATE_MAX} are kept`,
      );
    }
    const draft = `${this.#path}.draft`;
    await writeWhole(this.#path, bytes, { draft, modified: heard });
  }

  /** What is kept is true still. */
  async touch(now: number): Promise<void> {
    await Deno.utime(this.#path, new Date(now), new Date(now));
  }
}
