/**
 * What a large cluster costs its controller, and how soon a change is told: a
 * simulated cluster, and real streams of its sidecars over TLS.
 *
 *     deno task bench:controller [PODS [POLICIES [STREAMS [CHANGES]]]]
 *
 * The sidecars' ends are in a process of their own (`controller_readers.ts`), so
 * that the memory of this one is the controller's. Whom a change concerns is
 * found out apart from the index: by comparing every sidecar's whole state
 * before and after it.
 */
import { createGeneration } from "../kube/webhook/certificate.ts";
import { Cluster } from "../kube/controller/cluster/cluster.ts";
import type {
  PodFacts,
  PolicyFacts,
} from "../kube/controller/cluster/facts.ts";
import { Watched } from "../kube/controller/watched.ts";
import { SidecarServer } from "../kube/controller/stream/server.ts";
import type { SidecarState } from "../kube/controller/cluster/lines.ts";
import type { Report } from "./controller_readers.ts";

const [PODS = 5_000, POLICIES = 500, STREAMS = 300, CHANGES = 200] = Deno.args
  .map(Number);
/** Workloads of a namespace. */
const APPS = 10;
const PODS_OF_NAMESPACE = 100;
const NAMESPACES = Math.ceil(PODS / PODS_OF_NAMESPACE);
/** One policy in so many lets all of the world in, or names of it out. */
const WIDE_EVERY = 20;
const COLLECTIONS = [
  ...["pods", "namespaces", "services", "endpointslices", "definitions"],
  ...["ParleyPolicy", "ParleyClusterPolicy"],
];
const POD_CIDRS = ["10.0.0.0/8"];
/** When nobody was told anything for so long, all have been told of a change. */
const QUIET_MS = 300;
/** Whoever is not told by then is not told. */
const LATE_MS = 10_000;

/** Always the same numbers, from 0 to below 1. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = randomFrom(1);
const below = (limit: number) => Math.floor(random() * limit);

function podOf(index: number): PodFacts {
  const app = index % APPS;
  return {
    namespace: `team-${Math.floor(index / PODS_OF_NAMESPACE)}`,
    name: `app-${app}-${index}`,
    uid: `${index}`,
    labels: {
      "app": `app-${app}`,
      "app.kubernetes.io/part-of": "fleet",
      "pod-template-hash": `${(index * 7919) % 1_000_003}`,
      "version": "v1",
    },
    serviceAccount: `app-${app}`,
    node: `node-${index % 100}`,
    ips: [`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`],
    phase: "Running",
    annotations: {},
    isInjected: true,
  };
}

/** Lets one or two workloads, one of them of another namespace, in to a workload; some, the world. */
function policyOf(index: number): PolicyFacts {
  const own = (app: number) => ({ matchLabels: { app: `app-${app}` } });
  const other = {
    matchLabels: {
      "app": `app-${below(APPS)}`,
      "k8s:io.kubernetes.pod.namespace": `team-${below(NAMESPACES)}`,
    },
  };
  const ports = [{ port: "9042", protocol: "TCP" }];
  const isWide = index % WIDE_EVERY === 0;
  return {
    kind: "ParleyPolicy",
    namespace: `team-${index % NAMESPACES}`,
    name: `policy-${index}`,
    uid: `${index}`,
    generation: 1,
    document: {
      spec: {
        endpointSelector: own(Math.floor(index / NAMESPACES) % APPS),
        ingress: [
          { fromEndpoints: [own(below(APPS)), other], toPorts: [{ ports }] },
          ...isWide ? [{ fromEntities: ["world"] }] : [],
        ],
        ...isWide
          ? { egress: [{ toFQDNs: [{ matchPattern: "*.example.com" }] }] }
          : {},
      },
    },
  };
}

/** Sidecars of all namespaces. */
const owners = Array.from(
  { length: STREAMS },
  (_, index) => podOf(Math.floor(index * PODS / STREAMS)),
);

function megabytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return Deno.memoryUsage().rss / 2 ** 20;
}

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.floor(part * (sorted.length - 1))] ?? NaN;
}

/** The states of all sidecars. */
function statesOf(cluster: Cluster): SidecarState[] {
  return owners.map(({ namespace, name }) =>
    cluster.stateFor(namespace, name)!
  );
}

function isSame(a: SidecarState, b: SidecarState): boolean {
  return a.size === b.size &&
    [...a].every(([key, line]) => b.get(key) === line);
}

async function measure(podCidrs: readonly string[]): Promise<void> {
  const empty = megabytes();
  const began = performance.now();
  const cluster = new Cluster({ podCidrs });
  for (let i = 0; i < NAMESPACES; i++) {
    cluster.setNamespace({ name: `team-${i}`, labels: { team: `${i}` } });
  }
  for (let i = 0; i < PODS; i++) cluster.setPod(podOf(i));
  for (let i = 0; i < POLICIES; i++) cluster.setPolicy(policyOf(i));
  for (const kind of ["pods", "namespaces", "services", "policies"] as const) {
    cluster.markSynced(kind);
  }
  const indexed = performance.now() - began;
  const indexMegabytes = megabytes();

  const watched = new Watched();
  for (const collection of COLLECTIONS) {
    const watch = watched.watch(collection);
    watch.reads("1234567890");
    watch.has("1234567890");
  }
  const generation = await createGeneration(["127.0.0.1"], 3_600_000);
  await using server = await SidecarServer.listen({
    cluster,
    watched,
    authenticate: (token) => {
      const { namespace, name, uid } = owners[Number(token)]!;
      return Promise.resolve({ namespace, pod: name, uid });
    },
    credentials: generation,
    hostname: "127.0.0.1",
    port: 0,
    log: { info() {}, warn: console.error },
  });
  await using readers = new Readers(server.port, generation.ca);
  const opening = performance.now();
  await readers.until(({ type }) => type === "ready");
  const opened = performance.now() - opening;
  const allMegabytes = megabytes();
  const first = server.counts.bytes;

  const delays: number[] = [];
  let concerned = 0;
  let unconcerned = 0;
  let unheard = 0;
  let settling = 0;
  for (let change = 0; change < CHANGES; change++) {
    const pod = podOf(below(PODS));
    const before = statesOf(cluster);
    const at = Date.now();
    const set = performance.now();
    cluster.setPod({
      ...pod,
      labels: {
        ...pod.labels,
        app: `app-${below(APPS)}`,
        version: `v${change}`,
      },
    });
    settling += performance.now() - set;
    const told = new Set<number>();
    const gather = async (quiet: number) => {
      const report = await readers.next(quiet);
      if (report?.type !== "told") return false;
      told.add(report.sidecar);
      delays.push(report.at - at);
      return true;
    };
    while (await gather(QUIET_MS)) { /* more may come */ }
    const expected = new Set(
      statesOf(cluster)
        .flatMap((state, i) => isSame(state, before[i]!) ? [] : [i]),
    );
    concerned += expected.size;
    while (!expected.isSubsetOf(told)) if (!await gather(LATE_MS)) break;
    unheard += expected.difference(told).size;
    unconcerned += told.difference(expected).size;
  }
  delays.sort((a, b) => a - b);
  console.log(JSON.stringify(
    {
      podCidrs,
      "MB: before, index, with streams": [empty, indexMegabytes, allMegabytes]
        .map(Math.round),
      "ms: indexed, all streams opened": [indexed, opened].map(Math.round),
      "bytes of a sidecar's first state": Math.round(first / STREAMS),
      "bytes of a sidecar that a change concerns": Math.round(
        (server.counts.bytes - first) / Math.max(1, concerned),
      ),
      "sidecars concerned by a change": concerned / CHANGES,
      "ms of the index for a change": settling / CHANGES,
      "ms until it is told: median, p99, longest": [0.5, 0.99, 1]
        .map((part) => percentile(delays, part)),
      "concerned and not told, told and not concerned": [unheard, unconcerned],
    },
    null,
    2,
  ));
}

/** The sidecars' ends. */
class Readers implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reports: Report[] = [];
  #wake: () => void = () => {};

  constructor(port: number, ca: string) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-q", "--allow-net=127.0.0.1"],
        new URL("controller_readers.ts", import.meta.url).pathname,
        ...[`${port}`, `${STREAMS}`, btoa(ca)],
      ],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    void this.#read();
  }

  async #read(): Promise<void> {
    const lines = this.#child.stdout
      .pipeThrough(new TextDecoderStream());
    let rest = "";
    for await (const text of lines) {
      const all = (rest + text).split("\n");
      rest = all.pop()!;
      for (const line of all) this.#reports.push(JSON.parse(line));
      this.#wake();
    }
  }

  /** The next report; nothing if there is none for so long. */
  async next(milliseconds: number): Promise<Report | undefined> {
    if (this.#reports.length === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#reports.shift();
  }

  async until(isIt: (report: Report) => boolean): Promise<void> {
    for (;;) {
      const report = await this.next(120_000);
      if (!report) throw new Error("the readers say nothing");
      if (isIt(report)) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}

await measure(POD_CIDRS);
await measure([]);
Deno.exit(0); // the readers' last words are nobody's
