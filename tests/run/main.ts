/**
 * Runs test files in two `deno test` side by side, each of which takes the
 * next few files when it has done with its last ones. Not `--parallel`: that
 * has all files in one process, whose descriptors and memory tests look at.
 *
 * `deno run -A tests/run/main.ts [FILE|FOLDER]… [OPTION]…`, where the options
 * are those of `deno test`. What one file prints stays together, the causes of
 * failures and the sum come last, and the exit code is 0 if all is well.
 *
 * @module
 */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { batchesOf, findTests, withoutEnds } from "./files.ts";
import { type Counts, Report, summaryOf } from "./report.ts";

const SIDE_BY_SIDE = 2;
/** How long what `deno test` left running may keep its output open. */
const LEFTOVER_MS = 5000;
/** How long it may take to end when it is told to. */
const GRACE_MS = 10_000;

/** The options whose value is the next argument, which is no path. */
const VALUED = ["--filter"];

/** The paths among the arguments, and the options that are passed on. */
async function parse(
  args: readonly string[],
): Promise<{ paths: string[]; ignored: string[]; options: string[] }> {
  const paths: string[] = [];
  const options: string[] = [];
  for (const [i, arg] of args.entries()) {
    const isPath = !arg.startsWith("-") && !VALUED.includes(args[i - 1] ?? "");
    if (isPath && await Deno.stat(arg).catch(() => undefined)) paths.push(arg);
    else options.push(arg);
  }
  const ignored = options.filter((option) => option.startsWith("--ignore="))
    .flatMap((option) => option.slice("--ignore=".length).split(","));
  return {
    paths: paths.length > 0 ? paths : ["."],
    ignored: ignored.map(withoutEnds),
    options,
  };
}

/** Test processes, two at a time, until there are no more files or a signal comes. */
class Run {
  readonly #name = crypto.randomUUID();
  readonly #running = new Set<Deno.ChildProcess>();
  readonly counts: Counts[] = [];
  /** What `deno test` tells of failures, and processes that did not come to their end. */
  readonly errors: string[] = [];
  ok = true;
  signal: Deno.Signal | undefined;

  constructor(private readonly options: readonly string[]) {}

  async all(batches: readonly string[][]): Promise<void> {
    const left = [...batches];
    const lane = async () => {
      for (let files; !this.signal && (files = left.shift());) {
        await this.#test(files);
      }
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane));
  }

  /** Ends the processes; what they have said is printed. */
  stop(signal: Deno.Signal): void {
    this.signal = signal;
    const end = (how: Deno.Signal) => {
      for (const child of this.#running) {
        try {
          child.kill(how);
        } catch { /* it has ended */ }
      }
    };
    end(signal);
    Deno.unrefTimer(setTimeout(end, GRACE_MS, "SIGKILL"));
  }

  async #test(files: readonly string[]): Promise<void> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-prompt", ...this.options, ...files],
      // What could not be installed for one of them is not tried for the others.
      env: { PARLEY_TEST_RUN: this.#name },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#running.add(child);
    const report = new Report((lines) => lines.forEach((line) => say(line)));
    const printed = Promise.all([
      follow(child.stdout, (line) => report.take(line)),
      follow(child.stderr, (line) => report.aside(line)),
    ]);
    const { code, signal, success } = await child.status;
    this.#running.delete(child);
    await upTo(LEFTOVER_MS, printed);
    report.end();
    this.errors.push(...report.errors);
    this.ok &&= success;
    if (report.counts) this.counts.push(report.counts);
    else if (!this.signal) {
      const how = signal ? `by ${signal}` : `with exit code ${code}`;
      this.errors.push(
        `error: deno test ended ${how} before its summary, with these files:`,
        ...files.map((file) => `  ${file}`),
      );
      this.ok = false;
    }
  }
}

async function follow(
  stream: globalThis.ReadableStream<Uint8Array>,
  take: (line: string) => void,
): Promise<void> {
  const input = Readable.fromWeb(stream as ReadableStream);
  for await (const line of createInterface({ input })) take(line);
}

async function upTo(
  milliseconds: number,
  promise: Promise<unknown>,
): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, milliseconds);
  await Promise.race([promise, late.promise]);
  clearTimeout(timer);
}

function say(line: string): void {
  console.log("%s", line);
}

const began = performance.now();
const { paths, ignored, options } = await parse(Deno.args);
const run = new Run(options);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => run.stop(signal));
}
const files = await findTests(paths, ignored);
if (files.length === 0) {
  console.error(`error: there are no test files in ${paths.join(", ")}`);
  Deno.exit(1);
}
await run.all(batchesOf(files));
for (const line of run.errors) say(line);
const ok = run.ok && !run.signal;
say("");
say(summaryOf(run.counts, ok, performance.now() - began));
if (run.signal) Deno.exit(run.signal === "SIGINT" ? 130 : 143);
Deno.exit(ok ? 0 : 1);
