/**
 * Reads `/proc` through the C library: the runtime lets only programs with
 * every permission read there, and this one is to have few.
 *
 * @module
 */
import { openLibc, SIZE } from "../linux/libc.ts";

const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", SIZE], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  readlink: { parameters: ["buffer", "buffer", SIZE], result: "i32" },
  opendir: { parameters: ["buffer"], result: "pointer" },
  readdir: { parameters: ["pointer"], result: "pointer" },
  closedir: { parameters: ["pointer"], result: "i32" },
} as const;

const O_RDONLY_CLOEXEC = 0o2000000;
/** Where a name begins in `struct dirent` of 64-bit Linux, glibc and musl. */
const D_NAME = 19;
const CHUNK_BYTES = 64 * 1024;
const PATH_MAX = 4096;

/** What can be read there. What has gone meanwhile, or may not be read, is absent. */
export interface Proc {
  text(path: string): string | undefined;
  link(path: string): string | undefined;
  names(folder: string): string[];
}

/** @throws {ParleyError} when there is no C library, or no permission to use it */
export function openProc(): Proc {
  const { symbols: c } = openLibc(SYMBOLS);
  const chunk = new Uint8Array(CHUNK_BYTES);
  const decoder = new TextDecoder();

  function text(path: string): string | undefined {
    const fd = c.open(cString(path), O_RDONLY_CLOEXEC);
    if (fd < 0) return undefined;
    let result = "";
    const stream = new TextDecoder();
    for (;;) {
      const count = c.read(fd, chunk, CHUNK_BYTES);
      if (count <= 0) break;
      result += stream.decode(chunk.subarray(0, count), { stream: true });
    }
    c.close(fd);
    return result;
  }

  function link(path: string): string | undefined {
    const target = chunk.subarray(0, PATH_MAX);
    const count = c.readlink(cString(path), target, PATH_MAX);
    return count < 0 ? undefined : decoder.decode(target.subarray(0, count));
  }

  function names(folder: string): string[] {
    const stream = c.opendir(cString(folder));
    if (stream === null) return [];
    const found: string[] = [];
    for (;;) {
      const entry = c.readdir(stream);
      if (entry === null) break;
      const name = new Deno.UnsafePointerView(entry).getCString(D_NAME);
      if (name !== "." && name !== "..") found.push(name);
    }
    c.closedir(stream);
    return found;
  }

  return { text, link, names };
}

/** Containers often have IPv6 switched off, by this setting or in the kernel. */
export function hasIPv6(proc: Proc): boolean {
  const disabled = proc.text("/proc/sys/net/ipv6/conf/lo/disable_ipv6");
  return disabled?.trim() === "0";
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
