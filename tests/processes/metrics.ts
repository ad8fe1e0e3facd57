/**
 * What a running sidecar measures, as a scraper sees it.
 *
 * @module
 */
import {
  readExposition,
  type ReadSample,
} from "../../admin/metrics/exposition.ts";

/** The text of `/metrics`. */
export async function scrapeText(socket: string): Promise<string> {
  using client = Deno.createHttpClient({
    proxy: { transport: "unix", path: socket },
  });
  const response = await fetch("http://parley/metrics", { client });
  return await response.text();
}

/** One scrape. */
export class Scraped {
  readonly samples: readonly ReadSample[];

  constructor(text: string) {
    this.samples = readExposition(text);
  }

  static async of(socket: string): Promise<Scraped> {
    return new Scraped(await scrapeText(socket));
  }

  /** The sum of the series of a metric that have these labels. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.#of(name, labels).reduce((sum, { value }) => sum + value, 0);
  }

  /** Sums by one of the labels. */
  by(name: string, label: string): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const { labels, value } of this.#of(name, {})) {
      const key = labels[label]!;
      sums[key] = (sums[key] ?? 0) + value;
    }
    return sums;
  }

  #of(name: string, labels: Readonly<Record<string, string>>) {
    return this.samples.filter((sample) =>
      sample.name === name &&
      Object.entries(labels).every(([key, value]) =>
        sample.labels[key] === value
      )
    );
  }
}
