/**
 * `parley schema`: JSON Schema of what users write and read.
 *
 * @module
 */
import { type L7Schema, policyJsonSchema } from "../policy/mod.ts";
import { escapeControls, nearMiss, oneOf } from "../policy/problem.ts";
import { accessLogJsonSchema } from "../proxy/accesslog/schema.ts";
import { configJsonSchema } from "../proxy/config/mod.ts";
import { thrownText } from "../proxy/thrown.ts";
import { UsageError } from "./exit.ts";
import { withParsers } from "./loaded_parsers.ts";

/** What `--help` lists. */
export interface SchemaOptions {
  readonly folder: readonly string[];
  readonly portable?: boolean;
}

const SCHEMAS: Readonly<Record<string, (options: SchemaOptions) => unknown>> = {
  policy: policySchemaOf,
  config: configJsonSchema,
  accesslog: accessLogJsonSchema,
};

/** Prints one. */
export async function schema(
  what: string,
  options: SchemaOptions,
): Promise<number> {
  const names = Object.keys(SCHEMAS);
  if (!names.includes(what)) {
    throw new UsageError(
      `there is no schema of ${JSON.stringify(what)}; ${
        nearMiss(what, names) ?? `write ${oneOf(names)}`
      }`,
    );
  }
  console.log(JSON.stringify(await SCHEMAS[what]!(options), null, 2));
  return 0;
}

/** The L7 rules are those of the parsers that load; what does not load is said on the side. */
function policySchemaOf({ folder, portable }: SchemaOptions): Promise<unknown> {
  return withParsers({ folders: folder, portable }, async (parsers) => {
    const protocols: L7Schema[] = [];
    const leaveOut = (name: string, why: string) =>
      console.error(
        escapeControls(`parley: ${name} is not in the schema: ${why}`),
      );
    for (const { name, version, refused } of parsers.status) {
      if (refused !== undefined) leaveOut(name, refused);
      if (version === undefined) continue;
      try {
        const rules = await parsers.ask(name, { type: "rules" });
        protocols.push({ proto: name, ...rules });
      } catch (error) {
        leaveOut(name, thrownText(error));
      }
    }
    return policyJsonSchema(protocols);
  });
}
