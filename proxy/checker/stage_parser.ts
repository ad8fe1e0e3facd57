/**
 * Stages a parser: its entry module, and the files of its folder that it
 * imports.
 *
 * @module
 */
import type {
  FolderTexts,
  StagedParser,
  ToStage,
} from "../control/messages.ts";
import { loadError } from "../registry/load_error.ts";
import { stagedPath } from "../sandbox/staged_path.ts";
import { stageModule } from "../sandbox/stage.ts";

/** What workers may import of it, or what the author has to mend. */
export function stageParser(
  parser: ToStage,
  texts: FolderTexts,
): StagedParser {
  const { name, folder, entry } = parser;
  const files: Record<string, string> = {};
  const wanted = [entry];
  const seen = new Set(wanted);
  for (const file of wanted) {
    const staging = stageModule(file, texts[file] ?? "");
    if ("problems" in staging) {
      const [first] = staging.problems;
      return { name, error: explain(parser, `${folder}/${file}`, first!) };
    }
    files[stagedPath(file)] = staging.code;
    for (const { path, at } of staging.imports) {
      if (texts[path] === undefined) {
        return { name, error: explain(parser, `${folder}/${file}`, at) };
      }
      if (!seen.has(path)) wanted.push(path);
      seen.add(path);
    }
  }
  return { name, files };
}

function explain(
  parser: ToStage,
  file: string,
  { line, column, found, mend }: {
    readonly line: number;
    readonly column: number;
    readonly found: string;
    readonly mend: string;
  },
): string {
  const where = `${file}:${line}:${column}`;
  return loadError(parser, where, `${found}; ${mend}`).message;
}
