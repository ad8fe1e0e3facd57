/**
 * Traces of the policy in force. A checker judges requests, for parser code runs
 * there only; it, and the policy as it was read for people, go when nobody has
 * asked for a while.
 *
 * @module
 */
import type { StoredDocument, StoredPolicy } from "../../policy/stored.ts";
import type { SidecarKnowledge, TraceQuestion } from "../administered.ts";
import type { Config } from "../config/model.ts";
import type { ParserVersion } from "../control/messages.ts";
import type { TraceReport } from "../trace/report.ts";
import type { AskedParsers } from "../trace/trace.ts";
import { type Checker, Checkers } from "./checker.ts";
import { Turns } from "./turns.ts";

/** Without a question for so long, what answers them ends. */
const IDLE_MS = 10_000;

/** What is in force. */
export interface Traceable {
  readonly config: Config;
  readonly knowledge: SidecarKnowledge;
  readonly documents: readonly StoredDocument[];
  /** Versions of parsers that serve. */
  readonly serving: readonly ParserVersion[];
}

/** Questions at a time: parser code may take its time for each. */
const QUESTIONS_MAX = 16;

/** Answers one question at a time. */
export class Traces {
  readonly #checkers: Checkers;
  readonly #inForce: () => Traceable;
  readonly #turns = new Turns(QUESTIONS_MAX);
  #policy: StoredPolicy | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(openChecker: () => Checker, inForce: () => Traceable) {
    this.#checkers = new Checkers(openChecker);
    this.#inForce = inForce;
  }

  /** See {@linkcode Administered.trace}. */
  ask(question: TraceQuestion, signal?: AbortSignal): Promise<TraceReport> {
    return this.#turns.take(async () => {
      clearTimeout(this.#idle);
      try {
        return await this.#answer(question);
      } finally {
        this.#idle = setTimeout(() => void this.#forget(), IDLE_MS);
        Deno.unrefTimer(this.#idle);
      }
    }, signal);
  }

  /** Ends the question that is being answered, if there is one, and answers no more. */
  async stop(): Promise<void> {
    this.#turns.stop();
    await this.#checkers.drop();
    await this.#turns.done();
    clearTimeout(this.#idle);
    await this.#checkers.drop(); // it may have been opened meanwhile
  }

  async #answer(question: TraceQuestion): Promise<TraceReport> {
    // Loaded when somebody asks: no pod needs them else.
    const { traceInForce } = await import("../trace/in_force.ts");
    const { StoredPolicy } = await import("../../policy/stored.ts");
    const { documents, serving, ...rest } = this.#inForce();
    this.#policy ??= new StoredPolicy();
    this.#policy.replace(documents);
    const policy = this.#policy.current;
    const parsers = await this.#parsers(serving);
    return await traceInForce({ policy, ...rest }, question, parsers);
  }

  async #parsers(serving: readonly ParserVersion[]): Promise<AskedParsers> {
    const { WrongQuestion } = await import("../trace/wrong_question.ts");
    const versionOf = (wanted: string) => {
      const version = serving.find(({ name }) => name === wanted);
      if (version) return version;
      const names = serving.map(({ name }) => name).join(", ");
      throw new WrongQuestion(
        `l7proto ${wanted} is no parser that serves here; name one of ${names}`,
      );
    };
    return {
      find: versionOf,
      ask: async (name, question) => {
        try {
          return await this.#checkers.get().ask(versionOf(name), question);
        } catch (error) {
          await this.#checkers.drop(); // it may hang, or have ended
          throw error;
        }
      },
    };
  }

  #forget(): Promise<void> {
    return this.#turns.take(async () => {
      this.#policy = undefined;
      await this.#checkers.drop();
    }).catch(() => {}); // the sidecar stops, and drops them itself
  }
}
