/**
 * Policies that come through the admin API: judged whole before one is kept, as
 * a file would be, and in force when it is answered.
 *
 * @module
 */
import type { Source } from "../../policy/file.ts";
import { formatProblem, type Problem } from "../../policy/problem.ts";
import type {
  PolicyChange,
  PolicyText,
  Precondition,
  StoredPolicy,
} from "../administered.ts";
import type { Judgement } from "../control/messages.ts";
import type { PolicyState } from "../policy_history.ts";
import type { PolicyShelf } from "../policy_shelf.ts";
import type { Turns } from "./turns.ts";

/** What it reaches into. */
export interface PolicyDesk {
  readonly turns: Turns;
  readonly shelf: PolicyShelf;
  /** Whether policies are read at all. */
  isEnforced(): boolean;
  /** All that is written. */
  read(): Promise<readonly Source[]>;
  trial(written: readonly Source[]): Promise<Judgement>;
  /** Puts in force what is written. */
  reload(): Promise<void>;
  state(): PolicyState;
}

/** See {@linkcode Administered}. */
export class StoredPolicies {
  readonly #desk: PolicyDesk;

  constructor(desk: PolicyDesk) {
    this.#desk = desk;
  }

  async list(): Promise<StoredPolicy[]> {
    const { shelf } = this.#desk;
    const names = await shelf.names();
    const found = await Promise.all(names.map((name) => this.get(name)));
    return found.flatMap((policy) => policy ?? []).map(({ name, etag }) => {
      return { name, etag, file: shelf.fileOf(name) };
    });
  }

  async get(name: string): Promise<PolicyText | undefined> {
    const text = await this.#desk.shelf.get(name);
    return text === undefined
      ? undefined
      : { name, text, etag: await etagOf(text) };
  }

  put(
    name: string,
    text: string,
    precondition: Precondition,
    signal?: AbortSignal,
  ): Promise<PolicyChange> {
    const { turns, shelf, reload } = this.#desk;
    return turns.take(async () => {
      const before = await this.get(name);
      const after = this.#unless(precondition, before);
      if (after) return after;
      const problems = await this.#problemsWith(shelf.fileOf(name), text);
      if (problems.length > 0) return { outcome: "refused", problems };
      await shelf.put(name, text);
      await reload();
      const outcome = before ? "replaced" : "created";
      return { outcome, etag: await etagOf(text), file: shelf.fileOf(name) };
    }, signal);
  }

  delete(
    name: string,
    precondition: Precondition,
    signal?: AbortSignal,
  ): Promise<PolicyChange> {
    const { turns, shelf, reload } = this.#desk;
    return turns.take(async () => {
      const before = await this.get(name);
      const after = this.#unless(precondition, before);
      if (after) return after;
      if (!before) return { outcome: "absent" };
      await shelf.delete(name);
      await reload();
      return { outcome: "deleted" };
    }, signal);
  }

  /** Why nothing is to be changed; nothing if it may be. */
  #unless(
    precondition: Precondition,
    before: PolicyText | undefined,
  ): PolicyChange | undefined {
    if (!this.#desk.isEnforced()) return { outcome: "not-enforced" };
    if (precondition(before?.etag)) return undefined;
    return { outcome: "unmet", ...(before ? { etag: before.etag } : {}) };
  }

  /** Errors of the text, and those that others would have because of it. */
  async #problemsWith(file: string, text: string): Promise<Problem[]> {
    const { read, trial, state } = this.#desk;
    const others = (await read()).filter((source) => source.file !== file);
    const { policy } = await trial([...others, { file, text }]);
    const isThere = policy.judged?.some((document) => document.file === file);
    const known = new Set(state().problems);
    const found = policy.problems.filter((problem) =>
      problem.severity === "error" &&
      (problem.file === file || !known.has(formatProblem(problem)))
    );
    return found.length > 0 || isThere ? found : [holdsNone(file)];
  }
}

/** To put it in would remove what was there, and look like success. */
function holdsNone(file: string): Problem {
  return {
    severity: "error",
    code: "policy.none",
    file,
    line: 1,
    column: 1,
    path: "",
    message: "the text holds no policy",
    mend: "write a CiliumNetworkPolicy, or DELETE the policy",
  };
}

/** An entity tag (RFC 9110 section 8.8.3), with its quotes. */
async function etagOf(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `"${hash.toHex().slice(0, 32)}"`;
}
