/**
 * What a parser's file may import: files of the same parser, and
 * `parley/proxylib`.
 *
 * @module
 */
import { dirname, join, relative } from "node:path/posix";
import { PROXYLIB } from "./gate.ts";
import { STAGED } from "./staged_path.ts";

/** Letters that mean themselves in paths and in URLs: no escapes, no queries, no backslashes. */
const RELATIVE = /^\.{1,2}(?:\/[A-Za-z0-9_.-]+)+$/;

/** A path of a parser's file, from the parser's own folder. */
const FILE_PATH =
  /^(?!\.{1,2}(?:\/|$))[A-Za-z0-9_.-]+(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9_.-]+)*$/;

/** What a specifier stands for. */
export type Target =
  | { readonly kind: "proxylib" }
  | {
    readonly kind: "file";
    /** From the parser's folder. */
    readonly path: string;
    /** What stands in the staged module instead. */
    readonly staged: string;
  }
  | { readonly kind: "refused"; readonly why: string };

/** Resolves a specifier in a file. */
export function resolveSpecifier(file: string, specifier: string): Target {
  if (specifier === PROXYLIB) return { kind: "proxylib" };
  if (!/^\.{1,2}\//.test(specifier)) {
    return { kind: "refused", why: "is neither a relative path nor proxylib" };
  }
  if (!RELATIVE.test(specifier)) {
    return {
      kind: "refused",
      why: "has characters beside letters, digits, -, _, . and /",
    };
  }
  const folder = dirname(file);
  const path = join(folder, specifier);
  if (!FILE_PATH.test(path)) {
    return { kind: "refused", why: "leads out of the parser's folder" };
  }
  // From a root, so that nobody asks for the working folder, which workers have none of.
  const way = relative(`/${folder}`, `/${path}`);
  const staged = `${way.startsWith("../") ? "" : "./"}${way}${STAGED}`;
  return { kind: "file", path, staged };
}
