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
  const python = interpreter();
  const folder = await packages(python, name, version, needs);
  return {
    kind: "tool",
    command: python,
    env: { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" },
  };
}

/** A program, not of Python, that a package carries at a path. @throws when it cannot be had */
export async function programInPackage(
  name: string,
  version: string,
  path: string,
): Promise<Tool> {
  const folder = await packages(interpreter(), name, version, []);
  await Deno.stat(`${folder}/${path}`);
  return { kind: "tool", command: `${folder}/${path}`, env: {} };
}

function interpreter(): string {
  const python = onPath("python3");
  if (!python) throw new Error("python3 is not on PATH");
  return python;
}

/** The folder of a package and what it needs, and nothing else. */
function packages(
  python: string,
  name: string,
  version: string,
  needs: readonly string[],
): Promise<string> {
  return cached(`${name}-${version}`, async (draft) => {
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
}
