/**
 * Quantities of memory, as Kubernetes writes them.
 *
 * @module
 */

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** `512Mi` in bytes; nothing if it is no whole number with such a unit. */
export function readMemory(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,12})(|k|M|G|Ki|Mi|Gi)$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * UNITS[unit!]!;
}
