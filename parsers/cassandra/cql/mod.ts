/**
 * CQL, as far as a policy must understand it: what a text does, and to what.
 *
 * @module
 */
export { recognize } from "./recognize.ts";
export type { Statement, Target, TargetKind } from "./statement.ts";
