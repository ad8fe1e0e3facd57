/**
 * The options and the help of what puts sidecars into pods.
 *
 * @module
 */
import { Command } from "commander";

/** `inject`, for manifests. */
export function injectCommand(exit: (code: number) => void): Command {
  return new Command("inject")
    .description("print a manifest with the sidecar in its pods")
    .requiredOption("-f, --file <file>", "the manifest; - is standard input")
    .option("--image <name>", "the sidecar's image")
    .option(
      "--no-native-sidecar",
      "for a cluster before Kubernetes 1.29: an ordinary container",
    )
    .option("--remove", "the manifest as it was before, instead")
    .addHelpText("after", INJECT_EXAMPLES)
    .action(async (options) =>
      exit(await (await import("./inject.ts")).inject(options))
    );
}

/** `webhook`, for clusters. */
export function webhookCommand(exit: (code: number) => void): Command {
  return new Command("webhook")
    .description(
      "put the sidecar into pods of a cluster as they are created, and refuse policies that do not load",
    )
    .option("--listen <address>", "where to listen, host:port", "[::]:8443")
    .option("--image <name>", "the sidecar's image, unless a pod names another")
    .option(
      "--host <name...>",
      "what the API server calls (default: parley-webhook.NAMESPACE.svc)",
    )
    .option("--namespace <name>", "the webhook's own (default: its pod's)")
    .option(
      "--certificate-life <time>",
      "how long a certificate is good for; it is replaced by itself",
      "90d",
    )
    .option("--metrics <address>", METRICS, "[::]:9090")
    .option(
      "--controller <url>",
      "have sidecars follow the controller there, https://host[:port]",
    )
    .option("--l7proto <name...>", L7PROTO)
    .option("--kubeconfig <file>", "outside of a cluster: how to reach it")
    .addHelpText("after", WEBHOOK_HELP)
    .action(async (options) =>
      exit(await (await import("./webhook.ts")).webhook(options))
    );
}

/** `controller`, for clusters. */
export function controllerCommand(exit: (code: number) => void): Command {
  return new Command("controller")
    .description("tell sidecars of a cluster their policies and their peers")
    .option("--listen <address>", "where sidecars call, host:port", "[::]:8444")
    .option("--metrics <address>", METRICS, "[::]:9090")
    .option(
      "--host <name...>",
      "what sidecars call (default: parley-controller.NAMESPACE.svc)",
    )
    .option("--namespace <name>", "the controller's own (default: its pod's)")
    .option(
      "--pod-cidr <prefix...>",
      "all pods are inside: sidecars then need no list of them for policies about the world",
    )
    .option("--l7proto <name...>", L7PROTO)
    .option("--kubeconfig <file>", "outside of a cluster: how to reach it")
    .addHelpText("after", CONTROLLER_HELP)
    .action(async (options) =>
      exit(await (await import("./controller.ts")).controller(options))
    );
}

const METRICS = "where metrics and probes are answered, over plain HTTP";
const L7PROTO =
  "parsers that pods bring by ConfigMap: rules for them are judged by sidecars only";

const INJECT_EXAMPLES = `
What a pod is to have is said by its annotations, such as parley.dev/ports: "11211"; policies of the
cluster are not asked, and the sidecar follows no controller. Pods, whatever makes pods, and Lists of
them change; all other objects stay.

Examples:
  parley inject -f deployment.yaml | kubectl apply -f -
  kubectl get deploy cache -o yaml | parley inject -f - --remove | kubectl apply -f -

Exit code: 0 printed, 1 a pod is refused or the text is no YAML, and nothing is printed, 2 wrong use.`;

const WEBHOOK_HELP = `
deploy/base installs it. It needs its Secret, its MutatingWebhookConfiguration and its
ValidatingWebhookConfiguration, all named parley-webhook, the ConfigMap parley-controller-ca with
--controller, and the rights of deploy/base/rbac.yaml.

Exit code: 0 told to stop, 1 the cluster is not as it needs it, 2 wrong use.`;

const CONTROLLER_HELP = `
deploy/base installs it. It needs its Secret, its Lease and its ConfigMap, named parley-controller,
parley-controller and parley-controller-ca, and the rights of deploy/base/controller-rbac.yaml.

Exit code: 0 told to stop, 1 the cluster is not as it needs it, 2 wrong use.`;
