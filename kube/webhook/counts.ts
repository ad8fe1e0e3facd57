/**
 * What the webhook counts, as metrics.
 *
 * @module
 */
import { type Family, gauge } from "../metrics.ts";
import type { Answer } from "./envelope.ts";

/** Upper bounds of the histogram, in seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
const PREFIX = "parley_webhook_";

export class ReviewCounts {
  /** By path and outcome. */
  readonly #outcomes = new Map<string, number>();
  readonly #buckets = BOUNDS.map(() => 0);
  #seconds = 0;
  #reviews = 0;

  add(path: string, outcome: Answer["outcome"], seconds: number): void {
    const key = `${path} ${outcome}`;
    this.#outcomes.set(key, (this.#outcomes.get(key) ?? 0) + 1);
    this.#reviews++;
    this.#seconds += seconds;
    for (const [index, bound] of BOUNDS.entries()) {
      if (seconds <= bound) this.#buckets[index]!++;
    }
  }

  /** @param certificateEnd in ms since the epoch */
  families(certificateEnd: number): Family[] {
    const duration = [
      ...BOUNDS.map((bound, index) => ({
        suffix: "_bucket",
        labels: { le: `${bound}` },
        value: this.#buckets[index]!,
      })),
      { suffix: "_bucket", labels: { le: "+Inf" }, value: this.#reviews },
      { suffix: "_sum", labels: {}, value: this.#seconds },
      { suffix: "_count", labels: {}, value: this.#reviews },
    ];
    return [
      {
        name: `${PREFIX}reviews_total`,
        type: "counter",
        help: "Reviews that were answered.",
        samples: [...this.#outcomes].map(([key, value]) => {
          const [path = "", outcome = ""] = key.split(" ");
          return { labels: { path, outcome }, value };
        }),
      },
      {
        name: `${PREFIX}review_duration_seconds`,
        type: "histogram",
        help: "How long a decision took.",
        samples: duration,
      },
      gauge(
        `${PREFIX}certificate_end_timestamp_seconds`,
        "When the certificate that is served ends.",
        certificateEnd / 1000,
      ),
    ];
  }
}
