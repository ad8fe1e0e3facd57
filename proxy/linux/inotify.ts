/**
 * Notices changes of files and folders by inotify(7).
 *
 * The runtime's own watcher opens each file that something happened to: a pipe
 * keeps it there, and with it whoever asks it for anything (seen with Deno
 * 2.9.6). Nothing is opened here.
 *
 * @module
 */
import type { Watcher } from "../watcher.ts";
import { type Libc, SIZE } from "./libc.ts";

/** What this module calls. */
export const INOTIFY_SYMBOLS = {
  inotify_init1: { parameters: ["i32"], result: "i32" },
  inotify_add_watch: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  inotify_rm_watch: { parameters: ["i32", "i32"], result: "i32" },
  read_beside: {
    name: "read",
    parameters: ["i32", "buffer", SIZE],
    result: "i32",
    nonblocking: true,
  },
  close: { parameters: ["i32"], result: "i32" },
} as const;

const IN_CLOEXEC = 0o2000000;
const IN_DELETE_SELF = 0x400;
/** Modified, attributes, closed after writing, moved from and to, created, deleted, itself deleted or moved. */
const CHANGES = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | IN_DELETE_SELF |
  0x800;
/** Reads in a row that fail before it is given up. */
const FAILURES = 8;
/** Room for some events: 16 bytes each, and a name of 255. What they say is not looked at. */
const EVENTS_BYTES = 4096;

/** Watches paths, and all folders below them. */
export class Inotify implements Watcher {
  readonly #libc: Libc<typeof INOTIFY_SYMBOLS>;
  readonly #paths: readonly string[];
  readonly #fd: number;
  /** To stop watching it is an event too: that is what ends the reading. */
  readonly #sentinel: number;
  readonly #reading: Promise<void>;
  #isClosing = false;

  /** @param libc closed with this */
  constructor(
    libc: Libc<typeof INOTIFY_SYMBOLS>,
    paths: readonly string[],
    changed: () => void,
  ) {
    this.#libc = libc;
    this.#paths = paths;
    this.#fd = libc.symbols.inotify_init1(IN_CLOEXEC);
    if (this.#fd < 0) throw libc.error("inotify_init1");
    this.#sentinel = this.#add("/", IN_DELETE_SELF);
    this.#reading = this.#read(changed);
  }

  /** What is watched already stays so: a watch is a file's, not a name's. */
  look(): void {
    for (const path of this.#paths) this.#addTree(path);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#libc.symbols.inotify_rm_watch(this.#fd, this.#sentinel);
    await this.#reading;
    this.#libc.symbols.close(this.#fd);
    this.#libc.close();
  }

  async #read(changed: () => void): Promise<void> {
    const events = new Uint8Array(EVENTS_BYTES);
    const { read_beside } = this.#libc.symbols;
    // A read that fails was interrupted by a signal, or will fail for ever: then the rescan has to do.
    for (let failed = 0; failed < FAILURES;) {
      const count = await read_beside(this.#fd, events, EVENTS_BYTES);
      if (this.#isClosing) return;
      failed = count > 0 ? 0 : failed + 1;
      if (count > 0) changed();
    }
  }

  #addTree(path: string): void {
    if (this.#add(path, CHANGES) < 0) return; // not there, or no watches left
    try {
      for (const { name, isDirectory } of Deno.readDirSync(path)) {
        if (isDirectory) this.#addTree(`${path}/${name}`);
      }
    } catch { /* no folder, or not there any more */ }
  }

  #add(path: string, events: number): number {
    const name = new TextEncoder().encode(`${path}\0`);
    return this.#libc.symbols.inotify_add_watch(this.#fd, name, events);
  }
}
