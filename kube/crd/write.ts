/**
 * Writes deploy/base/crds: `deno task crds`.
 *
 * @module
 */
import { stringify } from "yaml";
import { definitions } from "./definitions.ts";

/** Where the file is, from the root of the repository. */
export const CRDS_FILE = "deploy/base/crds.yaml";

/** What the file holds. */
function crdsText(): string {
  const documents = definitions().map((definition) =>
    stringify(definition, { lineWidth: 0, aliasDuplicateObjects: false })
  );
  return `# Made by \`deno task crds\` from policy/schema.ts; not to be edited.\n${
    documents.join("---\n")
  }`;
}

if (import.meta.main) {
  const file = new URL(`../../${CRDS_FILE}`, import.meta.url);
  await Deno.writeTextFile(file, crdsText());
}
