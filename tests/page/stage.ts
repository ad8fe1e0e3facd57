/**
 * The page as a person has it: a real Chromium, a real sidecar with its admin
 * API on loopback, and a real memcached behind it.
 *
 * @module
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import { Memcached, Sidecar } from "../e2e/harness.ts";
import {
  chromium as chromiumProgram,
  memcachedServer,
  type Tool,
} from "../setup/mod.ts";
import { Peer } from "./peer.ts";

export const memcached = await memcachedServer();
export const browser = await chromiumProgram();

/** As long as the harness waits: what takes longer does not come. */
const PATIENCE_MS = 60_000;

/** The token that changes take. */
export const TOKEN = "a-token-of-this-test";

/** Who asks, by the address that it asks from. */
export const MONITORING = "127.0.0.3";
export const MAINTENANCE = "127.0.0.2";

/** Monitoring may read the fleet, and maintenance may write it. */
const POLICY = JSON.stringify({
  apiVersion: "cilium.io/v2",
  kind: "CiliumNetworkPolicy",
  metadata: { name: "secure-fleet" },
  spec: {
    endpointSelector: { matchLabels: { app: "guarded" } },
    ingress: [
      allowed("fleet-monitoring", [
        { command: "get", keyPrefix: "alliance/" },
        { command: "version" },
      ]),
      allowed("fleet-maintenance", [
        { command: "set", keyPrefix: "alliance/fleet/" },
        { command: "get" },
      ]),
    ],
  },
});

function allowed(who: string, l7: readonly Record<string, string>[]) {
  return {
    fromEndpoints: [{ matchLabels: { function: who } }],
    toPorts: [{
      ports: [{ port: "11211", protocol: "TCP" }],
      rules: { l7proto: "memcache", l7 },
    }],
  };
}

/** How a stage differs from the usual one. */
export interface StageOptions {
  /** memcached keeps no log, for load. */
  readonly quiet?: boolean;
}

/** All of it, until it is disposed of. */
export class Stage implements AsyncDisposable {
  readonly memcached: Memcached;
  readonly sidecar: Sidecar;
  /** Of the admin API. */
  readonly origin: string;
  readonly #browser: Browser;
  readonly #used: AsyncDisposableStack;

  private constructor(
    parts: Pick<Stage, "memcached" | "sidecar" | "origin">,
    browser: Browser,
    used: AsyncDisposableStack,
  ) {
    this.memcached = parts.memcached;
    this.sidecar = parts.sidecar;
    this.origin = parts.origin;
    this.#browser = browser;
    this.#used = used;
  }

  static async open(
    tools: Readonly<Record<"memcached" | "browser", Tool>>,
    options: StageOptions = {},
  ): Promise<Stage> {
    await using used = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "parley-page-" });
    used.defer(() => Deno.remove(folder, { recursive: true }));
    await Deno.writeTextFile(`${folder}/token`, TOKEN);
    const browser = await launch(tools.browser);
    used.defer(() => browser.close());
    const memcached = used.use(
      await Memcached.start(tools.memcached, { quiet: options.quiet ?? false }),
    );
    const sidecar = used.use(
      await Sidecar.start({
        upstream: memcached.address,
        policies: { "fleet.yaml": POLICY },
        config: {
          admin: { listen: "127.0.0.1:0", tokenFile: `${folder}/token` },
          identities: [
            identity(MONITORING, "fleet-monitoring"),
            identity(MAINTENANCE, "fleet-maintenance"),
          ],
        },
      }),
    );
    const said = await sidecar.said.until(
      (line) => ADMIN.test(line),
      "line about the admin API",
    );
    const origin = ADMIN.exec(said)![1]!;
    const parts = { memcached, sidecar, origin };
    return new Stage(parts, browser, used.move());
  }

  /** Opens the page, as a person does. */
  async visit(options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await this.#browser.newContext({
      viewport: { width: 1280, height: 900 },
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const visit = new Visit(context, await context.newPage(), this.origin);
    await visit.page.goto(`${this.origin}/`);
    await visit.page.getByText("ready", { exact: true }).waitFor();
    return visit;
  }

  /** A client at an address of its own. */
  peer(address: string): Promise<Peer> {
    return Peer.connect(this.sidecar.port, address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#used.disposeAsync();
  }
}

/** The page while somebody looks at it; when he leaves, nothing may have gone wrong. */
export class Visit implements AsyncDisposable {
  readonly page: Page;
  readonly #context: BrowserContext;
  /** What the browser complains of, and what it asks of others than the sidecar. */
  readonly #faults: string[] = [];
  readonly #forgiven: RegExp[] = [];

  constructor(context: BrowserContext, page: Page, origin: string) {
    this.#context = context;
    this.page = page;
    page.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      this.#faults.push(`${message.type()}: ${message.text()}`);
    });
    page.on("dialog", (dialog) => {
      this.#faults.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("pageerror", (error) => this.#faults.push(`${error}`));
    context.on("request", (request) => {
      const asked = new URL(request.url()).origin;
      if (asked !== origin) this.#faults.push(`asked ${asked}`);
    });
  }

  /** Faults that are to be: the browser tells of answers that are refusals. */
  readonly forgive = (fault: RegExp): void => {
    this.#forgiven.push(fault); // the browser may tell of it later, or again
  };

  async [Symbol.asyncDispose](): Promise<void> {
    const faults = this.#faults.filter((one) =>
      !this.#forgiven.some((fault) => fault.test(one))
    );
    await this.#context.close();
    assertEquals(faults, []);
  }
}

const ADMIN = /admin API at (http:\/\/127\.0\.0\.1:\d+)/;

function identity(address: string, name: string) {
  return { cidr: `${address}/32`, labels: { function: name } };
}

function launch({ command, env }: Tool): Promise<Browser> {
  return chromium.launch({
    executablePath: command,
    timeout: PATIENCE_MS,
    env: { ...Deno.env.toObject(), ...env },
    // It shows this page only, and containers have no sandbox to give.
    chromiumSandbox: false,
    args: ["--disable-dev-shm-usage"],
  });
}
