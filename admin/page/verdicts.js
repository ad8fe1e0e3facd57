// @ts-check
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/**
 * How much was decided in which way, since the sidecar started.
 *
 * @module
 */
import { byId, every, make, Rows, say } from "./dom.js";
import { read } from "./sidecar.js";
import { count } from "./words.js";

/** The worst first. */
const VERDICTS = [
  { verdict: "denied", says: "denied" },
  { verdict: "error", says: "failed" },
  { verdict: "audit", says: "would be denied" },
  { verdict: "forwarded", says: "allowed" },
];

/** @typedef {{ verdict: string, says: string, total: number, rate: number | undefined }} Tile */

/** Starts to show them. @param {(error: unknown) => void} failed */
export function showVerdicts(failed) {
  const rows = new Rows(
    byId("verdicts", HTMLUListElement),
    (/** @type {Tile} */ { verdict }) => verdict,
    createTile,
  );
  /** @type {Map<string, number>} */
  let before = new Map();
  let since = 0;
  every(1000, async () => {
    try {
      const now = performance.now();
      const totals = totalsOf(await read("/v1/requests"));
      const seconds = (now - since) / 1000;
      rows.show(VERDICTS.map(({ verdict, says }) => {
        const total = totals.get(verdict) ?? 0;
        const known = before.get(verdict);
        const rate = since === 0
          ? undefined
          : Math.max(0, total - (known ?? 0)) / seconds;
        return { verdict, says, total, rate };
      }));
      [before, since] = [totals, now];
    } catch (error) {
      failed(error);
    }
  });
}

/**
 * Requests by verdict, and the connections that were denied or failed as a whole.
 * @param {{ requests: { verdict: string, count: number }[], connections: { verdict: string, count: number }[] }} answer
 */
function totalsOf({ requests, connections }) {
  /** @type {Map<string, number>} */
  const totals = new Map();
  for (const { verdict, count } of [...requests, ...connections]) {
    totals.set(verdict, (totals.get(verdict) ?? 0) + count);
  }
  return totals;
}

/** @param {Tile} tile */
function createTile({ verdict, says }) {
  const total = make("span", { class: "total" });
  const rate = make("span", { class: "quiet" });
  const row = make("li", { class: `tile ${verdict}` }, total, " ", says, rate);
  return {
    row,
    /** @param {Tile} tile */
    update(tile) {
      say(total, count(tile.total));
      row.classList.toggle("none", tile.total === 0);
      say(rate, tile.rate === undefined ? "" : `${count(tile.rate)} a second`);
    },
  };
}
