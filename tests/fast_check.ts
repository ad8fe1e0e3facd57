/**
 * fast-check, with one seed for all properties that name none: a run judges what
 * the run before it judged, and fails for what was changed. `PARLEY_SEED` says
 * another one; the fuzzer (tests/fuzz/) is what looks further.
 *
 * @module
 */
import fc from "fast-check/itself";

export const SEED = Number(Deno.env.get("PARLEY_SEED") ?? 20_261_124);

fc.configureGlobal({ seed: SEED });

export * from "fast-check/itself";
export default fc;
