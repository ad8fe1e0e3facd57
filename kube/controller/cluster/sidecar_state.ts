/**
 * What one sidecar is told: the policies that select its pod, and whom they can
 * ask for.
 *
 * @module
 */
import type { IdentityEntry } from "../../../policy/mod.ts";
import type { ServiceEntry } from "../../../policy/service.ts";

/** A policy as it goes to sidecars: the object without what only the API server needs. */
export interface PolicyText {
  /** `KIND/[NAMESPACE/]NAME`: what tells it from others. */
  readonly id: string;
  /** JSON. */
  readonly text: string;
}

/** All that one sidecar knows from the controller. Lists are sorted, so that equal states are equal. */
export interface SidecarState {
  readonly policies: readonly PolicyText[];
  readonly identities: readonly IdentityEntry[];
  readonly services: readonly ServiceEntry[];
}
