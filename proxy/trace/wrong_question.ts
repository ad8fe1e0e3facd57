/**
 * A question that cannot be answered as it was put.
 *
 * @module
 */

/** The message begins with what of the question is wrong (`from`, `port`, `l7` …), and says how to mend it. */
export class WrongQuestion extends Error {
  override readonly name = "WrongQuestion";
}
