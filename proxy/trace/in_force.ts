/**
 * Asks the policy that is in force, as a running sidecar knows the world.
 *
 * @module
 */
import {
  type CompiledPolicy,
  createIdentities,
  type Identities,
} from "../../policy/mod.ts";
import type { Lease } from "../../policy/dns_cache.ts";
import type { SidecarKnowledge, TraceQuestion } from "../administered.ts";
import type { Config } from "../config/model.ts";
import { subjectsOf } from "../workloads.ts";
import { readQuery } from "./query.ts";
import { asJson, type TraceReport } from "./report.ts";
import { type AskedParsers, fallbackOf, trace } from "./trace.ts";

/** What the answer depends on beside the question and the parsers. */
export interface InForce {
  readonly policy: CompiledPolicy;
  readonly config: Config;
  readonly knowledge: SidecarKnowledge;
}

/** @throws {WrongQuestion} when the question is wrong. @throws {ParleyError} when the parser fails */
export async function traceInForce(
  { policy, config, knowledge }: InForce,
  question: TraceQuestion,
  parsers: AskedParsers,
): Promise<TraceReport> {
  const query = readQuery(question, {
    identities: identitiesOf(config, knowledge),
    workloads: subjectsOf(config),
    cluster: config.cluster.name,
  });
  const { l7proto, l7: given } = question;
  const { mode, listeners } = config;
  const fallback = fallbackOf(listeners, query);
  const asked = { policy, query, mode, l7proto, fallback, given };
  return asJson(await trace(asked, parsers));
}

function identitiesOf(config: Config, knowledge: SidecarKnowledge): Identities {
  const names = Map.groupBy(knowledge.names, ({ address }: Lease) => address);
  return createIdentities(knowledge.identities, {
    ...config.cluster,
    services: knowledge.services,
    podCidrs: [...config.cluster.podCidrs, ...knowledge.podCidrs ?? []],
    namesOf: (address) => {
      return (names.get(address) ?? []).map(({ name }) => name).sort();
    },
  });
}
