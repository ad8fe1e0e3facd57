/**
 * What is fuzzed: everything that reads bytes of strangers. A target throws
 * when an invariant does not hold.
 *
 * @module
 */
import type { ParserDefinition } from "parley/proxylib";
import { type Case, replay, type Step } from "parley/testkit";
import type { Pod } from "../../kube/inject/inject.ts";
import { difference } from "../../kube/inject/patch.ts";
import { applyPatch, podWith } from "../../kube/inject/testing.ts";
import { undo } from "../../kube/inject/undo.ts";
import { MalformedReview } from "../../kube/webhook/envelope.ts";
import { answerReview, SYSTEM_NAMESPACES } from "../../kube/webhook/review.ts";
import { REVIEW, reviewOf } from "../../kube/webhook/testing.ts";
import { createPolicyStore, type L7Catalog } from "../../policy/mod.ts";
import { parseConfig } from "../../proxy/config/mod.ts";
import { createCatalog } from "../../proxy/registry/catalog.ts";
import {
  compareCuts,
  readVectors,
  toBytes,
} from "../../proxylib/testkit/mod.ts";
import { decode, encode } from "./conversation.ts";

/** Something that takes bytes. */
export interface Target {
  readonly name: string;
  /** Inputs to begin with. */
  readonly seeds: readonly Uint8Array[];
  /**
   * Throws if an invariant is broken. The text says what the input led to: one
   * that leads to something new is kept and mutated further.
   */
  run(input: Uint8Array): string;
}

const ROOT = new URL("../../", import.meta.url);
const PARSERS = [
  "r2d2.ts",
  "line.ts",
  "block.ts",
  "header.ts",
  "memcache/mod.ts",
  "cassandra/mod.ts",
];

/** Log fields that say what a request does. */
const NAMES = ["command", "cmd", "opcode", "query_action"];

/** All targets. */
export async function targets(): Promise<Target[]> {
  const parsers = new Map<string, { definition: ParserDefinition }>();
  const found: Target[] = [];
  for (const file of PARSERS) {
    const name = file.replace(/(\/mod)?\.ts$/, "");
    const { default: definition } = await import(
      new URL(`parsers/${file}`, ROOT).href
    );
    parsers.set(name, { definition });
    const vectors = file.endsWith("/mod.ts")
      ? `parsers/${name}/vectors.jsonl`
      : `parsers/${name}.vectors.jsonl`;
    const text = await Deno.readTextFile(new URL(vectors, ROOT));
    found.push(parserTarget(name, definition, readVectors(vectors, text)));
  }
  const catalog = createCatalog({
    names: () => [...parsers.keys()],
    get: (name) => parsers.get(name),
  });
  return [
    ...found,
    policyTarget(catalog),
    configTarget(),
    admissionTarget(),
  ];
}

/**
 * A parser neither panics nor changes its state before MORE, comes to the same
 * decisions however its bytes are cut, and forwards nothing when no rule
 * matches.
 */
function parserTarget(
  name: string,
  definition: ParserDefinition,
  vectors: readonly Case[],
): Target {
  const lists = [null, [], ...vectors.map(({ rules }) => rules ?? null)];
  return {
    name,
    seeds: vectors.map(({ steps }, i) => encode({ rules: i + 2, steps })),
    run(input) {
      const conversation = decode(input);
      const rules = lists[conversation.rules % lists.length]!;
      const whole = replay(definition, rules, conversation.steps);
      const pieces = replay(definition, rules, pieced(conversation.steps));
      const differences = [
        ...whole.stateChanges,
        ...compareCuts(whole.outcome, pieces.outcome),
      ];
      const { log, closed, forward } = whole.outcome;
      if (differences.length > 0) throw new Error(differences.join("\n"));
      if (log.some(({ reason }) => reason === "panic")) {
        throw new Error(JSON.stringify(log.at(-1)));
      }
      if (rules === null && forward.length > 0) {
        throw new Error(`${forward.length} bytes left though no rule matches`);
      }
      const told = log.map(({ verdict, reason, fields }) =>
        `${verdict} ${reason ?? ""} ${NAMES.map((name) => fields[name] ?? "")}`
      );
      return `${closed} ${told.slice(0, 6)}`;
    },
  };
}

/** Pieces of one, two, three … bytes. */
function pieced(steps: readonly Step[]): Step[] {
  return steps.flatMap((step) => {
    const data = toBytes(step.data);
    const pieces: Step[] = [];
    for (let at = 0, size = 1; at < data.length; at += size++) {
      pieces.push({ ...step, data: data.subarray(at, at + size) });
    }
    return pieces;
  });
}

/** The policy loader takes any text, and every problem has a place in it. */
function policyTarget(catalog: L7Catalog): Target {
  const decoder = new TextDecoder();
  return {
    name: "policy",
    seeds: [bytesOf(POLICY), bytesOf(RULE_LIST)],
    run(input) {
      const text = decoder.decode(input);
      const store = createPolicyStore(catalog);
      const { problems } = store.update([{ file: "fuzz.yaml", text }]);
      const astray = problems.find(({ line, column }) =>
        line < 1 || column < 1
      );
      if (astray) throw new Error(`no position: ${JSON.stringify(astray)}`);
      return problems.map(({ code }) => code).slice(0, 6).join(" ");
    },
  };
}

function configTarget(): Target {
  const decoder = new TextDecoder();
  return {
    name: "config",
    seeds: [bytesOf(CONFIG)],
    run(input) {
      const { config, problems } = parseConfig(
        "fuzz.yaml",
        decoder.decode(input),
      );
      const hasError = problems.some(({ severity }) => severity === "error");
      if (hasError === (config !== undefined)) {
        throw new Error("a configuration with errors, or neither of the two");
      }
      return problems.map(({ code }) => code).slice(0, 6).join(" ");
    },
  };
}

/**
 * The webhook takes any bytes; a pod that it injects comes back from the
 * injection as it was, and is left alone when it is asked about again.
 */
function admissionTarget(): Target {
  const options = {
    image: "parley:1",
    sidecar: "native" as const,
    systemNamespaces: SYSTEM_NAMESPACES,
  };
  const patchOf = (value: unknown) => {
    const { review, outcome } = answerReview(value, options);
    const { patch } = (review as { response: { patch?: string } }).response;
    const text = new TextDecoder().decode(Uint8Array.fromBase64(patch ?? ""));
    return { outcome, patch: text === "" ? [] : JSON.parse(text) };
  };
  return {
    name: "admission",
    seeds: [REVIEW, ...ADMITTED.map((pod) => reviewOf(pod))]
      .map((review) => bytesOf(JSON.stringify(review))),
    run(input) {
      try {
        const value = JSON.parse(new TextDecoder().decode(input));
        const { outcome, patch } = patchOf(value);
        if (outcome !== "injected") return outcome;
        const before = value.request.object;
        const after = applyPatch(before, patch) as Pod;
        const again = patchOf({
          ...value,
          request: { ...value.request, object: after },
        });
        if (again.patch.length > 0) throw new Error("injected twice");
        const isOwn = before.metadata?.annotations?.["parley.dev/injected"];
        const left = isOwn ? [] : difference(before, undo(after));
        if (left.length === 0) return `injected ${patch.length}`;
        throw new Error(`undone, it differs: ${JSON.stringify(left)}`);
      } catch (error) {
        if (error instanceof SyntaxError) return "no JSON";
        if (error instanceof MalformedReview) return error.message;
        throw error;
      }
    },
  };
}

const ADMITTED = [
  podWith({ "parley.dev/ports": "all", "parley.dev/exclude-ports": "22" }, {
    initContainers: [],
    volumes: [{ name: "data" }],
    containers: [{
      name: "app",
      ports: [{ name: "web", containerPort: 80 }],
      livenessProbe: { tcpSocket: { port: "web" } },
    }],
  }),
  podWith({ "parley.dev/ports": "11311:11211" }),
  podWith({ "parley.dev/egress-ports": "9042", "parley.dev/mode": "audit" }),
];

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

const POLICY = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: fuzz, namespace: default }
spec:
  endpointSelector:
    matchLabels: { app: memcached }
    matchExpressions: [ { key: env, operator: In, values: [ prod, test ] } ]
  ingress:
  - fromEndpoints: [ { matchLabels: { k8s:role: client } } ]
    toPorts:
    - ports: [ { port: "11211", protocol: TCP, endPort: 11220 } ]
      rules: { l7proto: memcache, l7: [ { command: get, keyPrefix: a/ }, {} ] }
  - fromCIDRSet: [ { cidr: 10.0.0.0/8, except: [ 10.1.0.0/16 ] } ]
  ingressDeny: [ { fromEntities: [ world ] } ]
`;
const RULE_LIST = `- endpointSelector: {}
  egress: [ { toCIDR: [ "::1/128" ], toPorts: [ { ports: [ { port: "80" } ] } ] } ]
`;
const CONFIG = `endpoint: { name: a, labels: { app: b } }
listeners: [ { listen: 127.0.0.1:1, upstream: "[::1]:2", l7proto: r2d2 } ]
identities: [ { cidr: 127.0.0.2/32, labels: { f: m }, namespace: default } ]
policies: [ p/ ]
mode: audit
accessLog: { sink: { file: log } }
limits: { frameBytes: 1024, connectTimeout: 5s, drain: 0ms }
`;
