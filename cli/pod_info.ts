/**
 * Who the workload is, by the files of a downward API volume: Kubernetes knows
 * names and labels that nobody could have written before.
 *
 * @module
 */
import type { Config } from "../proxy/config/mod.ts";
import { UsageError } from "./exit.ts";
import { readFile } from "./files.ts";

/**
 * The configuration, with what its `endpoint.podInfo` says put in place.
 *
 * @throws {UsageError} when a file is missing or is not what Kubernetes writes
 */
export async function withPodInfo(config: Config): Promise<Config> {
  const { podInfo, ...endpoint } = config.endpoint;
  if (podInfo === undefined) return config;
  const [labels, name, namespace] = await Promise.all(
    ["labels", "name", "namespace"].map((file) =>
      readFile(`${podInfo}/${file}`)
    ),
  );
  return {
    ...config,
    endpoint: {
      ...endpoint,
      name: name!.trim(),
      namespace: namespace!.trim(),
      labels: readLabels(`${podInfo}/labels`, labels!),
    },
  };
}

/** Lines of `key="value"`, the value quoted as in Go. */
function readLabels(file: string, text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line !== "");
  return Object.fromEntries(lines.map((line, index) => {
    // What a label may be needs no escapes; so the quotes are all there is to Go's.
    const [, key, value] = /^([^=\s]+)="([\w.-]*)"$/.exec(line) ?? [];
    if (key !== undefined) return [key, value!];
    throw new UsageError(
      `${file}:${
        index + 1
      }: a line is no label; mount metadata.labels of the downward API there`,
    );
  }));
}
