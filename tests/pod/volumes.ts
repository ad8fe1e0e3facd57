/**
 * Volumes as the kubelet makes them: files of ConfigMaps and of the downward API
 * are links into a folder that is swapped as a whole.
 *
 * @module
 */
import type { Manifest, Volume } from "./manifest.ts";

/** ConfigMaps by name: texts by key. */
export type ConfigMaps = Readonly<
  Record<string, Readonly<Record<string, string>>>
>;

/** Makes a volume below `folder`; where it is. */
export async function makeVolume(
  folder: string,
  volume: Volume,
  pod: Manifest,
  configMaps: ConfigMaps,
): Promise<string> {
  const { name, configMap, downwardAPI, emptyDir, hostPath } = volume;
  if (hostPath) return hostPath.path;
  const path = `${folder}/${name}`;
  await Deno.mkdir(path);
  if (emptyDir) await Deno.chmod(path, 0o777);
  if (configMap) {
    const data = configMaps[configMap.name];
    if (!data) throw new Error(`no ConfigMap ${configMap.name} is here`);
    await project(path, data);
  }
  if (downwardAPI) {
    const files = downwardAPI.items.map(({ path, fieldRef }) =>
      [path, field(pod, fieldRef.fieldPath)] as const
    );
    await project(path, Object.fromEntries(files));
  }
  return path;
}

let swaps = 0;

/**
 * Puts files into a folder, in place of those that were there:
 *
 * ```text
 * memcache.ts -> ..data/memcache.ts
 * ..data -> ..17        swapped by renaming a link over it
 * ..17/memcache.ts
 * ```
 */
export async function project(
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const before = await Deno.readLink(`${folder}/..data`)
    .catch(() => undefined);
  const version = `..${++swaps}`;
  await Deno.mkdir(`${folder}/${version}`);
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${version}/${name}`, text);
  }
  await Deno.symlink(version, `${folder}/..data_tmp`);
  await Deno.rename(`${folder}/..data_tmp`, `${folder}/..data`);
  const links = await namesOf(folder);
  for (const name of Object.keys(files).filter((name) => !links.has(name))) {
    await Deno.symlink(`..data/${name}`, `${folder}/${name}`);
  }
  for (const name of links) {
    if (!Object.hasOwn(files, name)) await Deno.remove(`${folder}/${name}`);
  }
  if (before) await Deno.remove(`${folder}/${before}`, { recursive: true });
}

async function namesOf(folder: string): Promise<Set<string>> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const names = entries.map(({ name }) => name);
  return new Set(names.filter((name) => !name.startsWith("..")));
}

/** A field of a pod, as the downward API writes it. */
function field({ metadata }: Manifest, path: string): string {
  const [, annotation] = /^metadata\.annotations\['(.+)'\]$/.exec(path) ?? [];
  if (annotation) return metadata.annotations?.[annotation] ?? "";
  switch (path) {
    case "metadata.labels":
      return Object.entries(metadata.labels ?? {})
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`).join("\n");
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace;
    default:
      throw new Error(`the downward API of these tests has no ${path}`);
  }
}
