/**
 * What a running sidecar measures, as a scraper sees it.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import {
  readExposition,
  type ReadSample,
} from "../../admin/metrics/exposition.ts";
import { poll } from "../e2e/wait.ts";

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

  /** Scrapes until requests by verdict are these: who is slow to answer is taken at its last word. */
  static until(
    socket: string,
    requests: Readonly<Record<string, number>>,
  ): Promise<Scraped> {
    let counted = {};
    return poll(
      async () => {
        const scraped = await Scraped.of(socket);
        counted = scraped.by("parley_requests_total", "verdict");
        return isDeepStrictEqual(counted, requests) ? scraped : undefined;
      },
      () =>
        `scrape of ${JSON.stringify(requests)}; it is ${
          JSON.stringify(counted)
        }`,
    );
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
