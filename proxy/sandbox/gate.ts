/**
 * The gate that every import goes through once parsers may be loaded: engine
 * code imports parsers' modules, those import one another and
 * `parley/proxylib`, and that is all. It holds whatever a parser's source looks
 * like: static or dynamic, of files, packages, `node:` or `data:`.
 *
 * @module
 */
import { registerHooks } from "node:module";

/** Where the runtime asks a resolution hook what a specifier stands for. */
interface Resolution {
  readonly parentURL?: string | undefined;
}

/** The one module that parsers import from outside their own folder. */
export const PROXYLIB = "parley/proxylib";

/** What the stager has staged modules import besides; see `budget.ts`. */
export const BUDGET = "parley/budget";

/**
 * Shuts the gate of this realm, for good.
 *
 * @param folders URLs of the folders that hold parser versions, one folder per
 *   version below each; with a slash at the end
 */
export function shutGate(folders: readonly string[]): void {
  const isAllowed = createRule(folders);
  const hooks = {
    // What is thrown here is passed over for static imports of `node:` modules
    // (seen with Deno 2.9.6); another URL is not.
    resolve(specifier: string, context: Resolution, next: Next<Resolution>) {
      return isAllowed(specifier, context.parentURL ?? "")
        ? next(specifier, context)
        : { url: REFUSED + specifier, format: "module", shortCircuit: true };
    },
    load(url: string, context: unknown, next: Next<unknown>) {
      if (!url.startsWith(REFUSED)) return next(url, context);
      throw new TypeError(
        `${
          url.slice(REFUSED.length)
        } cannot be imported here: parsers import files beside them and ${PROXYLIB}`,
      );
    },
  };
  registerHooks(hooks as unknown as Parameters<typeof registerHooks>[0]);
}

/** What a refused import is resolved to: a URL that nothing can be loaded from. */
const REFUSED = "refused:";

/** What every version may import; what authors may, the stager says. */
const OURS: readonly string[] = [PROXYLIB, BUDGET];

type Next<Context> = (specifier: string, context: Context) => unknown;

/** Says of a specifier, and the URL of the module that has it, whether the import is allowed. */
export function createRule(
  folders: readonly string[],
): (specifier: string, parent: string) => boolean {
  const SystemURL = URL; // gone from the global object when this is asked

  /** The folder of the version that a module belongs to; empty for the engine's. */
  function versionOf(url: string): string {
    for (const folder of folders) {
      if (!url.startsWith(folder)) continue;
      const end = url.indexOf("/", folder.length);
      if (end > 0) return url.slice(0, end + 1);
    }
    return "";
  }

  return function isAllowed(specifier, parent) {
    const version = versionOf(parent);
    if (version !== "" && OURS.includes(specifier)) return true;
    if (version !== "" && !/^\.{1,2}\//.test(specifier)) return false;
    if (!SystemURL.canParse(specifier, parent)) return false;
    const { href } = new SystemURL(specifier, parent);
    const target = versionOf(href);
    return target !== "" && (version === "" || target === version);
  };
}
