/**
 * The policy in force, and how it follows its files: a wrong or conflicting
 * document is reported and its last good version stays.
 *
 * @module
 */
import { ParleyError } from "../proxylib/error.ts";
import {
  type CompiledPolicy,
  createPolicyStore,
  formatProblem,
  type L7Catalog,
  type PolicyStore,
  type ReadingOptions,
  type Source,
  type Subject,
  type UpdateResult,
} from "../policy/mod.ts";
import {
  judgedDocuments,
  PolicyHistory,
  type PolicyState,
} from "./policy_history.ts";
import { type PolicySettings, readPolicies } from "./standing_policies.ts";

/** What a reload is told to. */
export interface PolicyReports {
  /** One formatted problem of a document. */
  warn(message: string): void;
}

/** Policy files and what is in force of them. */
export class PolicySource {
  readonly #settings: PolicySettings;
  readonly #store: PolicyStore;
  readonly #history = new PolicyHistory();
  readonly #catalog: () => L7Catalog;
  /** What was reported at the last reading: it is not said again while it lasts. */
  #reported: ReadonlySet<string> = new Set();

  constructor(
    settings: PolicySettings,
    subjects: readonly Subject[],
    catalog: () => L7Catalog,
    options?: ReadingOptions,
  ) {
    this.#settings = settings;
    this.#catalog = catalog;
    this.#store = createPolicyStore(catalog(), subjects, options);
  }

  /** What has become of the documents. */
  get state(): PolicyState {
    return this.#history.state;
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
    const problems = this.#update(await readPolicies(this.#settings));
    const warnings = problems.filter(({ severity }) => severity === "warning");
    this.#report(reports, warnings.map(formatProblem));
    if (!this.#store.refused) return;
    const errors = problems.filter(({ severity }) => severity === "error");
    throw new ParleyError("Cannot start with this policy", {
      blame: "operator",
      where: this.#settings.policies.join(", "),
      found: errors.map((problem) => `\n  ${formatProblem(problem)}`).join(""),
      mend: "\ncorrect the documents; `parley check` lists the same",
    });
  }

  /** Reads the files again; true if another policy is in force now. Never rejects. */
  async reload(reports: PolicyReports): Promise<boolean> {
    const before = this.#store.current.version;
    try {
      const problems = this.#update(await readPolicies(this.#settings));
      const faults = problems.filter(({ severity }) => severity !== "note");
      this.#report(reports, faults.map(formatProblem));
    } catch (error) {
      const { message } = error as Error;
      this.#history.unreadable(message);
      this.#report(reports, [`${message}; the policy in force stays`]);
    }
    return this.#store.current.version !== before;
  }

  #update(sources: readonly Source[]): UpdateResult["problems"] {
    const read = this.#store.update(sources, this.#catalog());
    const { problems } = read;
    const judged = judgedDocuments(read);
    const documents = this.#store.inForce;
    const now = new Date().toISOString();
    this.#history.follow({ documents, judged, problems }, now);
    return problems;
  }

  #report(reports: PolicyReports, messages: readonly string[]): void {
    for (const message of messages) {
      if (!this.#reported.has(message)) reports.warn(message);
    }
    this.#reported = new Set(messages);
  }
}
