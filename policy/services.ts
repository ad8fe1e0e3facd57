/**
 * Reads `toServices` (policy semantics, section 4).
 *
 * @module
 */
import type { Cursor } from "./cursor.ts";
import { isDnsLabel } from "./labels.ts";
import type { ServiceTest } from "./peer.ts";
import { quote } from "./problem.ts";
import type { Scope } from "./scope.ts";
import { readSelector } from "./selector.ts";

/** Reads one item: a service by name, by its labels, or by both. */
export function readService(item: Cursor, scope: Scope): ServiceTest[] {
  const byName = item.get("k8sService");
  const byLabels = item.get("k8sServiceSelector");
  if (!byName.present && !byLabels.present) {
    item.error(
      "peer.service",
      "the item selects no service",
      "add k8sService with serviceName, or k8sServiceSelector with selector",
    );
    return [];
  }
  const named = byName.present ? readName(byName, scope) : {};
  const labelled = byLabels.present ? readLabels(byLabels) : {};
  if (named === undefined || labelled === undefined) return [];
  const { namespace } = named;
  const isApart = namespace !== undefined && labelled.namespace !== undefined &&
    namespace !== labelled.namespace;
  if (isApart) {
    byLabels.get("namespace").error(
      "peer.service",
      `no service is in namespace ${quote(namespace)} and in ${
        quote(labelled.namespace)
      }`,
      "write one namespace in both, or give each an item of its own",
    );
  }
  return [{ ...labelled, ...named }];
}

/** A name without a namespace is of the policy's own. */
function readName(cursor: Cursor, scope: Scope): ServiceTest | undefined {
  const name = cursor.get("serviceName");
  const text = name.text();
  if (text === undefined || !isDnsLabel(text)) {
    name.error(
      "peer.service",
      text === undefined
        ? "the service has no name"
        : `${quote(text)} is not the name of a service`,
      "write serviceName with at most 63 lower-case letters, digits and '-'",
    );
    return undefined;
  }
  const namespace = readNamespace(cursor) ?? scope.namespace;
  return { name: text, ...(namespace === undefined ? {} : { namespace }) };
}

function readLabels(cursor: Cursor): ServiceTest | undefined {
  const selector = cursor.get("selector");
  if (!selector.present) {
    cursor.error(
      "peer.service",
      "the selector of services is missing",
      "add selector; {} means every service",
    );
    return undefined;
  }
  const namespace = readNamespace(cursor);
  return {
    selector: readSelector(selector),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

/** Empty text is as good as none. */
function readNamespace(cursor: Cursor): string | undefined {
  const text = cursor.get("namespace").text();
  return text === "" ? undefined : text;
}
