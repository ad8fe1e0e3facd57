/**
 * A controller's word, put in force: its policies, whom they speak of, and which
 * workload this is.
 *
 * A peer that is not known is taken for a stranger. So whom the policies in
 * force speak of stays known until none of them is in force any more, and where
 * there are policies that the controller does not know, all of the cluster is
 * asked for.
 *
 * @module
 */
import type { Source } from "../../policy/file.ts";
import type { Config } from "../config/mod.ts";
import type { Cluster } from "../identities/cluster.ts";
import type { ToldView, View } from "../identities/controller_source.ts";
import type { PolicyState } from "../policy_history.ts";
import { policyPaths } from "../standing_policies.ts";

/** What a controller's word is put in force by. */
export interface ObedienceOptions {
  readonly cluster: Cluster;
  config(): Config;
  /** This is the configuration from now on. */
  become(config: Config): void;
  /** What has become of the policies. */
  policies(): PolicyState;
  /** The next reading is judged, changed or not. */
  forget(): void;
  /** Has policies judged, and puts them in force together with the configuration and whoever is known. */
  reload(): Promise<void>;
  /** Puts the configuration and whoever is known in force. */
  configure(): Promise<void>;
  /** Does something after all that was begun. */
  inTurn(act: () => Promise<void>): Promise<void>;
}

/** How sources are named that a controller told (policy/controller_stream.ts), and those of settings (proxy/standing_policies.ts). */
const TOLD = /^controller: /;
const STANDING = /^parley\.yaml \(/;

export class Obedience {
  readonly #options: ObedienceOptions;
  /** What is in force. */
  #told: ToldView | undefined;
  #hasBegun = false;

  constructor(options: ObedienceOptions) {
    this.#options = options;
  }

  /** That were told. */
  get policies(): readonly Source[] {
    return this.#told?.policies ?? [];
  }

  /** The configuration for the workload as the controller knows it. */
  asTold(config: Config): Config {
    const endpoint = this.#told?.endpoint;
    return endpoint
      ? { ...config, endpoint: { ...config.endpoint, ...endpoint } }
      : config;
  }

  /** Waits until something was told. @throws the reason of `stopping` */
  async listen(stopping: AbortSignal): Promise<void> {
    const { cluster, config, become } = this.#options;
    this.#told = await cluster.obey(config(), {
      view: this.#isLocal ? "complete" : "needed",
      changed: () => this.follow(),
      signal: stopping,
    });
    become(this.asTold(config()));
  }

  /** From now on what is told is put in force; it may be more already than was waited for. */
  begin(): void {
    this.#hasBegun = true;
    this.follow();
  }

  /** Puts in force what was told last, if that is not. */
  follow(): void {
    const { cluster, inTurn } = this.#options;
    if (!this.#hasBegun || !cluster.controller) return;
    void inTurn(() => this.#take());
  }

  /** Policies have changed, or the configuration: asks for whom they can speak of. */
  ask(): void {
    this.#options.cluster.controller?.want(this.#view);
  }

  async #take(): Promise<void> {
    const { cluster, configure } = this.#options;
    const controller = cluster.controller!;
    const told = controller.told!;
    const before = this.#told;
    if (told === before) return;
    const isOtherWorkload = isOther(before?.endpoint, told.endpoint);
    if (isOtherWorkload || isOther(before?.policies, told.policies)) {
      controller.widen(told);
      await this.#reload(told, isOtherWorkload);
    }
    this.#told = told;
    this.ask();
    const isEnough = told.view === "complete" || this.#view === "needed";
    if (isEnough) controller.settle(told);
    else controller.widen(told);
    await configure();
  }

  /** @throws when the policies cannot be judged: those of before stay then */
  async #reload(told: ToldView, isOtherWorkload: boolean): Promise<void> {
    const { config, become, forget, reload } = this.#options;
    const [before, configBefore] = [this.#told, config()];
    this.#told = told;
    become(this.asTold(configBefore));
    if (isOtherWorkload) forget();
    try {
      await reload();
    } catch (error) {
      this.#told = before;
      become(configBefore);
      throw error;
    }
  }

  /** A controller chooses by the policies that it knows. */
  get #view(): View {
    const { error, documents } = this.#options.policies();
    const isAsTold = error === undefined &&
      documents.every(({ file, status }) =>
        STANDING.test(file) || TOLD.test(file) && status === "applied"
      );
    return isAsTold && !this.#isLocal ? "needed" : "complete";
  }

  /** Whether the configuration says more of policies, or of who is where, than the controller knows. */
  get #isLocal(): boolean {
    const config = this.#options.config();
    const { identities, cluster: { name, stream, services } } = config;
    const lists = [policyPaths(config), identities, services];
    return lists.some(({ length }) => length > 0) ||
      name !== undefined || stream !== undefined;
  }
}

function isOther(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) !== JSON.stringify(b);
}
