/**
 * What operators may see and do: asked of the processes that hold connections,
 * and put together.
 *
 * @module
 */
import {
  type Administered,
  type AdministeredPolicies,
  type ConnectionFilter,
  type ConnectionList,
  type ConnectionState,
  LISTED_MAX,
  type ListenerState,
  type ParserState,
  type SidecarKnowledge,
  type SidecarStatus,
  type TraceQuestion,
  type Which,
} from "./administered.ts";
import type { Metrics } from "./counting/metrics.ts";
import type { LogFollower } from "./accesslog/followers.ts";
import type { KeptLine } from "./accesslog/last_lines.ts";
import { facetsOf, fits, type LineFilter } from "./accesslog/line_filter.ts";
import type { SourceStatus } from "../policy/identity_source.ts";
import type { Config } from "./config/model.ts";
import type { PolicyState } from "./policy_history.ts";
import type { WorkerQuestion } from "./control/messages.ts";
import { Joined } from "./joined.ts";
import type { ParserHistory } from "./registry/history.ts";
import type { ParserStatus } from "./registry/registry.ts";
import type { TraceReport } from "./trace/report.ts";
import type { VersionCount } from "./versions.ts";

/** Whoever holds connections is asked for its counters so often at most: it has better to do. */
const METRICS_MS = 100;

/** What it reaches into. */
export interface Administrable {
  readonly history: ParserHistory;
  /** Asks whoever holds connections; those that do not answer are passed over. Counts are fresh then. */
  ask(question: WorkerQuestion): Promise<unknown[]>;
  /** Counts of open connections, and of what became of parsers. */
  connections(): number;
  versions(): VersionCount[];
  followLog(filter: LineFilter): Promise<LogFollower>;
  /** What else is counted, and used. */
  measured(): Pick<
    Metrics,
    "traffic" | "linesDropped" | "workers" | "workerDeaths"
  >;
  policy(): PolicyState;
  /** Sources of identities. */
  sources(): SourceStatus[];
  listeners(): ListenerState[];
  knowledge(): SidecarKnowledge;
  config(): Config;
  /** See {@linkcode Administered.trace}. */
  trace(question: TraceQuestion, signal?: AbortSignal): Promise<TraceReport>;
  /** What keeps it from work beside its listeners, policy and parsers. */
  faults(): string[];
  readonly policies?: AdministeredPolicies;
  /** The parsers as they are now. */
  status(): ParserStatus[];
  /** Has parsers staged again, and waits for what comes of it. @throws {Error} when nothing could be judged */
  stageAgain(name: string | undefined, signal?: AbortSignal): Promise<void>;
}

/** See {@linkcode Administered}. */
export class Administration implements Administered {
  readonly #parts: Administrable;
  readonly policies?: AdministeredPolicies;
  readonly #metrics = new Joined(() => this.#measure(), METRICS_MS);

  constructor(parts: Administrable) {
    this.#parts = parts;
    if (parts.policies) this.policies = parts.policies;
  }

  async parsers(): Promise<ParserState[]> {
    const parts = this.#parts;
    await parts.ask({ about: "counters" });
    return parts.history.states(parts.status(), parts.versions());
  }

  async reloadParsers(
    name?: string,
    signal?: AbortSignal,
  ): Promise<ParserState[]> {
    await this.#parts.stageAgain(name, signal);
    const states = await this.parsers();
    return states.filter((state) => name === undefined || state.name === name);
  }

  status(): SidecarStatus {
    const { policy, sources, listeners, history, versions, status } =
      this.#parts;
    return {
      unready: this.unready(),
      listeners: listeners(),
      policy: policy(),
      parsers: history.states(status(), versions()),
      identities: sources().map(({ age, ...source }) => {
        return age === undefined ? source : { ...source, ageMs: age };
      }),
    };
  }

  unready(): string[] {
    const { policy, listeners, status, faults } = this.#parts;
    const serving = new Set(
      status().filter(({ version }) => version !== undefined)
        .map(({ name }) => name),
    );
    return [
      ...faults(),
      ...(policy().version === 0 ? ["no policy has been read yet"] : []),
      ...listeners().flatMap(({ name, state, error, l7proto }) => {
        if (state === "down") {
          return [`listener ${name} is down: ${error ?? "it is not bound"}`];
        }
        return l7proto === undefined || serving.has(l7proto) ? [] : [
          `listener ${name} needs the parser ${l7proto}, which is not loaded`,
        ];
      }),
    ];
  }

  knowledge(): SidecarKnowledge {
    return this.#parts.knowledge();
  }

  config(): Config {
    return this.#parts.config();
  }

  trace(question: TraceQuestion, signal?: AbortSignal): Promise<TraceReport> {
    return this.#parts.trace(question, signal);
  }

  async connections(filter: ConnectionFilter = {}): Promise<ConnectionList> {
    const answers = await this.#parts.ask({ about: "connections", filter });
    const lists = answers.map(listOf);
    // Those of a worker that did not answer count too, where all are meant.
    const isAll = Object.keys(filter).length === 0;
    const least = isAll ? this.#parts.connections() : 0;
    const counted = lists.reduce((sum, { total }) => sum + total, 0);
    return {
      connections: lists.flatMap(({ connections }) => connections)
        .sort((a, b) => b.ageMs - a.ageMs)
        .slice(0, LISTED_MAX),
      total: Math.max(counted, least),
    };
  }

  followLog(filter: LineFilter): Promise<LogFollower> {
    return this.#parts.followLog(filter);
  }

  async lastLines(filter: LineFilter): Promise<string[]> {
    const answers = await this.#parts.ask({ about: "lines" });
    return answers.flatMap(linesOf)
      .sort((a, b) => a.time - b.time)
      .map(({ line }) => line)
      .filter((line) => {
        const facets = facetsOf(line);
        return facets !== undefined && fits(filter, facets);
      });
  }

  metrics(): Promise<Metrics> {
    return this.#metrics.get();
  }

  async #measure(): Promise<Metrics> {
    const parts = this.#parts;
    await parts.ask({ about: "counters" });
    return {
      ...this.status(),
      ...parts.measured(),
      connections: parts.connections(),
      reloads: parts.history.reloads,
    };
  }

  async closeConnections(which: Which): Promise<number> {
    const answers = await this.#parts.ask({ about: "close", which });
    return answers.reduce<number>((sum, closed) => {
      return sum + (Number.isSafeInteger(closed) ? closed as number : 0);
    }, 0);
  }
}

/** What has the shape of connections: a worker's answer may be anything. */
function listOf(answer: unknown): ConnectionList {
  const { connections, total } = Object(answer);
  const found: ConnectionState[] = Array.isArray(connections)
    ? connections.filter(isConnection)
    : [];
  const counted = Number.isSafeInteger(total) ? total : 0;
  return { connections: found, total: Math.max(found.length, counted) };
}

/** What has the shape of lines. */
function linesOf(answer: unknown): KeptLine[] {
  return Array.isArray(answer) ? answer.filter(isLine) : [];
}

function isLine(value: unknown): value is KeptLine {
  const { time, line } = (value ?? {}) as Partial<KeptLine>;
  return Number.isFinite(time) && typeof line === "string" &&
    !/[\r\n]/.test(line);
}

function isConnection(value: unknown): value is ConnectionState {
  if (typeof value !== "object" || value === null) return false;
  const one = value as Record<string, unknown>;
  return NUMBERS.every((key) => Number.isFinite(one[key])) &&
    TEXTS.every((key) => typeof one[key] === "string") &&
    OPTIONAL_TEXTS.every((key) =>
      one[key] === undefined || typeof one[key] === "string"
    );
}

const NUMBERS = ["id", "ageMs", "bytesForward", "bytesReply"] as const;
const TEXTS = ["listener", "direction", "source", "destination"] as const;
const OPTIONAL_TEXTS = ["l7proto", "parser"] as const;
