/** What `/metrics` says is what Prometheus reads; dashboard and alert rules ask for nothing else. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { promtool, testWith, type Tool } from "../setup/mod.ts";
import { Scraped, scrapeText } from "./metrics.ts";
import { ignore, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";
import { allowing, PORT, words } from "./words.ts";

const ALERTS = new URL("../../deploy/prometheus/alerts.yaml", import.meta.url);
const DASHBOARD = new URL("../../deploy/grafana/parley.json", import.meta.url);

/** The metrics of a sidecar with a series of each kind that can be had at once. */
async function scraped(): Promise<string> {
  await using server = new LineServer();
  await using parley = await Parley.start({
    config: {
      policies: ["policies/"],
      identities: [],
      cluster: { stream: "events.jsonl" },
      listeners: [
        { name: "a", upstream: server.address, port: PORT },
        { name: "closed", upstream: server.address, port: PORT + 1 },
      ],
    },
    parsers: { "words.ts": words() },
    policies: { "words.yaml": allowing("yes") },
  });
  {
    using wire = await parley.connect("a");
    await wire.ask("yes\nyes\n", "yes\nyes\n");
    await wire.ask("no\n", "\n");
    using denied = await parley.connect("closed");
    await denied.readToEnd();
  }
  await parley.log.expect(3, { type: "connection" });
  const counted = { denied: 1, forwarded: 2 };
  await Scraped.until(parley.adminSocket, counted);
  return await scrapeText(parley.adminSocket);
}

/** Runs promtool, with a text as its standard input; what it complains of. */
async function complaints(
  { command, env }: Tool,
  args: readonly string[],
  text = "",
): Promise<string> {
  const child = new Deno.Command(command, {
    args: [...args],
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  const said = new TextDecoder().decode(success ? stderr : stdout) +
    new TextDecoder().decode(success ? new Uint8Array() : stderr);
  return success ? said.trim() : `failed: ${said.trim()}`;
}

/** Names of metrics that an expression asks for. */
function asked(expression: string): string[] {
  return expression.match(/\b(?:parley|process)_\w+/g) ?? [];
}

/** Metrics of a scrape, those too that have no series. */
function metricsOf(text: string): Set<string> {
  const declared = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  return new Set(
    declared.flatMap(([, name, type]) =>
      type === "histogram"
        ? ["_bucket", "_sum", "_count"].map((suffix) => `${name}${suffix}`)
        : [name!]
    ),
  );
}

/** Expressions of the dashboard, with values for Grafana's own variables. */
async function dashboardExpressions(): Promise<string[]> {
  const { panels, annotations } = JSON.parse(
    await Deno.readTextFile(DASHBOARD),
  );
  return [
    ...panels.flatMap(({ targets }: { targets: unknown[] }) => targets),
    ...annotations.list,
  ].map(({ expr }: { expr: string }) =>
    expr.replaceAll("$__rate_interval", "5m").replaceAll("$instance", ".*")
  );
}

Deno.test({
  name: "metrics have a series where there is something to count",
  ignore,
  async fn() {
    const metrics = new Scraped(await scraped());
    assertEquals(
      metrics.by("parley_requests_total", "verdict"),
      { denied: 1, forwarded: 2 },
    );
    assertEquals(metrics.by("parley_connections_denied_total", "reason"), {
      "no-rule": 1,
    });
    assertEquals(metrics.by("parley_connections_ended_total", "end"), {
      closed: 1,
      refused: 1,
    });
    assertEquals(metrics.sum("parley_listener_up"), 2);
    assertEquals(metrics.sum("parley_policy_version"), 1);
    assertEquals(
      metrics.sum("parley_policy_documents", { state: "applied" }),
      1,
    );
    assert(metrics.sum("parley_policy_age_seconds") > 0);
    assertEquals(
      metrics.sum("parley_parser_version_info", {
        parser: "words",
        state: "serving",
      }),
      1,
    );
    assertEquals(metrics.sum("parley_build_info"), 1);
    assert(metrics.sum("process_resident_memory_bytes") > 0);
    for (const { name, value } of metrics.samples) {
      assert(Number.isFinite(value) && value >= 0, `${name} is ${value}`);
    }
  },
});

Deno.test({
  name: "dashboard and alert rules ask for metrics that there are",
  ignore,
  async fn() {
    const there = metricsOf(await scraped());
    const rules = await Deno.readTextFile(ALERTS);
    const expressions = [rules, ...await dashboardExpressions()];
    const unknown = expressions.flatMap(asked)
      .filter((name) => !there.has(name));
    assertEquals(unknown, []);
  },
});

testWith(
  { promtool: await promtool() },
  "promtool finds nothing to say of /metrics",
  async ({ promtool }) => {
    assertEquals(
      await complaints(promtool, ["check", "metrics"], await scraped()),
      "",
    );
  },
);

testWith(
  { promtool: await promtool() },
  "promtool reads the alert rules, and every expression of the dashboard",
  async ({ promtool }) => {
    const path = ALERTS.pathname;
    assertEquals(await complaints(promtool, ["check", "rules", path]), "");
    const rules = (await dashboardExpressions()).map((expr, i) => {
      return { record: `dashboard:expression_${i}`, expr };
    });
    const file = await Deno.makeTempFile({ suffix: ".yaml" });
    try {
      const groups = [{ name: "dashboard", rules }];
      await Deno.writeTextFile(file, JSON.stringify({ groups }));
      assertEquals(await complaints(promtool, ["check", "rules", file]), "");
    } finally {
      await Deno.remove(file);
    }
  },
);
