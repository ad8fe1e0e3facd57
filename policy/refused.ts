/**
 * What Cilium checks of constructs that Parley refuses whatever they say: their
 * author learns of all faults at once, before the document goes where they are
 * enforced (policy semantics, sections 5 and 10).
 *
 * @module
 */
import type { Cursor } from "./cursor.ts";
import type { Direction } from "./model.ts";
import { quote } from "./problem.ts";
import { isNamespaced, type Scope } from "./scope.ts";

/** Checks a toPorts item. */
export function checkRefused(
  item: Cursor,
  direction: Direction,
  scope: Scope,
): void {
  const hasL7 = ["http", "kafka", "dns", "l7proto"].some((type) => {
    return item.get("rules").get(type).present;
  });
  checkServerNames(item, hasL7);
  checkListener(item.get("listener"), direction, hasL7, scope);
  checkTls(item);
}

function checkServerNames(item: Cursor, hasL7: boolean): void {
  const names = item.get("serverNames");
  if (names.hasItems && hasL7 && !item.get("terminatingTLS").present) {
    names.errorAtKey(
      "sni.l7",
      "L7 rules cannot be applied to TLS that nothing terminates",
      "add terminatingTLS, or keep one of serverNames and rules",
    );
  }
  for (const name of names.items()) {
    if (name.text() !== "") continue;
    name.error(
      "sni.empty",
      "the server name is empty text",
      "write the name of a server, or delete the item",
    );
  }
}

function checkListener(
  listener: Cursor,
  direction: Direction,
  hasL7: boolean,
  scope: Scope,
): void {
  if (!listener.present) return;
  if (direction === "ingress") {
    listener.errorAtKey(
      "listener.ingress",
      "a listener takes egress only",
      "delete it, or move it to an egress entry",
    );
  }
  if (hasL7) {
    listener.errorAtKey(
      "listener.l7",
      "a listener and L7 rules stand in one toPorts item",
      "keep one of the two",
    );
  }
  const kind = listener.get("envoyConfig").get("kind");
  const isClusterwide = scope.kind !== "RuleList" && !isNamespaced(scope.kind);
  if (isClusterwide && kind.text() === "CiliumEnvoyConfig") {
    kind.error(
      "listener.kind",
      `a clusterwide policy names a ${
        quote(kind.value)
      }, which is of a namespace`,
      "name a CiliumClusterwideEnvoyConfig",
    );
  }
}

/** What each side of TLS needs of its secret. */
const TLS = {
  terminatingTLS: ["certificate", "privateKey"],
  originatingTLS: ["trustedCA"],
} as const;

function checkTls(item: Cursor): void {
  for (const [side, needed] of Object.entries(TLS)) {
    const context = item.get(side);
    if (!context.present || context.get("secret").present) continue;
    const missing = needed.filter((key) => !context.get(key).present);
    if (missing.length === 0) continue;
    context.errorAtKey(
      "tls.missing",
      `${side} has no ${missing.join(" and no ")}`,
      "name the secret that holds it",
    );
  }
}
