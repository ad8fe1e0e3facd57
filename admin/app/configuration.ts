/**
 * The configuration that is followed, every default filled in.
 *
 * @module
 */
import { z } from "zod";
import type { Administered } from "../../proxy/administered.ts";
import type { Config } from "../../proxy/config/model.ts";
import { json, type Operation, operation } from "./operation.ts";

/** In the place of a value that may be secret. */
const HIDDEN = "(hidden)";

const schema = z.looseObject({}).meta({
  id: "Configuration",
  description:
    "As parley.yaml, with every default; durations are milliseconds, paths absolute or relative to the working folder",
});

export function configuration(sidecar: Administered): Operation[] {
  return [
    operation({
      method: "GET",
      path: "/v1/config",
      id: "getConfiguration",
      summary: "The configuration that is followed",
      description: "Values of parsers' settings are hidden.",
      answers: {
        200: {
          description: "All of it.",
          content: { "application/json": schema },
        },
      },
    }, () => json(shown(sidecar.config()))),
  ];
}

/** Without what may be secret: what parsers are configured with. */
export function shown(config: Config): Config {
  const { parsers } = config;
  const hidden = Object.entries(parsers.config).map(([name, settings]) => {
    const keys = Object.keys(settings).map((key) => [key, HIDDEN]);
    return [name, Object.fromEntries(keys)];
  });
  return {
    ...config,
    parsers: { ...parsers, config: Object.fromEntries(hidden) },
  };
}
