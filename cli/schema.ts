/**
 * `parley schema`: JSON Schema of what users write and read.
 *
 * @module
 */
import { policyJsonSchema } from "../policy/mod.ts";
import { nearMiss, oneOf } from "../policy/problem.ts";
import { accessLogJsonSchema } from "../proxy/accesslog/schema.ts";
import { configJsonSchema } from "../proxy/config/mod.ts";
import { UsageError } from "./exit.ts";
import { withParsers } from "./registry.ts";

const SCHEMAS: Readonly<
  Record<string, (folders: readonly string[]) => unknown>
> = {
  policy: policySchemaOf,
  config: configJsonSchema,
  accesslog: accessLogJsonSchema,
};

/** Prints one. */
export async function schema(
  what: string,
  { folder }: { readonly folder: readonly string[] },
): Promise<number> {
  const names = Object.keys(SCHEMAS);
  if (!names.includes(what)) {
    throw new UsageError(
      `there is no schema of ${JSON.stringify(what)}; ${
        nearMiss(what, names) ?? `write ${oneOf(names)}`
      }`,
    );
  }
  console.log(JSON.stringify(await SCHEMAS[what]!(folder), null, 2));
  return 0;
}

/** The L7 rules are those of the parsers that load; what does not load is said on the side. */
function policySchemaOf(folders: readonly string[]): Promise<unknown> {
  return withParsers(folders, (registry) => {
    for (const { name, refused } of registry.status()) {
      if (refused !== undefined) {
        console.error(`parley: ${name} is not in the schema: ${refused}`);
      }
    }
    const protocols = registry.names().flatMap((proto) => {
      const parser = registry.get(proto);
      if (!parser) return [];
      const { description, rule } = parser.definition;
      return [{ proto, description, rule }];
    });
    return policyJsonSchema(protocols);
  });
}
