/**
 * Python libraries, each in a folder of its own.
 *
 * @module
 */
import { cached } from "./cache.ts";
import { onPath, output, type Tool } from "./tool.ts";

/** `python3` with one library, and what it needs. @throws when it cannot be had */
export async function pythonWith(
  name: string,
  version: string,
  needs: readonly string[] = [],
): Promise<Tool> {
  const python = onPath("python3");
  if (!python) throw new Error("python3 is not on PATH");
  const folder = await cached(`${name}-${version}`, async (draft) => {
    console.error(`tests/setup: installing ${name} ${version} with pip …`);
    await output(python, [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--no-deps",
      "--target",
      draft,
      `${name}==${version}`,
      ...needs,
    ]);
  });
  return {
    kind: "tool",
    command: python,
    env: { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" },
  };
}
