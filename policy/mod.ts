/**
 * CiliumNetworkPolicy documents in, one immutable compiled policy out.
 *
 * Nothing here does I/O: texts come in, values go out.
 *
 * @module
 */
export type {
  Access,
  Allowed,
  CompiledPolicy,
  Denied,
  Direction,
  L7Catalog,
  L7Rule,
  L7Set,
  NamedPort,
  Peer,
  Protocol,
  Query,
  RuleIssue,
  RuleIssues,
  Service,
  Subject,
} from "./model.ts";
export type {
  EntryAccount,
  Explanation,
  Finding,
  L7Account,
  Place,
  RuleAccount,
} from "./explain.ts";
export { formatProblem } from "./problem.ts";
export type { Problem } from "./problem.ts";
export { createIdentities, endpointLabels } from "./identity.ts";
export type { Identities, IdentityEntry } from "./identity.ts";
export { createPolicyStore } from "./store.ts";
export type {
  DocumentStatus,
  PolicyStore,
  Source,
  UpdateResult,
} from "./store.ts";
export {
  type L7Schema,
  policyJsonSchema,
  ruleJsonSchema,
} from "./json_schema.ts";
export { policySchema } from "./schema.ts";
export type { ReadingOptions } from "./scope.ts";
