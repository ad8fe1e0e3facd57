/**
 * The policy in force, and how it follows its files: a wrong or conflicting
 * document is reported and its last good version stays.
 *
 * @module
 */
import { ParleyError } from "parley/proxylib";
import {
  type CompiledPolicy,
  createPolicyStore,
  formatProblem,
  type L7Catalog,
  type PolicyStore,
  type Subject,
} from "../policy/mod.ts";
import { readPolicyFiles } from "./policy_files.ts";

/** What a reload is told to. */
export interface PolicyReports {
  /** One formatted problem of a document. */
  warn(message: string): void;
}

/** Policy files and what is in force of them. */
export class PolicySource {
  readonly #paths: readonly string[];
  readonly #store: PolicyStore;
  readonly #catalog: () => L7Catalog;
  /** What was reported at the last reading: it is not said again while it lasts. */
  #reported: ReadonlySet<string> = new Set();

  constructor(
    paths: readonly string[],
    subject: Subject,
    catalog: () => L7Catalog,
  ) {
    this.#paths = paths;
    this.#catalog = catalog;
    this.#store = createPolicyStore(catalog(), [subject]);
  }

  get current(): CompiledPolicy {
    return this.#store.current;
  }

  /**
   * Loads the policy for the first time. Without one whole policy there is no
   * "last good" to keep, so any refused document is an error: a sidecar that
   * started without it would be more open than was meant.
   *
   * @throws {ParleyError} listing every problem
   */
  async load(reports: PolicyReports): Promise<void> {
    const { problems } = this.#store.update(
      await readPolicyFiles(this.#paths),
      this.#catalog(),
    );
    const warnings = problems.filter(({ severity }) => severity === "warning");
    this.#report(reports, warnings.map(formatProblem));
    if (!this.#store.refused) return;
    const errors = problems.filter(({ severity }) => severity === "error");
    throw new ParleyError("Cannot start with this policy", {
      blame: "operator",
      where: this.#paths.join(", "),
      found: errors.map((problem) => `\n  ${formatProblem(problem)}`).join(""),
      mend: "\ncorrect the documents; `parley check` lists the same",
    });
  }

  /** Reads the files again; true if another policy is in force now. Never rejects. */
  async reload(reports: PolicyReports): Promise<boolean> {
    const before = this.#store.current.version;
    try {
      const sources = await readPolicyFiles(this.#paths);
      const { problems } = this.#store.update(sources, this.#catalog());
      this.#report(reports, problems.map(formatProblem));
    } catch (error) {
      const { message } = error as Error;
      this.#report(reports, [`${message}; the policy in force stays`]);
    }
    return this.#store.current.version !== before;
  }

  #report(reports: PolicyReports, messages: readonly string[]): void {
    for (const message of messages) {
      if (!this.#reported.has(message)) reports.warn(message);
    }
    this.#reported = new Set(messages);
  }
}
