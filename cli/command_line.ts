/**
 * The commands, their options and their help. What a command does is in a file
 * of its own, loaded when it is called.
 *
 * Exit codes: 0 done, 1 a check failed, 2 wrong use.
 *
 * @module
 */
import { Command, CommanderError } from "commander";
import manifest from "../deno.json" with { type: "json" };
import { ParleyError } from "../proxylib/error.ts";
import { EXIT_FAILED, EXIT_USAGE, UsageError } from "./exit.ts";

/** Runs one command; its exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exit = 0;
  const program = commands((code) => exit = code);
  try {
    await program.parseAsync([...args], { from: "user" });
    return exit;
  } catch (error) {
    return explain(error);
  }
}

function explain(error: unknown): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? 0 : EXIT_USAGE; // commander has said why
  }
  if (error instanceof UsageError) {
    console.error(`parley: ${error.message}`);
    return EXIT_USAGE;
  }
  if (error instanceof ParleyError) {
    console.error(`parley: ${error.message}`);
    return EXIT_FAILED;
  }
  throw error;
}

function commands(exit: (code: number) => void): Command {
  const program = new Command("parley")
    .description(
      "A sidecar proxy that reads a workload's protocol and asks a policy about every request.",
    )
    .version(manifest.version)
    .showHelpAfterError("(--help shows how)")
    .exitOverride();

  program.command("run")
    .description("run the sidecar")
    .option(
      "-c, --config <file>",
      "configuration (default: parley.yaml, if it is there)",
    )
    .option("--listen <address>", "without a file: where to listen, host:port")
    .option(
      "--upstream <address>",
      "without a file: where to connect, host:port or unix:PATH",
    )
    .option(
      "--l7proto <name>",
      "without a file: the parser that reads the bytes",
    )
    .option(
      "--portable",
      "use the portable transport (the only one of this version)",
    )
    .addHelpText("after", RUN_EXAMPLES)
    .action(async (options) =>
      exit(await (await import("./run.ts")).run(options))
    );

  program.command("demo")
    .description("a tour on loopback: allowed, denied, smuggled, reloaded")
    .option("--once", "exit at the end; non-zero if any step was wrong")
    .action(async (options) =>
      exit(await (await import("./demo/demo.ts")).demo(options))
    );

  program.command("check")
    .description("validate configuration and policy files")
    .argument("<file...>", "parley.yaml, policy files, or folders of them")
    .option("--json", "print the problems as JSON")
    .action(async (files, options) =>
      exit(await (await import("./check.ts")).check(files, options))
    );

  program.command("trace")
    .description("would this connection, or this request, be allowed, and why?")
    .requiredOption("--policy <file...>", "policy files, or folders of them")
    .requiredOption("--to <labels>", "the destination: labels")
    .requiredOption("--from <labels|ip>", "the source: labels or an address")
    .requiredOption("--port <n>", "the destination port")
    .option("--egress", "judge the source's egress, not the target's ingress")
    .option("--l7proto <name>", "the parser, where the policy names none")
    .option(
      "--l7 <field=value...>",
      "a field of the request, as the access log shows it (may be repeated)",
    )
    .option(...FOLDER)
    .option("--json", "print the answer and the rules as JSON")
    .addHelpText("after", TRACE_EXAMPLES)
    .action(async (options) =>
      exit(await (await import("./trace/trace.ts")).trace(options))
    );

  program.command("schema")
    .description("print a JSON Schema: of policies, parley.yaml or the log")
    .argument("<what>", "policy, config or accesslog")
    .option(...FOLDER)
    .addHelpText("after", SCHEMA_EXAMPLES)
    .action(async (what, options) =>
      exit(await (await import("./schema.ts")).schema(what, options))
    );

  program.addCommand(parserCommands(exit));
  return inherit(program);
}

function parserCommands(exit: (code: number) => void): Command {
  const parsers = new Command("parsers").description(
    "list, test and begin parsers",
  );
  parsers.command("list")
    .description("the parsers that would serve, and those that do not load")
    .option(...FOLDER)
    .option("--json", "print the list as JSON")
    .action(async (options) =>
      exit(await (await import("./parsers.ts")).list(options))
    );

  parsers.command("test")
    .description("run a parser's vectors, whole and cut at every byte")
    .argument("<name>", "the parser")
    .option(
      "--vectors <file>",
      "vectors to run (default: those beside the parser)",
    )
    .option(...FOLDER)
    .action(async (name, options) =>
      exit(await (await import("./parsers.ts")).test(name, options))
    );

  parsers.command("new")
    .description("begin a parser: NAME.ts, its test and its vectors")
    .argument("<name>", "lower-case letters, digits, - and _")
    .option("--folder <path>", "where to write it", "parsers")
    .action(async (name, options) =>
      exit(await (await import("./parsers_new.ts")).create(name, options))
    );
  return parsers;
}

/** Commander's settings do not reach commands that are added ready-made. */
function inherit(command: Command): Command {
  for (const child of command.commands) {
    inherit(child.copyInheritedSettings(command));
  }
  return command;
}

/** `commander` hands every value over with those before it. */
const FOLDER: [
  string,
  string,
  (value: string, all: string[]) => string[],
  string[],
] = [
  "--folder <path>",
  "a further folder of parsers (may be repeated)",
  (value, all) => [...all, value],
  [],
];

const SCHEMA_EXAMPLES = `
Examples:
  parley schema policy > policy.schema.json   # for an editor that checks YAML as you type
  parley schema policy --folder my-parsers    # with the L7 rules of your own parsers`;

const TRACE_EXAMPLES = `
LABELS are k=v,k=v, of source k8s unless written (reserved:host), in the namespace default
unless io.kubernetes.pod.namespace=NAME is among them. An IP address is one that no identity lists.
With --egress, --from is the guarded workload and --to may be an address.

Examples:
  parley trace --policy policies/ --to app=memcached --from function=monitoring --port 11211
  parley trace --policy policies/ --to app=memcached --from 10.0.0.7 --port 11211 \\
    --l7 command=get --l7 keys=alliance/a --l7 keys=alliance/b

Exit code: 0 allowed, 1 denied or a policy that does not load, 2 wrong use.`;

const RUN_EXAMPLES = `
Examples:
  parley run --listen 127.0.0.1:11311 --upstream 127.0.0.1:11211 --l7proto memcache
  parley run -c parley.yaml`;
