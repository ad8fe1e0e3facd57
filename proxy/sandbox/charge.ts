/**
 * `parley/budget`: what staged modules import of the meter. Authors cannot: the
 * stager refuses the name, and writes the import itself.
 *
 * @module
 */
export { charge, load, turns } from "./meter.ts";
