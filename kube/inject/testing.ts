/**
 * Pods for tests, and patches applied to them.
 *
 * @module
 */
import { inject, type Injection, type InjectOptions } from "./inject.ts";
import { type Operation, pointerKeys } from "./patch.ts";

export const OPTIONS: InjectOptions = {
  image: "registry.example/parley:1",
  sidecar: "native",
};

/** A pod with these annotations, and these further parts of its `spec`. */
export function podWith(
  annotations: Readonly<Record<string, string>>,
  spec: object = {},
): Record<string, unknown> {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "cache", annotations, labels: { app: "memcached" } },
    spec: { containers: [{ name: "app", image: "memcached:1.6" }], ...spec },
  };
}

/** A container of `podWith`, with more in it. */
export function app(more: object): { containers: object[] } {
  return { containers: [{ name: "app", image: "memcached:1.6", ...more }] };
}

/** What becomes of such a pod. */
export function injectionOf(
  annotations: Readonly<Record<string, string>>,
  spec: object = {},
  options: Partial<InjectOptions> = {},
): Injection {
  return inject(podWith(annotations, spec), { ...OPTIONS, ...options });
}

/** The value that a patch makes (RFC 6902 section 4). */
export function applyPatch(
  value: unknown,
  patch: readonly Operation[],
): unknown {
  const root = { value: structuredClone(value) };
  for (const operation of patch) {
    const keys = ["value", ...pointerKeys(operation.path)];
    const last = keys.pop()!;
    const parent = keys.reduce(step, root) as Record<string, unknown>;
    if (operation.op !== "add") step(parent, last); // it has to be there
    if (Array.isArray(parent)) {
      const index = last === "-" ? parent.length : Number(last);
      const items = operation.op === "remove" ? [] : [operation.value];
      parent.splice(index, operation.op === "add" ? 0 : 1, ...items);
    } else if (operation.op === "remove") delete parent[last];
    else parent[last] = operation.value;
  }
  return root.value;
}

function step(parent: unknown, key: string): unknown {
  if (Object.hasOwn(parent as object, key)) {
    return (parent as Record<string, unknown>)[key];
  }
  throw new Error(`nothing is at ${key}`);
}
