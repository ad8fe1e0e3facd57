/**
 * What operators may see and do: asked of the processes that hold connections,
 * and put together.
 *
 * @module
 */
import {
  type Administered,
  type ConnectionList,
  type ConnectionState,
  LISTED_MAX,
  type ParserState,
  type SidecarStatus,
  type Which,
} from "./administered.ts";
import type { SourceStatus } from "../policy/identity_source.ts";
import type { PolicyState } from "./policy_history.ts";
import type { WorkerQuestion } from "./control/messages.ts";
import type { ParserHistory } from "./registry/history.ts";
import type { ParserStatus } from "./registry/registry.ts";
import type { VersionCount } from "./versions.ts";

/** What it reaches into. */
export interface Administrable {
  readonly history: ParserHistory;
  /** Asks whoever holds connections; those that do not answer are passed over. Counts are fresh then. */
  ask(question: WorkerQuestion): Promise<unknown[]>;
  /** Counts of open connections, and of what became of parsers. */
  connections(): number;
  versions(): VersionCount[];
  policy(): PolicyState;
  /** Sources of identities. */
  sources(): SourceStatus[];
  /** The parsers as they are now. */
  status(): ParserStatus[];
  /** Has parsers staged again, and waits for what comes of it. @throws {Error} when nothing could be judged */
  stageAgain(name: string | undefined): Promise<void>;
}

/** See {@linkcode Administered}. */
export class Administration implements Administered {
  readonly #parts: Administrable;

  constructor(parts: Administrable) {
    this.#parts = parts;
  }

  async parsers(): Promise<ParserState[]> {
    const parts = this.#parts;
    await parts.ask({ about: "counters" });
    return parts.history.states(parts.status(), parts.versions());
  }

  async reloadParsers(name?: string): Promise<ParserState[]> {
    await this.#parts.stageAgain(name);
    const states = await this.parsers();
    return states.filter((state) => name === undefined || state.name === name);
  }

  status(): Promise<SidecarStatus> {
    const { policy, sources } = this.#parts;
    const identities = sources().map(({ age, ...source }) => {
      return age === undefined ? source : { ...source, ageMs: age };
    });
    return Promise.resolve({ policy: policy(), identities });
  }

  async connections(): Promise<ConnectionList> {
    const answers = await this.#parts.ask({ about: "connections" });
    const connections = answers.flatMap(connectionsOf)
      .sort((a, b) => b.ageMs - a.ageMs)
      .slice(0, LISTED_MAX);
    return {
      connections,
      total: Math.max(connections.length, this.#parts.connections()),
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
function connectionsOf(answer: unknown): ConnectionState[] {
  return Array.isArray(answer) ? answer.filter(isConnection) : [];
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
