/**
 * What the tests of this folder share: small programs in processes of their
 * own, whose permissions differ from the tests'. There is no test in this file.
 */
import { ok as assert } from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);

/** glibc's and musl's text for 9. */
export const EBADF_TEXT = /^Bad file descriptor$|^Bad file number$/;

/** Runs a module's text with these permissions; what it printed. */
export async function runProgram(
  text: string,
  permissions: readonly string[],
): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "parley-program-" });
  try {
    const path = `${folder}/program.ts`;
    await Deno.writeTextFile(path, text);
    const { success, stdout, stderr } = await new Deno.Command(
      Deno.execPath(),
      {
        args: [
          ...["run", "--quiet", "--no-prompt", "--no-check"],
          `--config=${fileURLToPath(new URL("deno.json", ROOT))}`,
          ...permissions,
          path,
        ],
        env: { NO_COLOR: "1" },
        stdin: "null",
      },
    ).output();
    const decoder = new TextDecoder();
    assert(success, decoder.decode(stderr));
    return decoder.decode(stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
