/**
 * The built-in parsers as they were staged when the program was prepared: a
 * start takes them from here, by the hash of their content, and stages what has
 * another one.
 *
 * They stand where the runtime keeps the compiled modules of the program itself
 * and are trusted as far: whoever can write there writes the program.
 *
 * @module
 */
import type { FolderTexts } from "../control/messages.ts";
import { cacheFolder, placeOf } from "./caches.ts";
import { discover, type ParserSource, textsOf } from "../registry/discover.ts";

/** Where they stand for the program of a `deno.json`. */
export function prestagedFolder(config: string): string {
  return `${cacheFolder()}/parley-parsers${placeOf(config)}`;
}

/** Stages the parsers of `folder` for later, in place of all that was in `prestaged`. Those that cannot be staged are left out: the start says why. */
export async function prestage(
  folder: string,
  prestaged: string,
): Promise<void> {
  // Loaded here: a start that finds all done needs no stager.
  const { stageParser } = await import("../checker/stage_parser.ts");
  await Deno.remove(prestaged, { recursive: true }).catch(() => {});
  await Deno.mkdir(prestaged, { recursive: true });
  const texts = await textsOf(folder);
  for (const source of await discover(folder)) {
    const { files } = stageParser(source, texts);
    if (!files) continue;
    await Deno.writeTextFile(
      fileOf(prestaged, source),
      JSON.stringify(files),
    );
  }
}

/** What was staged of a parser of this content; nothing if that was not done. */
export async function readPrestaged(
  prestaged: string,
  source: ParserSource,
): Promise<FolderTexts | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(fileOf(prestaged, source)));
  } catch {
    return undefined; // then it is staged
  }
}

function fileOf(prestaged: string, { name, hash }: ParserSource): string {
  return `${prestaged}/${name}-${hash}.json`;
}
