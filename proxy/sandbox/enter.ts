/**
 * What a worker does once, when all of its own modules are loaded and before
 * any parser is: it puts up the walls that stand inside the process. Those
 * around it were put up by the launcher (`spawn.ts`).
 *
 * @module
 */
import * as budget from "parley/budget";
import * as proxylib from "parley/proxylib";
import type { Libc } from "../linux/libc.ts";
import { shutGate } from "./gate.ts";
import { lockdown } from "./lockdown.ts";
import { zodSamples } from "./samples.ts";
import { installFilter, SECCOMP_SYMBOLS } from "./seccomp.ts";

/** What the caller's library must have among its symbols. */
export const SANDBOX_SYMBOLS = SECCOMP_SYMBOLS;

/** What the walls are put up around. */
export interface EnterOptions {
  readonly libc: Libc<typeof SANDBOX_SYMBOLS>;
  /** URLs, with a slash at the end, of the folders that hold parser versions, one folder per version below each. */
  readonly parsers: readonly string[];
  /** Objects beside proxylib that parsers get to see and that outlive a call. */
  readonly engine?: Iterable<object>;
  /** Without connections, parsers have nothing to catch by what they share: freezing it, which takes 80 ms, is left out. */
  readonly holdsConnections?: boolean;
  /** What the launcher found missing; see `readMissing`. */
  readonly missing?: readonly string[];
  /** Called with the reason of a promise that parser code left behind rejected. */
  readonly rejected?: (reason: unknown) => void;
}

/** What is not as it should be. */
export interface Entered {
  /** Walls that this machine cannot put up, in words for the operator's log. */
  readonly missing: readonly string[];
  /** What parsers share and no freezing can hold: contents of collections and bytes. */
  readonly shared: readonly string[];
}

/** Permissions that a worker is done with; reading is left for the parsers' folders. */
const DONE_WITH = "ffi import run net env sys write".split(" ");

const PR_SET_DUMPABLE = 4;

/**
 * Puts up the walls, for good. From here on this process makes no pointers,
 * starts no program, and finds nothing of the runtime by a global name: what
 * the engine needs of it, it has taken before.
 *
 * @throws when a wall that does not depend on the machine cannot be put up: load no parser then
 */
export function enter(options: EnterOptions): Entered {
  const { libc, parsers, engine = [], rejected } = options;
  const { holdsConnections = true } = options;
  // Connections' bytes are for no core file, and for no debugger of the same user.
  libc.symbols.prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n);
  const missing = installFilter(libc).map((what) => `seccomp: ${what}`);
  const samples = holdsConnections ? zodSamples(proxylib.z) : [];
  revoke();
  shutGate(parsers);
  const shared = lockdown({
    // The one verdict that is made once for all: not reached by an export.
    engine: holdsConnections
      ? [proxylib, budget, proxylib.nop(), ...engine]
      : [],
    samples,
    ...(rejected ? { rejected } : {}),
  });
  return { missing: [...(options.missing ?? []), ...missing], shared };
}

function revoke(): void {
  for (const name of DONE_WITH) {
    const permission = { name } as Deno.PermissionDescriptor;
    const { state } = Deno.permissions.revokeSync(permission);
    if (state === "granted") throw new Error(`enter: ${name} is still allowed`);
  }
}
