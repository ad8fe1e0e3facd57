/**
 * Go programs of these tests, built once.
 *
 * @module
 */
import { cached } from "./cache.ts";
import { onPath, output, type Tool } from "./tool.ts";

/**
 * The program of a folder with a `go.mod`, built of what it is now.
 *
 * `flags` are further ones of `go build`; they are no part of the cache's key.
 *
 * @throws when it cannot be had
 */
export async function goProgram(
  source: URL,
  name: string,
  flags: readonly string[] = [],
): Promise<Tool> {
  const go = onPath("go");
  if (!go) throw new Error("go is not on PATH");
  const folder = await cached(
    `${name}-${await digest(source)}`,
    async (draft) => {
      console.error(`tests/setup: building ${name} with go …`);
      await output(go, [
        "build",
        "-buildvcs=false",
        "-trimpath",
        ...flags,
        "-o",
        `${draft}/${name}`,
        ".",
      ], {
        cwd: source.pathname,
        env: { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" },
      });
    },
  );
  return { kind: "tool", command: `${folder}/${name}`, env: {} };
}

/** Changes with the program, and with the versions in `go.mod` and `go.sum`. */
async function digest(source: URL): Promise<string> {
  const files = ["go.mod", "go.sum", "main.go"].map((file) =>
    Deno.readTextFile(new URL(file, source))
  );
  const text = new TextEncoder().encode((await Promise.all(files)).join("\0"));
  const hash = await crypto.subtle.digest("SHA-256", text);
  return new Uint8Array(hash).toHex().slice(0, 12);
}
