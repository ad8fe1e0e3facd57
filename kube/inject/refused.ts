/**
 * A pod that is refused.
 *
 * @module
 */

/** Each fault is a sentence that says what was found and how to mend it. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join("; "));
    this.faults = faults;
  }
}
