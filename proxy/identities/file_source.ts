/**
 * A file in place of a controller's connection: whoever knows the cluster
 * appends events to it (see `policy/identity_stream.ts`), or writes a new file
 * over it.
 *
 * @module
 */
import {
  type IdentitySource,
  type Knowledge,
  NOTHING,
  type SourceState,
  type SourceStatus,
} from "../../policy/identity_source.ts";
import { IdentityStream } from "../../policy/identity_stream.ts";
import { thrownText } from "../thrown.ts";
import { type Watch, watch } from "../watch.ts";

/** Which file was read, and how far. */
interface Place {
  readonly inode: number | null;
  readonly offset: number;
}

/** Reads events of a file as they come. What was known stays until a new file has said all. */
export class FileSource implements IdentitySource {
  readonly name: string;
  readonly #path: string;
  readonly #now: () => number;
  #knowledge: Knowledge = NOTHING;
  #stream = new IdentityStream();
  #place: Place = { inode: null, offset: 0 };
  #state: SourceState = "starting";
  #heard: number | undefined;
  #error: string | undefined;
  #watch: Watch | undefined;

  /** @param now milliseconds since the epoch */
  constructor(path: string, now: () => number) {
    this.name = `stream ${path}`;
    this.#path = path;
    this.#now = now;
  }

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

  /** @param looked called whenever the file was looked at */
  watch(changed: () => void, looked?: () => void): void {
    this.#watch = watch([this.#path], async () => {
      const isOther = await this.read();
      looked?.();
      if (isOther) changed();
    });
  }

  async close(): Promise<void> {
    await this.#watch?.close();
  }

  /** Takes what has come since; true if something else is known now. Never rejects. */
  async read(): Promise<boolean> {
    try {
      await this.#takeLines();
    } catch (error) {
      this.#error = thrownText(error);
      if (this.#state === "live") this.#state = "stale";
      // What follows a line that was not understood is not: read it all again.
      this.#place = { inode: null, offset: 0 };
      return false;
    }
    if (!this.#stream.isSynced) {
      this.#error = "it has not said all that it knows yet";
      if (this.#state === "live") this.#state = "stale";
      return false;
    }
    this.#error = undefined;
    this.#state = "live";
    this.#heard = this.#now();
    const changed = this.#stream.changed();
    this.#knowledge = changed ?? this.#knowledge;
    return changed !== undefined;
  }

  async #takeLines(): Promise<void> {
    using file = await Deno.open(this.#path);
    const { ino, size, isFile } = await file.stat();
    if (!isFile) throw new TypeError("it is not a regular file");
    let { inode, offset } = this.#place;
    if (inode !== ino || size < offset) {
      this.#stream = new IdentityStream();
      [inode, offset] = [ino, 0];
    }
    await file.seek(offset, Deno.SeekMode.Start);
    const bytes = new Uint8Array(size - offset);
    let length = 0;
    while (length < bytes.length) {
      const read = await file.read(bytes.subarray(length));
      if (read === null) break;
      length += read;
    }
    // The last line may still be under way.
    const end = bytes.lastIndexOf(0x0a, length - 1) + 1;
    const text = new TextDecoder().decode(bytes.subarray(0, end));
    for (const line of text.split("\n").slice(0, -1)) this.#stream.take(line);
    this.#place = { inode, offset: offset + end };
  }
}
