/**
 * Metrics and probes of the commands that run in a cluster, over plain HTTP:
 * they tell nothing but counts.
 *
 * @module
 */
/** A metric, with all its series. */
export interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** One sentence. */
  readonly help: string;
  readonly samples: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
    /** Of a histogram: `_bucket`, `_sum` or `_count`. */
    readonly suffix?: string;
  }[];
}

/** How metrics become text. */
export interface Exposition {
  readonly type: string;
  write(families: readonly Family[]): string;
}

export interface MetricsOptions {
  readonly hostname: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly exposition: Exposition;
}

/** What is told. */
export interface Observed {
  readonly families: () => readonly Family[];
  readonly isReady: () => boolean;
}

/** Serves until it is shut down. @throws when the address is taken */
export function serveMetrics(
  { hostname, port, exposition }: MetricsOptions,
  { families, isReady }: Observed,
): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname, port, onListen() {} }, ({ url }) => {
    switch (new URL(url).pathname) {
      case "/healthz":
        return new Response("ok\n");
      case "/readyz":
        return isReady()
          ? new Response("ok\n")
          : new Response("not ready\n", { status: 503 });
      case "/metrics":
        return new Response(exposition.write(families()), {
          headers: { "content-type": exposition.type },
        });
      default:
        return new Response("there are /metrics, /healthz and /readyz\n", {
          status: 404,
        });
    }
  });
}

/** A gauge of one series. */
export function gauge(name: string, help: string, value: number): Family {
  return { name, type: "gauge", help, samples: [{ labels: {}, value }] };
}

/** A metric with a series for each value of one label. */
export function byLabel(
  name: string,
  type: Family["type"],
  help: string,
  label: string,
  values: Readonly<Record<string, number>>,
): Family {
  const samples = Object.entries(values)
    .map(([key, value]) => ({ labels: { [label]: key }, value }));
  return { name, type, help, samples };
}
