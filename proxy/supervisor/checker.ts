/**
 * Checkers: parser code runs there, never in the supervisor, and in no command.
 *
 * @module
 */
import { ParleyError } from "../../proxylib/error.ts";
import type {
  Answers,
  Candidates,
  FolderTexts,
  FromChecker,
  Judgement,
  ParserVersion,
  Question,
  StagedParser,
  ToChecker,
  ToStage,
} from "../control/messages.ts";
import type { SandboxOptions } from "../sandbox/spawn.ts";
import { Child } from "./child.ts";
import type { Kernel } from "./kernel.ts";

/** A module that never comes to its end must not keep the others from being read. */
const ANSWER_MS = 5000;

/** One checker process. Every answer may be refused: what parsers do there can end it. */
export class Checker implements AsyncDisposable {
  readonly #child: Child<ToChecker, FromChecker>;
  readonly #onMissing: (missing: readonly string[]) => void;
  #waiting: PromiseWithResolvers<FromChecker> | undefined;
  /** How the process ended. */
  #end: string | undefined;

  constructor(
    kernel: Kernel,
    options: SandboxOptions,
    onMissing: (missing: readonly string[]) => void,
  ) {
    this.#onMissing = onMissing;
    this.#child = new Child(kernel, options, (message) => this.#on(message));
    void this.#child.ended.then(({ how, lastWords }) => {
      this.#end = `its checker ended with ${how}: ${lastWords}`;
      this.#waiting?.reject(failure(this.#end));
    });
  }

  /** @throws {ParleyError} when the checker ends, or does not answer in time */
  async stage(
    parsers: readonly ToStage[],
    folders: Readonly<Record<string, FolderTexts>>,
  ): Promise<readonly StagedParser[]> {
    const answer = await this.#ask({ type: "stage", parsers, folders });
    return answer.type === "staged" ? answer.parsers : [];
  }

  /** @throws {ParleyError} when the checker ends, or does not answer in time */
  async judge(candidates: Candidates): Promise<Judgement> {
    const answer = await this.#ask({ type: "judge", candidates });
    if (answer.type === "judged") return answer.judgement;
    throw failure(`its checker answered ${answer.type}`);
  }

  /** @throws {ParleyError} when the checker ends, or does not answer in time */
  async ask<Type extends Question["type"]>(
    parser: ParserVersion,
    question: Extract<Question, { type: Type }>,
  ): Promise<Answers[Type]> {
    const answer = await this.#ask({ type: "ask", parser, question });
    if (answer.type === "answered") return answer.answer as Answers[Type];
    throw failure(`its checker answered ${answer.type}`);
  }

  /** The process has ended. */
  get isOver(): boolean {
    return this.#end !== undefined;
  }

  kill(): void {
    this.#child.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child.ended;
  }

  async #ask(order: ToChecker): Promise<FromChecker> {
    if (this.#end !== undefined) throw failure(this.#end);
    this.#waiting = Promise.withResolvers();
    const { promise, reject } = this.#waiting;
    this.#child.send(order);
    using _overdue = this.#child.expect(
      ANSWER_MS,
      (standing) => reject(failure(`its checker hung for ${standing} ms`)),
    );
    try {
      return await promise;
    } finally {
      this.#waiting = undefined;
    }
  }

  #on(message: FromChecker): void {
    if (message.type === "started") this.#onMissing(message.missing);
    else this.#waiting?.resolve(message);
  }
}

function failure(found: string): ParleyError {
  return new ParleyError("Cannot check parsers and policy", {
    blame: "parser",
    where: "the checker process",
    found,
    mend:
      "correct the parser that loops or ends the process, or split a policy that takes so long to read",
  });
}

/** One checker at a time, started when it is asked for. One that failed is dropped: the next that is asked for is another. */
export class Checkers implements AsyncDisposable {
  readonly #open: () => Checker;
  #current: Checker | undefined;

  constructor(open: () => Checker) {
    this.#open = open;
  }

  get(): Checker {
    return this.#current ??= this.#open();
  }

  async drop(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drop();
  }
}
