/**
 * The pure half of the test kit: cases, their cuts, and readable differences.
 * Authors import `parley/testkit`, which runs them on the real engine.
 *
 * @module
 */
export * from "./case.ts";
export * from "./compare.ts";
export * from "./variants.ts";
