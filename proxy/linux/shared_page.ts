/**
 * A page of memory that two processes see: one writes it by plain stores, the
 * other reads it whenever it likes, whatever the first one does meanwhile
 * (memfd_create(2), mmap(2)).
 *
 * @module
 */
import { type Libc, openLibc, SIZE } from "./libc.ts";

/** Bytes of a page. */
export const PAGE_BYTES = 4096;

/** What the reading side calls. */
const READER_SYMBOLS = {
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", SIZE], result: "i32" },
  pread: { parameters: ["i32", "buffer", SIZE, "i64"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_SETFD = 2;
const F_ADD_SEALS = 1033;
const FD_CLOEXEC = 1;
/** Whoever has the page can neither shrink, grow nor unseal it: it is no store of memory. */
const SEALS = 0x1 | 0x2 | 0x4; // F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW

/** Makes pages, and reads them. */
export class SharedPages {
  readonly #libc: Libc<typeof READER_SYMBOLS> = openLibc(READER_SYMBOLS);

  /** A page of zeros. @throws {SystemError} */
  create(): SharedPage {
    const { symbols } = this.#libc;
    const name = new TextEncoder().encode("parley-page\0");
    const fd = symbols.memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) throw this.#libc.error("memfd_create");
    const failed = symbols.ftruncate(fd, BigInt(PAGE_BYTES)) < 0 ||
      symbols.fcntl(fd, F_ADD_SEALS, SEALS) < 0;
    if (failed) {
      const error = this.#libc.error("memfd");
      symbols.close(fd);
      throw error;
    }
    return new SharedPage(this.#libc, fd);
  }
}

/** One page, as its reader has it. */
export class SharedPage {
  /** The memory's descriptor, for the process that writes. */
  readonly descriptor: number;
  readonly #libc: Libc<typeof READER_SYMBOLS>;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(libc: Libc<typeof READER_SYMBOLS>, descriptor: number) {
    this.#libc = libc;
    this.descriptor = descriptor;
    this.#bytes = new Uint8Array(PAGE_BYTES);
  }

  /** Lets a process that is started meanwhile inherit the page. */
  whileInherited<T>(start: () => T): T {
    const { symbols } = this.#libc;
    symbols.fcntl(this.descriptor, F_SETFD, 0);
    try {
      return start();
    } finally {
      symbols.fcntl(this.descriptor, F_SETFD, FD_CLOEXEC);
    }
  }

  /** What stands in the first bytes now; valid until the next read. */
  read(count: number): Uint8Array<ArrayBuffer> {
    this.#libc.symbols.pread(this.descriptor, this.#bytes, count, 0n);
    return this.#bytes;
  }

  close(): void {
    this.#libc.symbols.close(this.descriptor);
  }
}

const PROT_READ_WRITE = 0x1 | 0x2;
const MAP_SHARED = 0x1;
/** MAP_FAILED: all bits. */
const FAILED = 2n ** 64n - 1n;

/**
 * Maps a page for the life of this process. Called while foreign functions are
 * allowed; what it answers goes on working when they are not.
 *
 * @throws {SystemError}
 */
export function mapPage(descriptor: number): ArrayBuffer {
  const libc = openLibc({
    mmap: {
      parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"],
      result: "pointer",
    },
    close: { parameters: ["i32"], result: "i32" },
  });
  const page = libc.symbols.mmap(
    null,
    BigInt(PAGE_BYTES),
    PROT_READ_WRITE,
    MAP_SHARED,
    descriptor,
    0n,
  );
  if (page === null || BigInt(Deno.UnsafePointer.value(page)) === FAILED) {
    throw libc.error("mmap");
  }
  libc.symbols.close(descriptor);
  libc.close();
  return Deno.UnsafePointerView.getArrayBuffer(page, PAGE_BYTES);
}
