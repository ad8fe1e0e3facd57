/** Runs commands in this process and catches what they print. There is no test in this file. */
import process from "node:process";
import { runCommandLine } from "./command_line.ts";

/** What a command printed, and its exit code. */
export interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
  /** Lines of `out`. */
  readonly lines: readonly string[];
}

/** Runs one command line. */
export async function parley(...args: string[]): Promise<Ran> {
  const printed = { out: "", err: "" };
  const { log, error } = console;
  const [out, err] = [process.stdout.write, process.stderr.write];
  const { writeSync } = Deno.stderr;
  const write = (to: keyof typeof printed) => (text: unknown): boolean => {
    printed[to] += String(text);
    return true;
  };
  try {
    console.log = (...words) => printed.out += `${words.join(" ")}\n`;
    console.error = (...words) => printed.err += `${words.join(" ")}\n`;
    process.stdout.write = write("out");
    process.stderr.write = write("err");
    Deno.stderr.writeSync = (bytes) => {
      printed.err += new TextDecoder().decode(bytes);
      return bytes.length;
    };
    const exit = await runCommandLine(args);
    return { exit, ...printed, lines: printed.out.split("\n").slice(0, -1) };
  } finally {
    Object.assign(console, { log, error });
    process.stdout.write = out;
    process.stderr.write = err;
    Deno.stderr.writeSync = writeSync;
  }
}

/** Runs with files in a folder of their own; keys are paths below it. */
export async function withFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
  run: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "parley cli " });
  try {
    for (const [path, content] of Object.entries(files)) {
      const file = `${folder}/${path}`;
      await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), {
        recursive: true,
      });
      if (typeof content === "string") await Deno.writeTextFile(file, content);
      else await Deno.writeFile(file, content);
    }
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
