/**
 * The real sidecar, in a process of its own, with files of its own.
 *
 * @module
 */
import { AccessLog } from "./access_log.ts";
import { Lines } from "./lines.ts";
import { within } from "./wait.ts";
import { Wire } from "./wire.ts";

const ROOT = new URL("../../", import.meta.url);

/** The port that the policies of these tests speak of, whatever port is free. */
const POLICY_PORT = 11211;

/** What a sidecar is started with. */
export interface SidecarOptions {
  readonly upstream: string;
  /** The protocol to read when no policy names one. */
  readonly l7proto?: string;
  /** More keys of parley.yaml. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Texts by file name. */
  readonly policies?: Readonly<Record<string, string>>;
  readonly parsers?: Readonly<Record<string, string>>;
}

/** An `l7` rule. */
export type Rule = Readonly<Record<string, string>>;

/** Who may ask for what. `from` are labels; without, anyone. */
export interface Allowed {
  readonly from?: Readonly<Record<string, string>>;
  readonly rules: readonly Rule[];
}

/** A policy for the guarded workload, as the text of its file. JSON is YAML. */
export function memcachePolicy(...allowed: readonly Allowed[]): string {
  return JSON.stringify(
    {
      apiVersion: "cilium.io/v2",
      kind: "CiliumNetworkPolicy",
      metadata: { name: "guard" },
      spec: {
        endpointSelector: { matchLabels: { app: "guarded" } },
        ingress: allowed.map(({ from, rules }) => ({
          ...(from
            ? { fromEndpoints: [{ matchLabels: from }] }
            : { fromEntities: ["all"] }),
          toPorts: [{
            ports: [{ port: String(POLICY_PORT), protocol: "TCP" }],
            rules: { l7proto: "memcache", l7: rules },
          }],
        })),
      },
    },
    null,
    2,
  );
}

/** A sidecar on a free loopback port, until it is stopped or disposed of. */
export class Sidecar implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  #stopped: Promise<number> | undefined;
  readonly port: number;
  /** What it tells its operator. */
  readonly said: Lines;
  readonly log: AccessLog;

  private constructor(
    child: Deno.ChildProcess,
    said: Lines,
    folder: string,
    port: number,
  ) {
    this.#child = child;
    this.#folder = folder;
    this.said = said;
    this.port = port;
    this.log = new AccessLog(`${folder}/access.log`);
  }

  static async start(options: SidecarOptions): Promise<Sidecar> {
    const folder = await Deno.makeTempDir({ prefix: "parley-e2e-" });
    await writeFiles(folder, options);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-q",
        "-P",
        "main.ts",
        "run",
        "-c",
        `${folder}/parley.yaml`,
      ],
      cwd: ROOT,
      // Others of this user sweep the folder that sockets are in otherwise, and knock at each.
      env: { XDG_RUNTIME_DIR: folder },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const said = new Lines(child.stderr);
    try {
      const line = await said.until(
        (line) => LISTENER.test(line),
        "line about its listener",
      );
      const port = Number(LISTENER.exec(line)![1]);
      return new Sidecar(child, said, folder, port);
    } catch (error) {
      kill(child, "SIGKILL");
      await Promise.all([child.status, said.done]);
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  connect(): Promise<Wire> {
    return Wire.connect(this.port);
  }

  /** Saves a policy as editors do: the file is whole at any time. */
  savePolicy(name: string, text: string): Promise<void> {
    return save(`${this.#folder}/policies`, name, text);
  }

  saveParser(name: string, text: string): Promise<void> {
    return save(`${this.#folder}/parsers`, name, text);
  }

  /** Bytes of memory that the supervisor and its data workers have: checkers come and go. */
  async memory(): Promise<number> {
    let bytes = 0;
    for (const pid of await this.#lasting()) {
      const status = await Deno.readTextFile(`/proc/${pid}/status`)
        .catch(() => ""); // it has ended
      const [, kilobytes = 0] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
      bytes += Number(kilobytes) * 1024;
    }
    return bytes;
  }

  /** How many descriptors these have open. */
  async descriptors(): Promise<number> {
    let count = 0;
    for (const pid of await this.#lasting()) {
      count += await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))
        .then(({ length }) => length, () => 0); // it has ended
    }
    return count;
  }

  /** Its data workers. */
  async workers(): Promise<string[]> {
    const workers: string[] = [];
    for (const pid of await this.#children()) {
      const line = await Deno.readTextFile(`/proc/${pid}/cmdline`)
        .catch(() => ""); // it has ended
      if (line.includes("/worker/main.ts")) workers.push(pid);
    }
    return workers;
  }

  async #lasting(): Promise<string[]> {
    return [String(this.#child.pid), ...await this.workers()];
  }

  async #children(): Promise<string[]> {
    const { pid } = this.#child;
    const children = await Deno.readTextFile(
      `/proc/${pid}/task/${pid}/children`,
    );
    return children.split(" ").filter((each) => each !== "");
  }

  /** Asks it to stop. */
  signal(signal: Deno.Signal): void {
    kill(this.#child, signal);
  }

  /** Its exit code, once it has ended. */
  exit(): Promise<number> {
    this.#stopped ??= within(
      Promise.all([this.#child.status, this.said.done]),
      () => "end of the sidecar",
      () => kill(this.#child, "SIGKILL"),
    ).then(([{ code }]) => code);
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    kill(this.#child, "SIGTERM");
    await this.exit();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

const LISTENER = /listener \S+ \(ingress\) at 127\.0\.0\.1:(\d+), upstream/;

async function writeFiles(
  folder: string,
  { upstream, l7proto, config, policies, parsers }: SidecarOptions,
): Promise<void> {
  const { limits, ...rest } = config ?? {};
  const parley = {
    endpoint: { name: "guarded-0", labels: { app: "guarded" } },
    listeners: [{
      name: "memcached",
      listen: "127.0.0.1:0",
      upstream,
      port: POLICY_PORT,
      ...(l7proto ? { l7proto } : {}),
    }],
    ...(policies ? { policies: ["policies/"] } : {}),
    parsers: { folders: ["parsers/"] },
    accessLog: { sink: { file: "access.log" } },
    // A test that is over does not wait for connections that it left open.
    limits: { drain: "100ms", ...limits as object },
    ...rest,
  };
  await save(folder, "parley.yaml", JSON.stringify(parley, null, 2));
  const folders = { policies: policies ?? {}, parsers: parsers ?? {} };
  for (const [name, files] of Object.entries(folders)) {
    await Deno.mkdir(`${folder}/${name}`);
    for (const [file, text] of Object.entries(files)) {
      await save(`${folder}/${name}`, file, text);
    }
  }
}

async function save(folder: string, name: string, text: string): Promise<void> {
  const path = `${folder}/${name}`;
  const slash = path.lastIndexOf("/");
  const draft = `${path.slice(0, slash)}/.${path.slice(slash + 1)}.draft`;
  await Deno.mkdir(path.slice(0, slash), { recursive: true });
  await Deno.writeTextFile(draft, text);
  await Deno.rename(draft, path);
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch { /* it has ended */ }
}
