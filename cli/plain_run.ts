/**
 * `parley run` as it stands in units and manifests, read without the option
 * parser: that takes 40 ms, which every start of a sidecar would wait for.
 *
 * @module
 */
import type { RunOptions } from "./run.ts";

/** Options with a value, by all their names. */
const VALUED: Readonly<
  Record<string, "config" | "listen" | "upstream" | "l7proto">
> = {
  "-c": "config",
  "--config": "config",
  "--listen": "listen",
  "--upstream": "upstream",
  "--l7proto": "l7proto",
};

/** The options of `parley run`; nothing if it is not that, or not plain: the option parser then reads it, and knows what is wrong. */
export function plainRun(args: readonly string[]): RunOptions | undefined {
  const [command, ...rest] = args;
  if (command !== "run") return undefined;
  const options: Partial<Record<string, string | true>> = {};
  for (let at = 0; at < rest.length; at++) {
    const name = rest[at]!;
    if (name === "--portable") {
      options.portable = true;
      continue;
    }
    const value = rest[++at];
    if (!Object.hasOwn(VALUED, name) || !value || value.startsWith("-")) {
      return undefined;
    }
    options[VALUED[name]!] = value;
  }
  return options as RunOptions;
}
