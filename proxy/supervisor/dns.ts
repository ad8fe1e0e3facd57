/**
 * Where names lead: the process that asks for them, and the workers that are
 * told before anybody else is.
 *
 * @module
 */
import { canonical, DnsCache, type Lease } from "../../policy/dns_cache.ts";
import { normalizeName } from "../../policy/dns_name.ts";
import {
  formatStatus,
  type SourceState,
  type SourceStatus,
} from "../../policy/identity_source.ts";
import type { StoredDocument } from "../../policy/stored.ts";
import type { DnsConfig } from "../config/mod.ts";
import { readCounts } from "../control/counters.ts";
import type { FromDns } from "../control/dns_messages.ts";
import type { ToWorker } from "../control/messages.ts";
import { type Count, SERIES_MAX, Tally } from "../counting/tally.ts";
import type { DataConfig } from "../data_config.ts";
import type { OperatorLog } from "../sidecar.ts";
import { thrownText } from "../thrown.ts";
import { Backoff } from "./backoff.ts";
import { DnsProcess } from "./dns_process.ts";
import type { Kernel } from "./kernel.ts";

/** Whoever asked is told that it failed when the workers do not know by then. */
const KNOWN_MS = 2500;
/** What expires within so long expires together. */
const EXPIRY_MS = 1000;

/** What it needs of the supervisor. */
export interface DnsOptions {
  readonly kernel: Kernel;
  readonly log: OperatorLog;
  /** The `deno.json` of the program. */
  readonly program: string;
  state(): {
    readonly dns: DnsConfig | undefined;
    readonly config: DataConfig;
    readonly documents: readonly StoredDocument[];
  };
  /** Resolves when all workers have carried it out. */
  tell(order: ToWorker): Promise<void>;
  /** See `LogOutput.lend`. */
  lend(use: (descriptor: number) => Promise<void>): Promise<void>;
  missing(walls: readonly string[]): void;
}

/** The DNS source of identities. Without a configuration it does nothing. */
export class Dns {
  readonly #options: DnsOptions;
  readonly #cache = new DnsCache();
  #process: DnsProcess | undefined;
  /** The configuration that is followed, as JSON. */
  #followed = "";
  #state: SourceState = "starting";
  #heard: number | undefined;
  #error: string | undefined;
  readonly #backoff = new Backoff();
  #expiry: ReturnType<typeof setTimeout> | undefined;
  #restart: ReturnType<typeof setTimeout> | undefined;
  /** What the process has counted, and those before it. */
  #counted: readonly Count[] = [];
  readonly #buried = new Tally(SERIES_MAX);

  constructor(options: DnsOptions) {
    this.#options = options;
  }

  /** What is known, for a worker that starts. */
  get leases(): Lease[] {
    return this.#cache.leases();
  }

  /** Remembers what the supervisor has looked up itself. */
  note(leases: readonly Lease[]): void {
    this.#cache.take(leases);
    this.#expireLater();
  }

  /** Nothing where it is not configured. @param now milliseconds since the epoch */
  status(now: number): SourceStatus[] {
    if (this.#followed === "") return [];
    return [{
      name: "dns",
      state: this.#state,
      age: this.#heard === undefined ? undefined : now - this.#heard,
      ...(this.#error === undefined ? {} : { error: this.#error }),
    }];
  }

  /** Requests, and how long they took. */
  traffic(): Count[] {
    const sums = new Tally();
    sums.add(this.#buried.counts);
    sums.add(this.#counted);
    return sums.counts;
  }

  /** Resolves when what has been counted up to now is known. */
  async count(): Promise<void> {
    await this.#process?.tell({ type: "count" });
  }

  #bury(): void {
    this.#buried.add(this.#counted);
    this.#counted = [];
  }

  /** Follows the configuration. What was known counts until it expires. */
  async follow(): Promise<void> {
    const { dns } = this.#options.state();
    const wanted = dns === undefined ? "" : JSON.stringify(dns);
    if (wanted === this.#followed) return await this.configure();
    await this.close();
    this.#followed = wanted;
    if (dns) await this.#start(dns);
    else this.#expireLater(); // with nobody to say otherwise
  }

  /** Identities or the mode have changed. */
  async configure(): Promise<void> {
    const { config } = this.#options.state();
    await this.#process?.tell({ type: "configure", config });
  }

  /** Another policy is in force; with `isOther`, for another workload or among others. */
  async publish(isOther = false): Promise<void> {
    const { documents, config } = this.#options.state();
    await this.#process?.tell({
      ...{ type: "publish", documents },
      ...(isOther ? { config } : {}),
    });
  }

  /** Gives the process a descriptor for its lines, after a rotation too. */
  async lendLog(): Promise<void> {
    const { lend } = this.#options;
    const process = this.#process;
    if (!process) return;
    await lend((descriptor) => process.send({ type: "log" }, descriptor));
  }

  async close(): Promise<void> {
    clearTimeout(this.#expiry);
    this.#expiry = undefined;
    clearTimeout(this.#restart);
    const process = this.#process;
    this.#process = undefined;
    this.#followed = "";
    this.#state = "starting";
    process?.kill();
    await process?.ended;
    this.#bury();
  }

  async #start(dns: DnsConfig): Promise<void> {
    const { kernel, log, program } = this.#options;
    const process = new DnsProcess({
      kernel,
      program,
      dns,
      warn: (message) => log.warn(message),
      take: (message) => this.#take(process, message),
    });
    this.#process = process;
    void this.#mourn(process, dns);
    this.#expireLater();
    await this.lendLog();
    await this.configure();
    await this.publish();
  }

  /** A process that dies is replaced: at once, and later and later when one after another dies young. */
  async #mourn(process: DnsProcess, dns: DnsConfig): Promise<void> {
    const started = performance.now();
    const { how, lastWords } = await process.ended;
    if (this.#process !== process) return;
    this.#process = undefined;
    this.#bury();
    const words = lastWords === "" ? "" : `: ${lastWords}`;
    this.#become("stale", `its process ended with ${how}${words}`);
    this.#startAgain(dns, performance.now() - started);
  }

  #startAgain(dns: DnsConfig, lived: number): void {
    const wait = this.#backoff.after(lived);
    if (wait > 0) {
      this.#options.log.warn(
        `${this.#backoff.young} processes for DNS in a row died young; the next one starts in ${wait} ms`,
      );
    }
    this.#restart = setTimeout(() => {
      this.#start(dns).catch((error) => {
        const { log } = this.#options;
        log.warn(`cannot start a process for DNS: ${thrownText(error)}`);
        if (!this.#process) this.#startAgain(dns, 0);
      });
    }, wait);
  }

  #take(process: DnsProcess, message: FromDns): void {
    const { log, missing } = this.#options;
    switch (message.type) {
      case "started":
        missing(message.missing);
        log.info(
          message.address === undefined
            ? "dns: the names of toFQDNs are looked up"
            : `dns: queries are answered at ${message.address}`,
        );
        return;
      case "heard":
        this.#heard = Date.now();
        return this.#become("live", undefined);
      case "silent":
        return this.#become("stale", message.error);
      case "counted":
        this.#counted = readCounts(message.traffic);
        return;
      case "learnt":
        return void this.#learn(process, message.id, message.leases);
      case "warn":
        return log.warn(`dns: ${message.message}`);
      case "synced":
        return;
    }
  }

  /** Tells the workers, then the process that they know. */
  async #learn(
    process: DnsProcess,
    id: number,
    leases: readonly Lease[],
  ): Promise<void> {
    const good = leases.filter(isLease);
    this.#cache.take(good);
    this.#expireLater();
    const late = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => late.resolve(false), KNOWN_MS);
    const told = this.#options.tell({ type: "learn", leases: good })
      .then(() => true, () => false);
    const isKnown = await Promise.race([told, late.promise]);
    clearTimeout(timer);
    void process.send({ type: "known", id, isKnown });
  }

  /** While no resolver answers, what was known last counts. */
  #expireLater(): void {
    const next = this.#cache.nextExpiry();
    const isHeld = this.#followed !== "" && this.#state !== "live";
    if (next === undefined || isHeld || this.#expiry !== undefined) return;
    const wait = Math.max(EXPIRY_MS, next - Date.now());
    this.#expiry = setTimeout(() => {
      this.#expiry = undefined;
      this.#expire();
    }, Math.min(wait, 2 ** 31 - 1));
    Deno.unrefTimer(this.#expiry);
  }

  #expire(): void {
    const isHeld = this.#followed !== "" && this.#state !== "live";
    if (isHeld) return;
    const until = Date.now();
    const isOver = (this.#cache.nextExpiry() ?? Infinity) <= until;
    if (isOver) {
      this.#cache.expire(until);
      this.#options.tell({ type: "expire", until }).catch(() => {});
    }
    this.#expireLater();
  }

  /** Says what has become of it, when that is news. */
  #become(state: SourceState, error: string | undefined): void {
    const isNews = this.#state !== state || this.#error !== error;
    this.#state = state;
    this.#error = error;
    if (!isNews) return;
    const { log } = this.#options;
    const [status] = this.status(Date.now());
    if (!status) return;
    const text = `identities: ${formatStatus(status)}`;
    if (state === "live") {
      log.info(text);
      this.#expireLater();
    } else log.warn(`${text}; what was known before counts`);
  }
}

/** What comes from the network came through a process that may err. */
function isLease({ name, address, until }: Lease): boolean {
  return normalizeName(name) === name && canonical(address) === address &&
    Number.isFinite(until);
}
