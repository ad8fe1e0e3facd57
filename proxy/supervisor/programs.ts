/**
 * The programs that the supervisor starts.
 *
 * @module
 */

/** Holds connections. */
export const WORKER = new URL("../worker/main.ts", import.meta.url);
/** Says what is good of parsers and policy. */
export const CHECKER = new URL("../checker/main.ts", import.meta.url);
/** Asks where names lead. */
export const DNS = new URL("../dns/main.ts", import.meta.url);

/** All of them: what the sandbox has to be prepared for. */
export const PROGRAMS: readonly URL[] = [WORKER, CHECKER, DNS];
