/**
 * One of several replicas at a time: who holds a Lease of
 * `coordination.k8s.io/v1`. As other controllers do it: whoever has seen a
 * record unchanged for its whole term, by a clock of its own, may take it.
 *
 * @module
 */
import { z } from "zod";
import { type KubeClient, KubeError } from "./client.ts";
import { pause } from "../../proxy/pause.ts";

/** How long a record counts after it was last renewed. */
const TERM_MS = 15_000;
/** A holder that could not renew for so long does nothing more: sooner than others may take over. */
const HELD_MS = 10_000;
/** How often it is looked at. */
const ROUND_MS = 2_000;

const leaseSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  spec: z.looseObject({
    holderIdentity: z.string().nullish(),
    renewTime: z.string().nullish(),
    leaseTransitions: z.int().nullish(),
  }).nullish(),
});
type LeaseObject = z.output<typeof leaseSchema>;

export interface LeaseOptions {
  readonly client: Pick<KubeClient, "get" | "replace">;
  readonly namespace: string;
  /** Of the Lease, which has to be there. */
  readonly name: string;
  /** Who this replica is, among all that ever were. */
  readonly identity: string;
  readonly log: { info(message: string): void; warn(message: string): void };
  readonly signal: AbortSignal;
  /** It was taken; or it was lost, or given back. */
  changed(isHeld: boolean): void;
}

export class Lease {
  readonly #options: LeaseOptions;
  readonly #path: string;
  /** Until when it is held; by the clock of `performance`. */
  #until = 0;
  #wasHeld = false;
  /** The record of another, and since when it is as it is. */
  #seen = { record: "", since: 0 };
  #failures = 0;

  constructor(options: LeaseOptions) {
    const { namespace, name } = options;
    this.#options = options;
    this.#path =
      `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`;
  }

  /** Whether this replica may act for all. */
  get isHeld(): boolean {
    return performance.now() < this.#until;
  }

  /** Takes it whenever that may be, until it is told to stop; gives it back then. */
  async keep(): Promise<void> {
    const { signal, log } = this.#options;
    do {
      try {
        await this.#round();
        this.#failures = 0;
      } catch (error) {
        if (isLate(error)) continue; // another was quicker
        if (++this.#failures === FAILURES_TOLD) {
          log.warn(`the lease cannot be kept: ${(error as Error).message}`);
        }
      } finally {
        this.#tell();
      }
    } while (await pause(ROUND_MS, signal));
    await this.#giveBack();
  }

  async #round(): Promise<void> {
    const { client, identity } = this.#options;
    const start = performance.now();
    const lease = await client.get(this.#path, leaseSchema);
    const { holderIdentity, renewTime } = lease.spec ?? {};
    const isOwn = holderIdentity === identity;
    if (!isOwn && holderIdentity && !this.#isOver(holderIdentity, renewTime)) {
      this.#until = 0;
      return;
    }
    await this.#write(lease, identity, isOwn);
    this.#until = start + HELD_MS;
  }

  /** Whether another's term has passed without a word. */
  #isOver(holder: string, renewTime: string | null | undefined): boolean {
    const record = `${holder} ${renewTime}`;
    const now = performance.now();
    if (this.#seen.record !== record) this.#seen = { record, since: now };
    return now - this.#seen.since > TERM_MS;
  }

  async #write(
    lease: LeaseObject,
    holderIdentity: string,
    isOwn: boolean,
  ): Promise<void> {
    const now = microTime();
    await this.#options.client.replace(this.#path, {
      ...lease,
      spec: {
        ...lease.spec,
        holderIdentity,
        leaseDurationSeconds: TERM_MS / 1000,
        renewTime: now,
        ...(isOwn ? {} : {
          acquireTime: now,
          leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1,
        }),
      },
    });
  }

  #tell(): void {
    const { isHeld } = this;
    if (isHeld === this.#wasHeld) return;
    this.#wasHeld = isHeld;
    const { log, changed, identity } = this.#options;
    log.info(`${identity} ${isHeld ? "leads" : "does not lead any more"}`);
    changed(isHeld);
  }

  /** Others need not wait for the term to pass. */
  async #giveBack(): Promise<void> {
    if (!this.isHeld) return;
    this.#until = 0;
    this.#tell();
    try {
      const lease = await this.#options.client.get(this.#path, leaseSchema);
      if (lease.spec?.holderIdentity !== this.#options.identity) return;
      await this.#write(lease, "", true);
    } catch {
      // It ends by itself.
    }
  }
}

/** A round that fails once is nothing to tell of. */
const FAILURES_TOLD = 3;

function isLate(error: unknown): boolean {
  return error instanceof KubeError && error.status === 409;
}

/** A time as `MicroTime` of Kubernetes has it. */
function microTime(): string {
  return new Date().toISOString().replace("Z", "000Z");
}
