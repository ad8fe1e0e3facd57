/**
 * A pod, run by podman as the kubelet would run it: init containers one after
 * the other, sidecars among them until they have started, then the others; at
 * the end the others first, and the sidecars after them, the last one first.
 *
 * It restarts nothing, and asks no liveness probe.
 *
 * @module
 */
import type { Store } from "../container/store.ts";
import { poll } from "../e2e/wait.ts";
import type { Addresses } from "../hosts/host.ts";
import type { Container, Manifest, Probe } from "./manifest.ts";
import type { Place } from "./place.ts";
import { containerOptions } from "./security.ts";
import { type ConfigMaps, makeVolume, project } from "./volumes.ts";

/** What a pod is run with. */
interface Settings {
  /** podman's name for it. */
  readonly name: string;
  readonly folder: string;
  readonly manifest: Manifest;
  readonly address: Addresses;
}

/** Seconds that an init container may take. */
const INIT_SECONDS = 120;
/** What the last ones get where the others took all of it. */
const LEAST_GRACE_SECONDS = 2;

export class RunningPod implements AsyncDisposable {
  readonly #volumes = new Map<string, string>();
  /** From the start of the sidecar's process to its first good answer. */
  startMs: number | undefined;

  constructor(
    private readonly store: Store,
    private readonly node: Place,
    private readonly settings: Settings,
  ) {}

  get address(): string {
    return this.settings.address.v4;
  }

  /** One of each family. */
  get addresses(): string[] {
    const { v4, v6 } = this.settings.address;
    return [v4, v6];
  }

  get manifest(): Manifest {
    return this.settings.manifest;
  }

  /** Makes its volumes and its namespaces; a process that is in them. */
  async create(configMaps: ConfigMaps): Promise<number> {
    const { name, folder, manifest } = this.settings;
    for (const volume of manifest.spec.volumes ?? []) {
      const path = await makeVolume(folder, volume, manifest, configMaps);
      this.#volumes.set(volume.name, path);
    }
    const podman = (...args: string[]) => this.store.podman(...args);
    const shared = ["--network", "none", "--share", "net,ipc,uts"];
    const host = ["--hostname", manifest.metadata.name];
    await podman("pod", "create", "--name", name, ...shared, ...host);
    await podman("pod", "start", name);
    const infra = await podman(
      ...["pod", "inspect", "--format", "{{.InfraContainerID}}", name],
    );
    return Number(await this.store.inspect("{{.State.Pid}}", infra));
  }

  /** Starts its containers in their order, and waits until they are ready. */
  async start(): Promise<void> {
    const { initContainers = [], containers, restartPolicy } =
      this.manifest.spec;
    for (const container of initContainers) {
      if (container.restartPolicy === "Always") await this.#sidecar(container);
      else await this.#toItsEnd(container);
    }
    for (const container of containers) await this.#run(container, "--detach");
    if (restartPolicy === "Never") return;
    const probed = [...initContainers, ...containers];
    for (const { name, readinessProbe } of probed) {
      if (readinessProbe) await this.#answers(name, readinessProbe);
    }
  }

  /** Ends it as the kubelet does; exit codes by container. */
  async stop(): Promise<Record<string, number>> {
    const { containers, terminationGracePeriodSeconds = 30 } =
      this.manifest.spec;
    const end = performance.now() + terminationGracePeriodSeconds * 1000;
    const stop = async (container: Container) => {
      const { exec } = container.lifecycle?.preStop ?? {};
      if (exec) await this.exec(container.name, ...exec.command);
      await this.#stop(container, (end - performance.now()) / 1000);
    };
    await Promise.all(containers.map(stop));
    for (const sidecar of this.#sidecars().toReversed()) await stop(sidecar);
    return await this.#exitCodes();
  }

  /** Waits until its work is done, and ends the sidecars; exit codes by container. */
  async done(): Promise<Record<string, number>> {
    for (const { name } of this.manifest.spec.containers) {
      await this.ended(name);
    }
    for (const sidecar of this.#sidecars().toReversed()) {
      await this.#stop(
        sidecar,
        this.manifest.spec.terminationGracePeriodSeconds ?? 30,
      );
    }
    return await this.#exitCodes();
  }

  /** Waits for the end of one container; its exit code. */
  ended(container: string): Promise<number> {
    return poll(async () => {
      const state = await this.store.inspect(
        "{{.State.Status}} {{.State.ExitCode}}",
        this.#name(container),
      );
      const [, code] = /^exited (\d+)$/.exec(state) ?? [];
      return code === undefined ? undefined : Number(code);
    }, () => `end of ${container}`);
  }

  /** Whether a container goes on. */
  async runs(container: string): Promise<boolean> {
    const name = this.#name(container);
    return await this.store.inspect("{{.State.Running}}", name) === "true";
  }

  signal(container: string, signal: string): Promise<string> {
    return this.store.podman("kill", "--signal", signal, this.#name(container));
  }

  /** Runs a command in a container; what it printed. */
  exec(container: string, ...command: readonly string[]): Promise<string> {
    return this.store.podman("exec", this.#name(container), ...command);
  }

  /** Lines that a container has said so far, on either of its outputs. */
  async logs(container: string): Promise<string[]> {
    const path = await this.store.inspect(
      "{{.HostConfig.LogConfig.Path}}",
      this.#name(container),
    );
    return linesOf(await Deno.readTextFile(path));
  }

  /** The process of a container, as this machine sees it. */
  async pid(container: string): Promise<number> {
    const name = this.#name(container);
    return Number(await this.store.inspect("{{.State.Pid}}", name));
  }

  /** Its rights in effect. */
  async capabilities(container: string): Promise<string[]> {
    const name = this.#name(container);
    const list = await this.store.inspect("{{json .EffectiveCaps}}", name);
    return (JSON.parse(list) as string[] ?? []).sort();
  }

  /** When a container ended, in milliseconds since 1970. */
  async finishedAt(container: string): Promise<number> {
    const format = "{{.State.FinishedAt.UnixMilli}}";
    return Number(await this.store.inspect(format, this.#name(container)));
  }

  /** Changes a ConfigMap's files, as the kubelet does it. */
  async change(
    volume: string,
    files: Readonly<Record<string, string>>,
  ): Promise<void> {
    await project(this.#volumes.get(volume)!, files);
  }

  /** Removes all that is left of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const force = ["--force", "--ignore", "--time", "0"];
    await this.store.podman("pod", "rm", ...force, this.settings.name);
  }

  #sidecars(): Container[] {
    return (this.manifest.spec.initContainers ?? [])
      .filter(({ restartPolicy }) => restartPolicy === "Always");
  }

  async #toItsEnd(container: Container): Promise<void> {
    try {
      await this.#run(container, "--timeout", `${INIT_SECONDS}`);
    } catch (error) {
      const said = await this.logs(container.name).catch(() => []);
      throw new Error([`${container.name} failed`, ...said].join("\n"), {
        cause: error,
      });
    }
  }

  async #sidecar(container: Container): Promise<void> {
    await this.#run(container, "--detach");
    const { name, startupProbe } = container;
    if (!startupProbe) return;
    await this.#answers(name, startupProbe);
    const answered = Date.now();
    const started = await this.store.inspect(
      "{{.State.StartedAt.UnixMilli}}",
      this.#name(name),
    );
    this.startMs = answered - Number(started);
  }

  /** Asks a probe until it is content; more often than the kubelet, since times are taken here. */
  async #answers(container: string, probe: Probe): Promise<void> {
    try {
      await poll(
        async () => await this.#isContent(container, probe) || undefined,
        () => `good answer to a probe of ${container}`,
      );
    } catch (error) {
      const said = await this.logs(container);
      throw new Error([(error as Error).message, ...said].join("\n"));
    }
  }

  async #isContent(
    container: string,
    { httpGet, exec }: Probe,
  ): Promise<boolean> {
    if (exec) {
      return await this.exec(container, ...exec.command)
        .then(() => true, () => false);
    }
    const { path, port, httpHeaders = [] } = httpGet!;
    const headers = httpHeaders.some(({ name }) => name === "Host")
      ? httpHeaders
      : [...httpHeaders, { name: "Host", value: `${this.address}:${port}` }];
    return await this.node.get(this.address, port, path, headers) === 200;
  }

  async #run(container: Container, ...how: readonly string[]): Promise<string> {
    return await this.store.podman(
      // Kubernetes asks its own probes, and no image's.
      ...["run", ...how, "--no-healthcheck", "--pod", this.settings.name],
      ...["--name", this.#name(container.name)],
      ...containerOptions(container, this.#volumes),
      container.image,
      ...container.args ?? [],
    );
  }

  async #stop({ name }: Container, seconds: number): Promise<void> {
    const grace = Math.max(LEAST_GRACE_SECONDS, Math.ceil(seconds));
    await this.store.podman("stop", "--time", `${grace}`, this.#name(name));
  }

  async #exitCodes(): Promise<Record<string, number>> {
    const codes: Record<string, number> = {};
    for (
      const { name } of [
        ...this.#sidecars(),
        ...this.manifest.spec.containers,
      ]
    ) codes[name] = await this.ended(name);
    return codes;
  }

  #name(container: string): string {
    return `${this.settings.name}-${container}`;
  }
}

/** A log file of the runtime: `TIME stdout F text`, with P for a part of a line that goes on. */
function linesOf(log: string): string[] {
  const lines: string[] = [];
  let open = "";
  for (const line of log.split("\n")) {
    const [, kind, text] = /^\S+ std(?:out|err) ([FP]) (.*)$/.exec(line) ?? [];
    if (kind === undefined) continue;
    open += text!;
    if (kind === "P") continue;
    lines.push(open);
    open = "";
  }
  return lines;
}
