/** `parley run` as its own process: what it prints, its signals, its exit codes. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { Client, Upstream, within } from "../proxy/transport/harness_test.ts";
import { withFiles } from "./capture_test.ts";

const MAIN = `${import.meta.dirname}/../main.ts`;
const CONFIG = `${import.meta.dirname}/../deno.json`;

/** A running sidecar, with the permissions that users give it. */
class Process implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #messages: ReadableStreamDefaultReader<string>;
  #rest = "";
  readonly stdout: Promise<string>;

  constructor(...args: string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-P", "-c", CONFIG, MAIN, "run", ...args],
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    this.#messages = this.#child.stderr.pipeThrough(new TextDecoderStream())
      .getReader();
    this.stdout = new Response(this.#child.stdout).text();
  }

  /** Reads the operator's log until a message matches. */
  async says(what: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = what.exec(this.#rest);
      if (found) {
        this.#rest = this.#rest.slice(found.index + found[0].length);
        return found;
      }
      const { value, done } = await within(
        `the log says ${what}`,
        this.#messages.read(),
      );
      if (done) throw new Error(`nothing says ${what}: ${this.#rest}`);
      this.#rest += value;
    }
  }

  /** The address of its listener. */
  async address(): Promise<Client> {
    const [, port] = await this.says(/at 127\.0\.0\.1:(\d+), upstream/);
    return new Client(
      await Deno.connect({ hostname: "127.0.0.1", port: Number(port) }),
    );
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async exit(): Promise<number> {
    return (await within("the exit", this.#child.status)).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch { /* it has ended */ }
    await this.#messages.cancel();
    await this.#child.status;
    await this.stdout;
  }
}

function port({ address }: Upstream): string {
  return address.transport === "tcp" ? String(address.port) : "";
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`parley run without a file serves, logs to stdout, and ends at ${signal} with 0`, async () => {
    using upstream = new Upstream();
    await using running = new Process(
      "--listen",
      "127.0.0.1:0",
      "--upstream",
      `127.0.0.1:${port(upstream)}`,
      "--l7proto",
      "r2d2",
    );
    using client = await running.address();
    const server = await upstream.take();
    await client.send("READ a\r\n");
    assertEquals(await server.read(8), "READ a\r\n");
    running.kill(signal);
    await running.says(new RegExp(`${signal}: no new connections; 1 are open`));
    await server.send("done\r\n");
    assertEquals(await client.read(6), "done\r\n");
    await client.shut();
    await server.shut();
    assertEquals(await running.exit(), 0);
    const lines = (await running.stdout).split("\n").slice(0, -1)
      .map((line) => JSON.parse(line));
    assertEquals(
      lines.map(({ type, verdict, l7proto }) =>
        `${type} ${verdict} ${l7proto}`
      ),
      ["request forwarded r2d2", "connection forwarded r2d2"],
    );
  });
}

Deno.test("parley run outlives a SIGHUP whose log folder is gone, and reopens the log at the next", () =>
  withFiles({ "logs/access.log": "" }, async (folder) => {
    using upstream = new Upstream();
    await Deno.writeTextFile(
      `${folder}/parley.yaml`,
      `listeners: [ { listen: "127.0.0.1:0", upstream: "127.0.0.1:${
        port(upstream)
      }" } ]
accessLog: { file: logs/access.log }
`,
    );
    await using running = new Process("-c", `${folder}/parley.yaml`);
    using client = await running.address();
    const server = await upstream.take();
    await Deno.rename(`${folder}/logs`, `${folder}/gone`);
    running.kill("SIGHUP");
    await running.says(/access\.log.*the log goes on where it was/);
    await Deno.mkdir(`${folder}/logs`);
    running.kill("SIGHUP");
    await running.says(/the access log was opened again/);
    await client.shut();
    await server.shut();
    running.kill("SIGTERM");
    assertEquals(await running.exit(), 0);
    assertMatch(
      await Deno.readTextFile(`${folder}/logs/access.log`),
      /"type":"connection","verdict":"forwarded"/,
    );
  }));
