/**
 * The system's error numbers that Parley tells apart (Linux, asm-generic; the
 * same on x86-64 and arm64).
 *
 * @module
 */

export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const ENFILE = 23;
export const EMFILE = 24;
export const EPIPE = 32;
export const ENOSYS = 38;
export const EOPNOTSUPP = 95;
export const EAFNOSUPPORT = 97;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;
export const ECONNRESET = 104;
export const ENOBUFS = 105;
export const ECONNREFUSED = 111;
export const EINPROGRESS = 115;

/** What a system call refused, in the system's own words. */
export class SystemError extends Error {
  override readonly name = "SystemError";

  /** `call` is the function's name; `text` the system's own (strerror). */
  constructor(
    readonly call: string,
    readonly errno: number,
    readonly text: string,
  ) {
    super(`${call}: ${text} (os error ${errno})`);
  }
}
