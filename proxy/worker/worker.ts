/**
 * What a data worker does: it carries out the supervisor's orders between the
 * turns of its event loop, and reports.
 *
 * @module
 */
import { StoredPolicy } from "../../policy/stored.ts";
import { answer } from "../answer.ts";
import type { DescriptorLog } from "../accesslog/descriptor_log.ts";
import type { ListenerConfig } from "../config/mod.ts";
import type {
  Published,
  PublishedVersion,
  WorkerQuestion,
} from "../control/messages.ts";
import type { DataConfig } from "../data_config.ts";
import { Engine } from "../engine.ts";
import { ParserUsage } from "../parser_usage.ts";
import { importVersion } from "../registry/import.ts";
import type { LoadedParser } from "../registry/registry.ts";
import { limitCalls } from "../sandbox/meter.ts";
import { thrownText } from "../thrown.ts";
import type { Channel } from "../linux/channel.ts";
import type {
  EpollTransport,
  MovableListener,
} from "../transport/epoll/epoll.ts";
import type { Loop } from "../transport/epoll/loop.ts";
import type { Timed } from "../transport/epoll/timers.ts";
import type { Listener } from "../transport/transport.ts";
import { accountBy } from "../heartbeat.ts";
import { Pressure } from "./pressure.ts";
import type { Control, Order } from "./control.ts";
import type { Lines } from "./lines.ts";
import { HandOver } from "./hand_over.ts";
import { atTick, Lag } from "./lag.ts";
import { TakeOver } from "./take_over.ts";

/** Counters go to the supervisor so often. */
const COUNTERS_MS = 1000;
/** So long without an event, and garbage is collected: the runtime's own timers for that never come in a blocked loop. */
const QUIET_MS = 500;
/** Less is not collected: a collection takes 60 ms, in which whoever comes waits. */
const GARBAGE_BYTES = 4 * 1024 * 1024;
/** What the log and the last reports may take to leave at the end. */
const LAST_WORDS_MS = 2000;

/** What a worker works with. */
export interface WorkerParts {
  readonly loop: Loop;
  readonly control: Control;
  readonly transport: EpollTransport;
  readonly log: DescriptorLog;
  readonly lines: Lines;
  /** To the workers before and after this one: without a descriptor until they are there. */
  readonly predecessor: Channel;
  readonly successor: Channel;
  readonly lastConnection: number;
  /** Milliseconds since the epoch, with a fraction. */
  now(): number;
  warn(message: string): void;
  collectGarbage(): void;
  /** Bytes in use: heap and buffers. */
  memory(): number;
}

/** The data path under the supervisor's orders. */
export class Worker {
  readonly #parts: WorkerParts;
  #engine: Engine | undefined;
  #config: DataConfig | undefined;
  readonly #policy = new StoredPolicy();
  #parsers: ReadonlyMap<string, LoadedParser> = new Map();
  /** Every version that was ever imported, by its snapshot's folder. */
  readonly #imported = new Map<string, LoadedParser>();
  #names: Readonly<Record<string, readonly string[]>> = {};
  readonly #listeners = new Map<string, MovableListener>();
  readonly #configs = new Map<string, ListenerConfig>();
  #handingOver: HandOver | undefined;
  /** Listeners that accept no more and have connections still. */
  readonly #retired = new Set<Listener>();
  #isDraining = false;
  /** Events up to the last look, and whether garbage was collected since there were any. */
  #handled = 0;
  #isTidy = false;
  /** Bytes in use after the last collection. */
  #collectedTo = 0;
  readonly #lag = new Lag();
  readonly #pressure: Pressure;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#pressure = new Pressure({
      memory: parts.memory,
      collectGarbage: parts.collectGarbage,
      account: accountBy,
      shed: (...which) => this.#engine?.shed(...which) ?? 0,
      textOf: (version) => this.#textOf(version),
      warn: parts.warn,
      after: (delay, act) => this.#after(delay, act),
      now: () => parts.loop.now,
    });
  }

  /** Runs until it is drained, or the supervisor is gone. */
  async run(): Promise<void> {
    const { loop, control } = this.#parts;
    this.#every(COUNTERS_MS, () => {
      this.#report();
      this.#lag.turn();
    });
    this.#every(QUIET_MS, () => this.#tidy());
    while (!this.#isOver) {
      loop.run(() => control.hasOrders || this.#isOver);
      for (let order = control.take(); order; order = control.take()) {
        await this.#beside(this.#carryOut(order));
      }
    }
    this.#finish();
  }

  get #isOver(): boolean {
    const { control } = this.#parts;
    return control.isLost || (this.#isDraining && this.#connections === 0);
  }

  get #connections(): number {
    return this.#engine?.connections ?? 0;
  }

  /** Lets connections go on while something asynchronous is under way. */
  async #beside(task: Promise<void> | void): Promise<void> {
    if (!task) return;
    let isSettled = false;
    const settled = task.finally(() => isSettled = true);
    await Promise.all([
      settled,
      this.#parts.loop.runBeside(() => isSettled),
    ]);
  }

  #carryOut({ order, descriptor }: Order): Promise<void> | void {
    switch (order.type) {
      case "configure":
        return this.#configure(order.config);
      case "log":
        return this.#parts.log.open(descriptor!);
      case "copy-log":
        return this.#parts.lines.copy(order.group, order.filter, descriptor!);
      case "end-copy":
        return this.#parts.lines.endCopy(order.group);
      case "names":
        this.#names = order.addresses;
        return;
      case "learn":
        return this.#engine?.learn(order.leases);
      case "expire":
        return this.#engine?.expire(order.until);
      case "publish":
        return this.#publish(order.published, order.config);
      case "listen":
        return this.#listen(order.listener, descriptor!);
      case "unlisten":
        return this.#unlisten(order.name);
      case "hand-over":
        return this.#handOver(descriptor!, order.within);
      case "take-over":
        return this.#takeOver(descriptor!);
      case "drain":
        return this.#drain(order.within);
      case "ask":
        return this.#answer(order.id, order.question);
      case "relieve":
        return this.#pressure.relieve(this.#config!.limits.workerBytes);
      case "sync":
        this.#report();
        return this.#parts.control.send({ type: "synced", id: order.id });
    }
  }

  #configure(config: DataConfig): void {
    const { lastConnection, lines, now, warn } = this.#parts;
    this.#config = config;
    limitCalls(config.limits.parserTime);
    if (this.#engine) {
      this.#engine.configure(config);
      return;
    }
    this.#engine = new Engine(config, {
      limit: config.limits.connections,
      lastConnection,
      policy: () => this.#policy.current,
      parser: (name) => this.#parsers.get(name),
      addressOf: (hostname) => this.#names[hostname]?.[0],
      log: lines.take,
      warn,
      now,
    });
  }

  /** Puts parsers and policy in force, whole: between two turns of the loop. */
  async #publish(
    { parsers, documents }: Published,
    config: DataConfig | undefined,
  ): Promise<void> {
    const next = new Map<string, LoadedParser>();
    for (const version of parsers) {
      const loaded = await this.#load(version);
      if (loaded) next.set(version.name, loaded);
    }
    this.#parsers = next;
    const isOther = this.#policy.replace(documents);
    if (config) this.#configure(config); // connections are judged by both
    else if (isOther) this.#engine?.policyChanged();
    this.#engine?.parsersChanged(); // what waits is shown again: under the new policy
  }

  /** What a checker has loaded loads here; if it does not, that is told and the last version stays. */
  async #load(version: PublishedVersion): Promise<LoadedParser | undefined> {
    const known = this.#imported.get(version.snapshot);
    if (known) return known;
    const { number } = version;
    const usage = new ParserUsage(
      number,
      () => this.#parts.control.send({ type: "panicked", version: number }),
    );
    try {
      const loaded = await importVersion(version, usage);
      this.#imported.set(version.snapshot, loaded);
      return loaded;
    } catch (error) {
      this.#parts.warn(thrownText(error));
      return this.#parsers.get(version.name);
    }
  }

  #listen(config: ListenerConfig, descriptor: number): void {
    const { connectTimeout: connect, idleTimeout: idle } = this.#config!.limits;
    const open = this.#engine!.opener(config);
    const listener = this.#parts.transport.serve(
      descriptor,
      { connect, idle },
      open,
      config.transparent,
    );
    this.#listeners.set(config.name, listener);
    this.#configs.set(config.name, config);
  }

  #unlisten(name: string): void {
    const listener = this.#listeners.get(name);
    if (!listener) return;
    this.#listeners.delete(name);
    this.#retired.add(listener);
    listener.stop();
  }

  /** What cannot go on in the other process finishes here. */
  #handOver(descriptor: number, within: number): void {
    const { loop, successor, warn } = this.#parts;
    const listeners = new Map(this.#listeners);
    successor.fd = descriptor;
    this.#drain(within);
    this.#handingOver = new HandOver(loop, successor, listeners, warn);
  }

  #takeOver(descriptor: number): void {
    const { loop, predecessor } = this.#parts;
    predecessor.fd = descriptor;
    new TakeOver(loop, predecessor, (name, descriptors, pair, session) => {
      const listener = this.#listeners.get(name);
      const config = this.#configs.get(name);
      if (!listener || !config) {
        throw new Error(`there is no listener ${name} any more`);
      }
      listener.adopt(
        descriptors,
        pair,
        (link) => this.#engine!.adopt(config, session, link),
      );
    });
  }

  #drain(within: number): void {
    this.#isDraining = true;
    for (const name of [...this.#listeners.keys()]) this.#unlisten(name);
    this.#after(within, () => {
      if (this.#connections === 0) return;
      this.#parts.warn(
        `${this.#connections} connections were still open after limits.drain and are closed`,
      );
      for (const listener of this.#retired) listener.abort("drained");
    });
  }

  /** What loading or a busy time has left behind may be half of the memory: collected when nobody waits, and where there is enough of it. */
  #tidy(): void {
    const { loop: { handled }, memory, collectGarbage } = this.#parts;
    const isQuiet = handled === this.#handled;
    const isNews = isQuiet && !this.#isTidy;
    this.#handled = handled;
    this.#isTidy = isQuiet;
    if (!isNews) return;
    this.#engine?.rest();
    if (memory() - this.#collectedTo < GARBAGE_BYTES) return;
    collectGarbage();
    this.#collectedTo = memory();
  }

  #answer(id: number, question: WorkerQuestion): void {
    const answered = question.about === "lines"
      ? this.#parts.lines.last
      : answer(this.#engine, question);
    this.#report();
    this.#parts.control.send({ type: "answer", id, answer: answered });
  }

  #report(): void {
    this.#parts.control.send({
      type: "counters",
      counters: {
        connections: this.#connections,
        accepted: this.#engine?.accepted ?? 0,
        linesDropped: this.#parts.log.dropped,
        versions: this.#engine?.versions() ?? [],
        served: this.#served(),
        traffic: this.#engine?.traffic.tally.counts ?? [],
        lag: this.#lag.most,
      },
    });
  }

  #served(): number[] {
    return [...this.#imported.values()]
      .flatMap(({ usage }) => usage.served ? [usage.number] : []);
  }

  #textOf(version: number): string {
    const loaded = [...this.#imported.values()]
      .find(({ usage }) => usage.number === version);
    return `${loaded?.name}@${loaded?.version}`;
  }

  /** Lets the log and the last reports leave. */
  #finish(): void {
    const { loop, log, control } = this.#parts;
    this.#handingOver?.close();
    log.flush();
    this.#parts.lines.flush();
    this.#report();
    let isLate = false;
    this.#after(LAST_WORDS_MS, () => isLate = true);
    loop.run(() =>
      isLate || ((log.isEmpty || control.isLost) && control.isFlushed)
    );
  }

  #every(period: number, act: () => void): void {
    const { loop } = this.#parts;
    const due = atTick(loop.now + period);
    this.#after(due - loop.now, () => {
      this.#lag.note(loop.now - due);
      act();
      this.#every(period, act);
    });
  }

  #after(delay: number, act: () => void): void {
    const { loop } = this.#parts;
    const timed: Timed = {
      deadline: loop.now + delay,
      slot: undefined,
      expire: act,
    };
    loop.timers.add(timed);
  }
}
