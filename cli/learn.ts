/**
 * Run where an image is made, when all is in the runtime's cache: the command
 * line is read, and a sidecar runs for a moment and is asked what a kubelet and an
 * operator ask, so that V8 has compiled what that takes. Then the databases of the
 * cache are made such that they can be read where nothing can be written, as in a
 * pod.
 *
 * Takes the cache's folder, which must not be this program's own. A builder that
 * lets no sidecar run gets an image that starts more slowly.
 *
 * @module
 */
import { seal } from "../proxy/sandbox/databases.ts";

/** A builder may be busy. */
const PATIENCE_MS = 60_000;
/** What a kubelet asks, and an operator's tools. */
const ASKED = ["/readyz", "/healthz", "/metrics", "/v1/status"];

/** JSON is YAML. */
const CONFIG = JSON.stringify({
  listeners: [{ listen: "127.0.0.1:0", upstream: "127.0.0.1:9" }],
  admin: { listen: "127.0.0.1:0" },
});

function parley(cache: string, ...args: string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--cached-only", "--no-prompt", "-P", "main.ts"],
      ...args,
    ],
    env: { DENO_DIR: cache },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
}

async function runSidecar(cache: string): Promise<void> {
  const file = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(file, CONFIG);
  const sidecar = parley(cache, "run", "-c", file).spawn();
  const patience = setTimeout(() => sidecar.kill("SIGKILL"), PATIENCE_MS);
  const admin = await adminOf(sidecar.stderr);
  if (admin) {
    for (const path of ASKED) await (await fetch(admin + path)).body?.cancel();
    sidecar.kill("SIGTERM");
  }
  await sidecar.status;
  clearTimeout(patience);
}

/** Where its admin API is, once it runs; nothing if it ends before. */
async function adminOf(
  log: ReadableStream<Uint8Array>,
): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let said = "";
  for await (const chunk of log.values({ preventCancel: true })) {
    said += decoder.decode(chunk, { stream: true });
    const [, address] = /admin API at (http:[^"]+)/.exec(said) ?? [];
    if (address !== undefined && said.includes("listener ")) return address;
  }
  return undefined;
}

const [cache] = Deno.args;
await parley(cache!, "--help").output();
await runSidecar(cache!);
seal(cache!);
