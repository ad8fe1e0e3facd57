/**
 * Reviews of parsers and policies as they are written, in checkers: the spare
 * one, so that nobody waits for a process to start.
 *
 * @module
 */
import type { Source } from "../../policy/file.ts";
import type { StoredDocument } from "../../policy/stored.ts";
import type { Config } from "../config/mod.ts";
import type { Judgement } from "../control/messages.ts";
import { readingOptions } from "../data_config.ts";
import type { ParserChange } from "../registry/registry.ts";
import { subjectsOf } from "../workloads.ts";
import { type Checker, Checkers } from "./checker.ts";
import { namedIn } from "./named.ts";
import type { Parsers, Scan } from "./parsers.ts";
import { review } from "./review.ts";
import { Spare } from "./spare.ts";

/** What is reviewed beside what is written. */
export interface Reviewable {
  readonly config: Config;
  readonly parsers: Parsers;
  /** In force. */
  readonly documents: readonly StoredDocument[];
}

/** A judgement, and what it changed of the parsers. */
export type Reviewed = Judgement & {
  readonly changes: readonly ParserChange[];
};

/** One review at a time. */
export class Reviews {
  readonly #spare: Spare<Checker>;
  readonly #of: () => Reviewable;
  /** What was written when it was judged last. */
  #judged = "";
  #checker: Checker | undefined;

  constructor(openChecker: () => Checker, of: () => Reviewable) {
    this.#spare = new Spare(openChecker);
    this.#of = of;
  }

  /** Starts a checker for the next time. */
  prepare(): void {
    this.#spare.prepare();
  }

  /** The next review judges whatever is written, changed or not. */
  forget(): void {
    this.#judged = "";
  }

  /** Ends the review that goes on, if there is one, and what waits for the next. */
  async stop(): Promise<void> {
    this.#checker?.kill();
    await this.#spare.drop();
  }

  /** Judges all, and takes over what became of the parsers. @throws {ParleyError} when nothing could be judged */
  async all(written: readonly Source[] | undefined): Promise<Reviewed> {
    return await this.#settle(written, await this.#scan(written));
  }

  /** The same; nothing if all is as it was judged last. */
  async news(
    written: readonly Source[] | undefined,
  ): Promise<Reviewed | undefined> {
    const scan = await this.#scan(written);
    const isSame = scan.changed.length + scan.removed.length === 0 &&
      JSON.stringify(written) === this.#judged;
    return isSame ? undefined : await this.#settle(written, scan);
  }

  /** What would become of policies if this was written; nothing is taken over. */
  async trial(written: readonly Source[]): Promise<Judgement> {
    return await this.#judge(written, await this.#scan(written));
  }

  async #settle(
    written: readonly Source[] | undefined,
    scan: Scan,
  ): Promise<Reviewed> {
    const judgement = await this.#judge(written, scan);
    this.#judged = JSON.stringify(written);
    const changes = this.#of().parsers.settle(scan, judgement.parsers);
    return { ...judgement, changes };
  }

  #scan(written: readonly Source[] | undefined): Promise<Scan> {
    const { config, parsers, documents } = this.#of();
    return parsers.scan(namedIn([
      JSON.stringify(documents),
      ...(written ?? []).map(({ text }) => text),
      ...config.listeners.map(({ l7proto }) => l7proto ?? ""),
    ]));
  }

  async #judge(
    written: readonly Source[] | undefined,
    scan: Scan,
  ): Promise<Judgement> {
    const { config, parsers, documents } = this.#of();
    await using checkers = new Checkers(() =>
      this.#checker = this.#spare.take()
    );
    return await review(
      parsers,
      scan,
      {
        documents,
        ...(written ? { sources: written } : {}),
        subjects: subjectsOf(config),
        options: readingOptions(config),
        listeners: config.listeners.map(({ name, direction }) => {
          return { name, direction };
        }),
      },
      checkers,
    );
  }
}
