/**
 * Takes an injection back. What it takes is written into the pod, beside what
 * was added: containers and volumes are known by their names, so that others may
 * have changed the pod meanwhile.
 *
 * @module
 */
import { z } from "zod";
import {
  CONFIG,
  CONTROLLER_CA,
  INJECTED,
  REDIRECTION,
  SIDECAR,
  VOLUMES,
} from "./names.ts";
import { type Container, type Pod, type Probe, probe, PROBES } from "./pod.ts";
import { type ProbesBefore, withProbes } from "./probes.ts";
import { Refused } from "./refused.ts";

/** Parts of a pod that may not have been there before. */
const PARTS = ["metadata", "annotations", "initContainers", "volumes"] as const;

const record = z.strictObject({
  created: z.array(z.enum(PARTS)),
  probes: z.record(
    z.string(),
    z.partialRecord(z.enum(PROBES), probe),
  ),
});

const NAMES: ReadonlySet<string> = new Set([
  SIDECAR,
  REDIRECTION,
  ...Object.values(VOLUMES).map(({ name }) => name),
]);

/** Annotations that an injection writes. */
const WRITTEN = [INJECTED, CONFIG, CONTROLLER_CA];

/** Whether a container or volume of that name is Parley's. */
export function isOurs({ name }: { readonly name: string }): boolean {
  return NAMES.has(name);
}

/** The record, as a text for the pod. */
export function writeUndo(before: Pod, probes: ProbesBefore): string {
  const { metadata, spec } = before;
  const parts = {
    metadata,
    annotations: metadata?.annotations,
    initContainers: spec.initContainers,
    volumes: spec.volumes,
  };
  const created = PARTS.filter((part) => !parts[part]);
  return JSON.stringify({ created, probes });
}

/**
 * The pod as it was; one that was not injected is returned as it is.
 *
 * @throws {Refused} when the record is not what was written
 */
export function undo(pod: Pod): Pod {
  const text = pod.metadata?.annotations?.[INJECTED];
  if (text === undefined) return pod;
  const { data, success } = record.safeParse(parse(text));
  if (!success) {
    throw new Refused([
      `the annotation ${INJECTED} is not what Parley writes: delete it, and what Parley has added`,
    ]);
  }
  const isNew = (part: (typeof PARTS)[number]) => data.created.includes(part);
  const { metadata, spec, ...rest } = withProbes(
    pod,
    data.probes as Record<string, Record<string, Probe>>,
  );
  const { annotations, ...otherMetadata } = metadata!;
  const otherAnnotations = Object.fromEntries(
    Object.entries(annotations!).filter(([key]) => !WRITTEN.includes(key)),
  );
  const { initContainers, volumes, containers, ...otherSpec } = spec;
  const metadataBefore = {
    ...otherMetadata,
    ...part("annotations", otherAnnotations, isNew("annotations")),
  };
  return {
    ...rest,
    ...part("metadata", metadataBefore, isNew("metadata")),
    spec: {
      ...otherSpec,
      ...part(
        "initContainers",
        theirs(initContainers),
        isNew("initContainers"),
      ),
      ...part("volumes", theirs(volumes), isNew("volumes")),
      containers: theirs(containers) as Container[],
    },
  };
}

/** What others have; nothing stays nothing. */
function theirs<T extends { readonly name: string }>(
  items: readonly T[] | null | undefined,
): T[] | undefined {
  return items?.filter((item) => !isOurs(item));
}

/** A part under its name; left out if it is empty and was not there before. */
function part(name: string, value: unknown, isNew: boolean): object {
  const isEmpty = value === undefined || Object.keys(value!).length === 0;
  if (value === undefined || (isNew && isEmpty)) return {};
  return { [name]: value };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
