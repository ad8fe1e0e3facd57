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
import { EXIT_USAGE } from "./exit.ts";
import { explain } from "./explain.ts";
import {
  controllerCommand,
  injectCommand,
  webhookCommand,
} from "./kube_commands.ts";
import { redirectCommands } from "./redirect_command.ts";

/** Runs one command; its exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exit = 0;
  const program = commands((code) => exit = code);
  try {
    await program.parseAsync([...args], { from: "user" });
    return exit;
  } catch (error) {
    return exitOf(error);
  }
}

function exitOf(error: unknown): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? 0 : EXIT_USAGE; // commander has said why
  }
  return explain(error);
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
      "use the portable transport: any system, no sandbox",
    )
    .addHelpText("after", RUN_EXAMPLES)
    .action(async (options) =>
      exit(await (await import("./run.ts")).run(options))
    );

  program.command("demo")
    .description("a tour on loopback: allowed, denied, smuggled, reloaded")
    .option("--once", "exit at the end; non-zero if any step was wrong")
    .option(...PORTABLE)
    .action(async (options) =>
      exit(await (await import("./demo/demo.ts")).demo(options))
    );

  program.command("check")
    .description("validate configuration and policy files")
    .argument("<file...>", "parley.yaml, policy files, or folders of them")
    .option("--json", "print the problems as JSON")
    .option(...PORTABLE)
    .action(async (files, options) =>
      exit(await (await import("./check.ts")).check(files, options))
    );

  program.command("trace")
    .description("would this connection, or this request, be allowed, and why?")
    .option(...CONFIG)
    .option(...POLICY)
    .option("--to <labels>", "the destination: labels")
    .option("--from <labels|ip>", "the source: labels or an address")
    .requiredOption("--port <n>", "the destination port")
    .option("--egress", "judge the source's egress, not the target's ingress")
    .option("--protocol <name>", "TCP (the default), UDP or SCTP")
    .option(
      "--name <name...>",
      "a DNS name that leads to the peer (may be repeated)",
    )
    .option(
      "--service <service...>",
      "a service that leads to the peer: [namespace/]name[:labels] (may be repeated)",
    )
    .option(
      "--port-name <name...>",
      "a name that the destination has for the port (may be repeated)",
    )
    .option("--l7proto <name>", "the parser, where the policy names none")
    .option(
      "--l7 <field=value...>",
      "a field of the request, as the access log shows it (may be repeated)",
    )
    .option(...FOLDER)
    .option(...PORTABLE)
    .option(...NODES)
    .option("--json", "print the answer and the rules as JSON")
    .addHelpText("after", TRACE_EXAMPLES)
    .action(async (options) =>
      exit(await (await import("./trace/trace.ts")).trace(options))
    );

  program.command("replay")
    .description(
      "which recorded requests would another policy decide otherwise?",
    )
    .argument("<accesslog>", "a file of access-log lines")
    .option(...CONFIG)
    .option(...POLICY)
    .option(...FOLDER)
    .option(...PORTABLE)
    .option(...NODES)
    .option("--json", "print a JSON object for each, and one that counts them")
    .addHelpText("after", REPLAY_EXAMPLES)
    .action(async (log, options) =>
      exit(await (await import("./replay/replay.ts")).replay(log, options))
    );

  program.command("schema")
    .description("print a JSON Schema: of policies, parley.yaml or the log")
    .argument("<what>", "policy, config or accesslog")
    .option(...FOLDER)
    .option(...PORTABLE)
    .addHelpText("after", SCHEMA_EXAMPLES)
    .action(async (what, options) =>
      exit(await (await import("./schema.ts")).schema(what, options))
    );

  ofSidecar(program.command("status"))
    .description(
      "what the running sidecar is meant to do, what is in force, and since when",
    )
    .option("--json", "print it as JSON")
    .action(async (options) =>
      exit(await (await import("./status.ts")).status(options))
    );

  program.addCommand(parserCommands(exit));
  program.addCommand(connectionCommands(exit));
  program.addCommand(policyCommands(exit));
  program.addCommand(metricsCommands(exit));
  ofSidecar(program.command("logs"))
    .description(
      "lines of the access log of the running sidecar: the last ones that it keeps",
    )
    .option("-f, --follow", "those that come, until the sidecar ends")
    .option("--verdict <verdict>", "forwarded, denied, error or audit")
    .option("--l7proto <name>", "of this protocol")
    .option("--type <type>", "request, response or connection")
    .option("--direction <direction>", "ingress or egress")
    .option("--json", "JSON, one object a line, as always")
    .action(async ({ json: _, ...options }) =>
      exit(await (await import("./logs.ts")).logs(options))
    );
  program.addCommand(redirectCommands(exit));
  program.addCommand(injectCommand(exit));
  program.addCommand(webhookCommand(exit));
  program.addCommand(controllerCommand(exit));
  return inherit(program);
}

function parserCommands(exit: (code: number) => void): Command {
  const parsers = new Command("parsers").description(
    "list, reload, test and begin parsers",
  );
  ofSidecar(parsers.command("list"))
    .description(
      "the parsers of the running sidecar, version by version; without one those that would serve",
    )
    .option(
      "--folder <path>",
      "of no sidecar: the built-in parsers and those of this folder (may be repeated)",
      FOLDER[2],
      FOLDER[3],
    )
    .option(...PORTABLE)
    .option("--json", "print the list as JSON")
    .action(async (options) =>
      exit(await (await import("./parsers.ts")).list(options))
    );

  ofSidecar(parsers.command("reload"))
    .description("have the running sidecar stage parsers again, changed or not")
    .argument("[name]", "the parser (default: all)")
    .option("--json", "print what came of it as JSON")
    .action(async (name, options) =>
      exit(await (await import("./parsers_running.ts")).reload(name, options))
    );

  parsers.command("test")
    .description("run a parser's vectors, whole and cut at every byte")
    .argument("<name>", "the parser")
    .option(
      "--vectors <file>",
      "vectors to run (default: those beside the parser)",
    )
    .option(...FOLDER)
    .option(...PORTABLE)
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

function connectionCommands(exit: (code: number) => void): Command {
  const connections = new Command("connections").description(
    "list and close connections of the running sidecar",
  );
  filtered(ofSidecar(connections.command("list")))
    .description("open connections, the oldest first")
    .option("--json", "print the list as JSON")
    .action(async (options) =>
      exit(await (await import("./connections.ts")).list(options))
    );

  filtered(ofSidecar(connections.command("close")))
    .description("end one connection by its ID, or all that the options fit")
    .argument("[id]", "of the connection, as the access log has it")
    .option("--json", "print how many as JSON")
    .action(async (id, options) =>
      exit(await (await import("./connections.ts")).close(id, options))
    );
  return connections;
}

function policyCommands(exit: (code: number) => void): Command {
  const policies = new Command("policies").description(
    "policies in force in the running sidecar, and those that are put in by name",
  );
  ofSidecar(policies.command("list"))
    .description("every document, and the name that it was put in by")
    .option("--json", "print the list as JSON")
    .action(async (options) =>
      exit(await (await import("./policies.ts")).list(options))
    );

  ofSidecar(policies.command("get"))
    .description("print the text of a policy, as it was put in")
    .argument("<name>", "of the policy")
    .option("--json", "print it with its entity tag, as JSON")
    .action(async (name, options) =>
      exit(await (await import("./policies.ts")).get(name, options))
    );

  ofSidecar(policies.command("put"))
    .description("put a policy in, whole or not at all; it is in force then")
    .argument("<name>", "of the policy; not of its documents")
    .argument("<file>", "as a policy file; - for standard input")
    .option("--create", "only if there is none of the name")
    .option(...IF_MATCH)
    .option("--json", "print what came of it as JSON")
    .action(async (name, file, options) =>
      exit(await (await import("./policies.ts")).put(name, file, options))
    );

  ofSidecar(policies.command("delete"))
    .description("remove a policy that was put in")
    .argument("<name>", "of the policy")
    .option(...IF_MATCH)
    .option("--json", "print what came of it as JSON")
    .action(async (name, options) =>
      exit(await (await import("./policies.ts")).remove(name, options))
    );
  return policies;
}

const IF_MATCH: [string, string] = [
  "--if-match <etag>",
  "only if it is still the one that policies list or get showed with this tag",
];

function metricsCommands(exit: (code: number) => void): Command {
  const metrics = new Command("metrics").description(
    "what the running sidecar measures",
  );
  ofSidecar(metrics.command("list"))
    .description("all metrics with their values, as Prometheus reads them")
    .option("--json", "print the list as JSON")
    .action(async (options) =>
      exit(await (await import("./metrics.ts")).list(options))
    );
  return metrics;
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

/** With the options that say which connections are meant. */
function filtered(command: Command): Command {
  return command
    .option("--listener <name>", "of this listener")
    .option("--direction <direction>", "ingress or egress")
    .option("--l7proto <name>", "of this protocol")
    .option("--parser <name@version>", "read by this version of a parser")
    .option("--source <address>", "from this host, or host:port")
    .option("--destination <address>", "to this host, or host:port");
}

/** With the options that say which sidecar is meant. */
function ofSidecar(command: Command): Command {
  return command
    .option(
      "--socket <path>",
      "the sidecar's admin socket (default: that of the one that runs)",
    )
    .option(
      "--admin <url>",
      "the sidecar's admin.listen instead: http://HOST:PORT or https://HOST:PORT",
    )
    .option(
      "--token-file <file>",
      "with --admin: a file with the token of its admin.tokenFile",
    )
    .option(
      "--ca-file <file>",
      "with --admin: certificates (PEM) that its own is trusted by",
    );
}

const CONFIG: [string, string] = [
  "-c, --config <file>",
  "answer as a sidecar with this configuration: its policies, parsers, identities and modes",
];

const POLICY: [string, string] = [
  "--policy <file...>",
  "policy files, or folders of them; in place of the configuration's",
];

const NODES: [string, string] = [
  "--nodes",
  "policies may select nodes, as with cluster.nodes of parley.yaml",
];

const PORTABLE: [string, string] = [
  "--portable",
  "load parsers in this process, without a sandbox: only those that you trust",
];

const SCHEMA_EXAMPLES = `
Examples:
  parley schema policy > policy.schema.json   # for an editor that checks YAML as you type
  parley schema policy --folder my-parsers    # with the L7 rules of your own parsers`;

const TRACE_EXAMPLES = `
LABELS are k=v,k=v, of source k8s unless written (reserved:host), in the namespace default
unless io.kubernetes.pod.namespace=NAME is among them. With --egress, --from is the guarded workload
and --to may be an address. With --config, an address is who the identities say, and the guarded
workload may be left out; without, it is one that no identity lists, and all settings are the defaults.

Examples:
  parley trace --policy policies/ --to app=memcached --from function=monitoring --port 11211
  parley trace --policy policies/ --to app=memcached --from 10.0.0.7 --port 11211 \\
    --l7 command=get --l7 keys=alliance/a --l7 keys=alliance/b
  parley trace -c parley.yaml --from 10.0.0.7 --port 11211

Exit code: 0 allowed, 1 denied or a policy that does not load, 2 wrong use.`;

const REPLAY_EXAMPLES = `
Peers have the labels that the log shows; what it does not show (DNS names, services, names of
ports) fits no rule here.

Example:
  parley replay access.log --policy policies/ --policy new.yaml

Exit code: 0 nothing would change, 1 something would or the policy does not load, 2 wrong use.`;

const RUN_EXAMPLES = `
Examples:
  parley run --listen 127.0.0.1:11311 --upstream 127.0.0.1:11211 --l7proto memcache
  parley run -c parley.yaml`;
