/**
 * Which process is stuck, and which one only slow.
 *
 * @module
 */

/** What stands so many times longer than it may is stuck, even if it used no processor. */
const WITHOUT_CPU = 5;
/** How often a process is looked at within the time that it has. */
const LOOKS = 2;

/**
 * Whether a process that has stood at one thing, and used so much of a processor
 * meanwhile, is stuck. On a machine that has no processor to give it is slow.
 * All in milliseconds.
 */
export function isStuck(standing: number, cpu: number, limit: number): boolean {
  if (standing < limit) return false;
  return cpu >= limit / 2 || standing >= WITHOUT_CPU * limit;
}

/** Waits for a process to do one thing, until it is disposed. */
export class Overdue implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;

  /**
   * @param limit milliseconds that it has
   * @param cpu milliseconds of a processor that it has used so far
   * @param stuck called once, with the milliseconds that it has stood
   */
  constructor(
    limit: number,
    cpu: () => number | undefined,
    stuck: (standing: number) => void,
  ) {
    const before = cpu() ?? 0;
    // Looks are counted, and not the clock: it goes on while all processes stand still.
    let looks = 0;
    this.#timer = setInterval(() => {
      const standing = ++looks * limit / LOOKS;
      if (!isStuck(standing, (cpu() ?? before) - before, limit)) return;
      this[Symbol.dispose]();
      stuck(standing);
    }, limit / LOOKS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
