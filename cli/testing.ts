/**
 * Commands run inside the test's process, with what they print.
 *
 * @module
 */
import { runCommandLine } from "./command_line.ts";

/** How a command ended. */
export interface Ended {
  readonly code: number;
  /** What `console.log` and `console.error` were given, as lines. */
  readonly out: string;
  readonly err: string;
}

/** Runs `parley ARGS`. */
export async function parley(...args: readonly string[]): Promise<Ended> {
  const { log, error } = console;
  const out: string[] = [];
  const err: string[] = [];
  console.log = (text: string) => out.push(text);
  console.error = (text: string) => err.push(text);
  try {
    const code = await runCommandLine(args);
    return { code, out: out.join("\n"), err: err.join("\n") };
  } finally {
    console.log = log;
    console.error = error;
  }
}

/** Lends out a folder with these files in it. */
export async function withFiles(
  files: Readonly<Record<string, string>>,
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
