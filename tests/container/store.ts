/**
 * Images and containers of these tests, in a store of their own: podman's own
 * one, its networks and its settings are left alone.
 *
 * The store is kept in the cache, so that a second build finds what the first
 * one made; names end with the process, so that runs do not meet.
 *
 * @module
 */
import { busybox, type Missing, podman, type Tool } from "../setup/mod.ts";
import { cacheFolder } from "../setup/cache.ts";
import { missing, output } from "../setup/tool.ts";

/** What is not named for so long is not kept. */
const KEPT = "24h";

export class Store implements AsyncDisposable {
  readonly #tags = new Set<string>();

  private constructor(
    private readonly tool: Tool,
    private readonly folder: string,
  ) {}

  static async open(tool: Tool): Promise<Store> {
    const folder = `${cacheFolder()}/podman-store`;
    await Deno.mkdir(folder, { recursive: true });
    const settings = {
      "containers.conf": settingsBeside(tool.command),
      "policy.json": JSON.stringify({
        default: [{ type: "insecureAcceptAnything" }],
      }),
      "storage.conf":
        `[storage]\ndriver = "overlay"\nrunroot = "${folder}/run"\ngraphroot = "${folder}/images"\n`,
    };
    for (const [name, text] of Object.entries(settings)) {
      // Another process may be reading it.
      const draft = `${folder}/${name}.${Deno.pid}`;
      await Deno.writeTextFile(draft, text);
      await Deno.rename(draft, `${folder}/${name}`);
    }
    return new Store(tool, folder);
  }

  /** An image's name, here and in this process. */
  tag(name: string): string {
    return `localhost/parley-test-${name}:${Deno.pid}`;
  }

  /** Runs podman to its end; what it printed. @throws {CommandError} */
  async podman(...args: readonly string[]): Promise<string> {
    const text = await output(this.tool.command, [
      "--tmpdir",
      `${this.folder}/tmp`,
      ...args,
    ], {
      env: this.#env(),
    });
    return text.trim();
  }

  /** Builds a folder with a Containerfile in it; the image's name. */
  async build(
    name: string,
    folder: string,
    args: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const tag = this.tag(name);
    await this.podman(
      ...["build", "--isolation", "chroot", "--layers", "--format", "docker"],
      ...["--signature-policy", `${this.folder}/policy.json`],
      ...Object.entries(args).flatMap(([name, value]) => [
        "--build-arg",
        `${name}=${value}`,
      ]),
      ...["--tag", tag, "--file", `${folder}/Containerfile`, folder],
    );
    this.#tags.add(tag);
    return tag;
  }

  /** What is known of an image or container. */
  inspect(format: string, name: string): Promise<string> {
    return this.podman("inspect", "--format", format, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Without a name all would go, those too that other runs have given.
    for (const tag of this.#tags) await this.podman("untag", tag, tag);
    // What was kept may be in use by another run.
    await this.podman("image", "prune", "--force", "--filter", `until=${KEPT}`)
      .catch(() => {});
  }

  #env(): Record<string, string> {
    return {
      ...this.tool.env,
      CONTAINERS_CONF: `${this.folder}/containers.conf`,
      CONTAINERS_STORAGE_CONF: `${this.folder}/storage.conf`,
    };
  }
}

/** No network but what a test makes; what podman starts is found where it was unpacked. */
function settingsBeside(podman: string): string {
  const [, root = ""] = /^(.+)\/usr\/bin\/podman$/.exec(podman) ?? [];
  const beside = (program: string) =>
    JSON.stringify([
      `${root}/usr/bin/${program}`,
      `${root}/usr/sbin/${program}`,
    ]);
  return `[containers]
netns = "none"
default_ulimits = ["nofile=20000:20000", "nproc=30000:30000"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
${
    root === "" ? "" : `runtime = "runc"
conmon_path = ${beside("conmon")}
helper_binaries_dir = ["${root}/usr/libexec/podman"]
[engine.runtimes]
runc = ${beside("runc")}
`
  }`;
}

/** podman, and busybox for what it runs, where containers can be run. */
export interface ContainerTools {
  readonly podman: Tool | Missing;
  readonly busybox: Tool | Missing;
}

/** Looks for them, and runs a container to see that it does. */
export async function containerTools(): Promise<ContainerTools> {
  const tools = { podman: await rootsPodman(), busybox: await busybox() };
  if (tools.podman.kind === "missing" || tools.busybox.kind === "missing") {
    return tools;
  }
  try {
    await runOne(tools.podman, tools.busybox);
    return tools;
  } catch (error) {
    const reason = `podman runs nothing here: ${(error as Error).message}`;
    return { ...tools, podman: missing(reason) };
  }
}

async function rootsPodman(): Promise<Tool | Missing> {
  if (Deno.build.os !== "linux") return missing("containers: no Linux");
  if (Deno.uid() !== 0) return missing("containers in networks need root");
  return await podman();
}

async function runOne(podman: Tool, { command }: Tool): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "parley-container-" });
  try {
    await using store = await Store.open(podman);
    await Deno.copyFile(command, `${folder}/busybox`);
    await Deno.writeTextFile(
      `${folder}/Containerfile`,
      "FROM scratch\nCOPY busybox /busybox\n",
    );
    const image = await store.build("probe", folder);
    const options = ["--rm", "--network", "none", "--memory", "64m"];
    await store.podman("run", ...options, image, "/busybox", "true");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
