/**
 * The C library, through the runtime's foreign functions.
 *
 * An opened library is a capability: whoever holds it can do what the process
 * may. It is handed from function to function and never kept in a module's
 * scope, where parser code could import it.
 *
 * @module
 */
// Not through proxylib/mod.ts: the sandbox's launcher needs no more than this.
import { ParleyError } from "../../proxylib/error.ts";
import { SystemError } from "./errno.ts";

/** Under these names the dynamic loader knows it: glibc, then musl (x86-64, arm64). */
const NAMES = [
  "libc.so.6",
  "libc.musl-x86_64.so.1",
  "libc.musl-aarch64.so.1",
];

/** Symbols of the C library, and what its calls set `errno` to. */
export interface Libc<S extends Deno.ForeignLibraryInterface> {
  readonly symbols: Deno.StaticForeignLibraryInterface<S>;
  /** The number that the last failed call left; read it before anything else is called. */
  errno(): number;
  /** The last failed call of this name, as an error. */
  error(call: string): SystemError;
  /** The system's text for a number. */
  text(errno: number): string;
  /** Nothing of it may be called afterwards. */
  close(): void;
}

/**
 * The type of sizes (size_t) and of other words of 64 bits whose values fit 32.
 * Only with types of 32 bits do calls take the runtime's fast way (a quarter of
 * the time of a `recv` that finds nothing); it clears the upper half on x86-64
 * and arm64.
 */
export const SIZE = "u32";

const TEXT_BYTES = 256;

/**
 * Opens the C library. What it returns goes on working after the permission
 * for foreign functions has been revoked, as it holds no pointers.
 *
 * @throws {ParleyError} when there is none, or the permission is missing
 */
export function openLibc<const S extends Deno.ForeignLibraryInterface>(
  wanted: S,
): Libc<S> {
  const name = libraryName();
  const library = Deno.dlopen(name, wanted);
  const errors = Deno.dlopen(name, {
    __errno_location: { parameters: [], result: "pointer" },
    // The POSIX one of the two that are named strerror_r; glibc and musl have it.
    __xpg_strerror_r: {
      parameters: ["i32", "buffer", SIZE],
      result: "i32",
    },
  });
  const own = errors.symbols;
  // The location is one per thread, and all calls are made by this one.
  const location = own.__errno_location()!;
  const number = new Int32Array(
    Deno.UnsafePointerView.getArrayBuffer(location, 4),
  );
  const buffer = new Uint8Array(TEXT_BYTES);

  function text(errno: number): string {
    if (own.__xpg_strerror_r(errno, buffer, TEXT_BYTES) !== 0) {
      return `error ${errno}`;
    }
    return new TextDecoder().decode(buffer.subarray(0, buffer.indexOf(0)));
  }
  function error(call: string): SystemError {
    const errno = number[0]!;
    return new SystemError(call, errno, text(errno));
  }
  return {
    symbols: library.symbols,
    errno: () => number[0]!,
    error,
    text,
    close() {
      library.close();
      errors.close();
    },
  };
}

/** The first name under which there is a C library. */
function libraryName(): string {
  const failures: string[] = [];
  for (const name of NAMES) {
    try {
      Deno.dlopen(name, {}).close();
      return name;
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new ParleyError("Cannot open the C library", {
    blame: "operator",
    where: NAMES.join(", "),
    found: failures[0]!,
    mend:
      "run on Linux with glibc or musl and allow foreign functions (--allow-ffi), or use --portable",
  });
}
