/**
 * `parley inject`: manifests with sidecars, without a webhook.
 *
 * @module
 */
import manifest from "../deno.json" with { type: "json" };
import { inject as injectPod, SKIPPED } from "../kube/inject/inject.ts";
import { type Rewrite, rewriteManifest } from "../kube/inject/manifest.ts";
import { readPod } from "../kube/inject/pod.ts";
import { Refused } from "../kube/inject/refused.ts";
import { undo } from "../kube/inject/undo.ts";
import { escapeControls, quote } from "../policy/problem.ts";
import { EXIT_FAILED, UsageError } from "./exit.ts";
import { readFile } from "./files.ts";

/** What `--help` lists. */
export interface InjectOptions {
  readonly file: string;
  readonly image?: string;
  /** False: for a cluster before Kubernetes 1.29. */
  readonly nativeSidecar: boolean;
  readonly remove?: boolean;
}

/** Prints the manifest with its pods injected, or as they were before; the exit code. */
export async function inject(options: InjectOptions): Promise<number> {
  const { file } = options;
  const text = file === "-"
    ? await new Response(Deno.stdin.readable).text()
    : await readFile(file);
  const rewrite = options.remove ? removed : injected(options);
  const { text: written, notes } = rewriteManifest(text, rewrite);
  for (const { object, severity, text } of notes) {
    const where = [file, object, severity === "note" ? "note" : ""]
      .filter((part) => part !== "").join(": ");
    console.error(escapeControls(`${where}: ${text}`));
  }
  if (written === undefined) return EXIT_FAILED;
  await writeAll(written);
  return 0;
}

/** The sidecar's image: one that is named, or that of this version. @throws {UsageError} when it is none */
export function readImage(name = `parley:${manifest.version}`): string {
  if (/^\S+$/.test(name)) return name;
  throw new UsageError(
    `--image ${
      quote(name)
    } is no image; write its name, such as registry.example/parley:${manifest.version}`,
  );
}

function injected({ image: name, nativeSidecar }: InjectOptions): Rewrite {
  const image = readImage(name);
  return (pod) => {
    const injection = injectPod(pod, {
      image,
      sidecar: nativeSidecar ? "native" : "container",
    });
    switch (injection.kind) {
      case "injected":
        return { pod: injection.pod, notes: injection.warnings };
      case "skipped":
        return { notes: [`left as it is: ${SKIPPED[injection.reason]}`] };
      case "refused":
        throw new Refused(injection.faults);
    }
  };
}

function removed(pod: unknown): ReturnType<Rewrite> {
  return { pod: undo(readPod(pod)), notes: [] };
}

async function writeAll(text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) {
    at += await Deno.stdout.write(bytes.subarray(at));
  }
}
