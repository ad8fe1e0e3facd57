/**
 * The options and the help of `parley redirect`.
 *
 * @module
 */
import { Command } from "commander";
import { DEFAULTS, formatMark } from "../proxy/redirect/rules.ts";

/** `redirect` and its three commands. */
export function redirectCommands(exit: (code: number) => void): Command {
  const redirect = new Command("redirect").description(
    "take a workload's connections to the sidecar, with nftables",
  );
  withOptions(redirect.command("show"))
    .description("print what apply would do; needs no rights")
    .addHelpText("after", EXAMPLES)
    .action(async (options) =>
      exit((await import("./redirect.ts")).show(options))
    );
  withOptions(redirect.command("apply"))
    .description("put it into force in place of what was, and prove it")
    .addHelpText("after", APPLY)
    .action(async (options) =>
      exit(await (await import("./redirect.ts")).apply(options))
    );
  withOptions(redirect.command("remove"))
    .description("undo it; takes the options of apply, and needs none")
    .action(async () => exit(await (await import("./redirect.ts")).remove()));
  return redirect;
}

function withOptions(command: Command): Command {
  return command
    .option(
      "--ports <list>",
      "ports and ranges, such as 9042,11211-11213, or all",
    )
    .option(
      "--egress-ports <list>",
      "with --direction both: those of what goes out, where they are others",
    )
    .option("--exclude-ports <list>", "with all: those that are left alone")
    .option(
      "--direction <which>",
      "ingress, what comes in; egress, what goes out; or both",
      "ingress",
    )
    .option(
      "--uid <id>",
      "the sidecar's user, whose connections are left alone",
      String(DEFAULTS.uid),
    )
    .option(
      "--exclude-uids <list>",
      "further users whose connections go out past the sidecar",
    )
    .option(
      "--to <port>",
      "where the sidecar listens for egress, on 127.0.0.1 and [::1]",
      String(DEFAULTS.egressPort),
    )
    .option(
      "--ingress-to <port>",
      "where the sidecar listens for ingress, on [::]",
      String(DEFAULTS.ingressPort),
    )
    .option(
      "--tproxy",
      "ingress by TPROXY, also of what is only routed through; keeps addresses",
    )
    .option(
      "--mark <number>",
      `with --tproxy: the mark of its packets (default: ${
        formatMark(DEFAULTS.mark)
      })`,
    );
}

const EXAMPLES = `
Examples:
  parley redirect show --ports 11211
  parley redirect show --ports all --exclude-ports 22,53 --direction both | nft -c -f -`;

const APPLY = `
Needs nft, and the capability NET_ADMIN in this network namespace. Its checks use more where
they have it: ip and NET_RAW to probe ingress, SETUID to probe as the sidecar's user.

Examples:
  parley redirect apply --ports 11211
  parley redirect apply --ports 9042,11211 --direction both --uid 1337
  parley redirect apply --ports 11211 --tproxy      # on a node, for connections routed through it

Exit code: 0 every check is ok or a warning, 1 one failed or it could not be done, 2 wrong use.`;
