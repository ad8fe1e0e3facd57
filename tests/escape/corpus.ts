/**
 * The hostile parsers of `corpus/`. Each begins with what it is after, what the
 * stager does with it, and what stops it where the stager does not:
 *
 * ```text
 * // Goal: read a file of the machine
 * // Stager: passes
 * // Stopped: Deno is not defined
 * ```
 *
 * They are no modules of this repository, so their names end in `.txt`: no tool
 * is to resolve, check or cache what they import.
 */
import { stripTypeScriptTypes } from "node:module";
import { stageParser } from "../../proxy/checker/stage_parser.ts";

const FOLDER = new URL("corpus/", import.meta.url);
const HEADER =
  /^\/\/ Goal: (?<goal>.+)\n\/\/ Stager: (?<stager>passes|refuses)\n\/\/ Stopped: (?<stopped>.+)\n/;

/** One hostile parser. */
export interface Hostile {
  readonly name: string;
  readonly goal: string;
  readonly stager: "passes" | "refuses";
  /** Texts, one of which its transcript holds when it runs. */
  readonly stopped: readonly string[];
  readonly source: string;
}

/** All of them, by name. */
export function corpus(): Hostile[] {
  return [...Deno.readDirSync(FOLDER)].flatMap(({ name: file }) => {
    const source = read(file);
    const header = HEADER.exec(source)?.groups;
    if (!header) return []; // a helper
    return [{
      name: file.replace(".ts.txt", ""),
      goal: header.goal!,
      stager: header.stager as Hostile["stager"],
      stopped: header.stopped!.split("|"),
      source,
    }];
  }).sort((a, b) => a.name < b.name ? -1 : 1);
}

function read(file: string): string {
  return Deno.readTextFileSync(new URL(file, FOLDER));
}

/** Values for the `%NAME%`s of a source. */
export type Loot = Readonly<Record<string, string>>;

/** A parser's files as the stager takes them, its entry first. */
export function sourcesOf(
  { name, source }: Pick<Hostile, "name" | "source">,
  loot: Loot,
): Map<string, string> {
  const filled = source.replaceAll(
    /%([A-Z_]+)%/g,
    (whole, key) => loot[key] ?? whole,
  );
  return new Map([
    [`${name}.ts`, filled],
    ["attack.ts", read("attack.ts.txt")],
  ]);
}

/** The parser that shares the process with a hostile one. */
export function harmless(): Map<string, string> {
  return new Map([["harmless.ts", read("harmless.ts.txt")]]);
}

/** Files for a snapshot as the stager makes them; throws where it refuses. */
export function staged(
  sources: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const [entry] = sources.keys();
  const { files, error } = stageParser(
    { name: entry!.replace(".ts", ""), folder: "", entry: entry! },
    Object.fromEntries(sources),
  );
  if (files) return new Map(Object.entries(files));
  throw new Error(error);
}

/** The same with the stager bypassed: types stripped, nothing checked. */
export function unchecked(
  sources: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  return new Map(
    [...sources].map(([file, source]) => [
      `${file}.js`,
      stripTypeScriptTypes(source).replace('"./attack.ts"', '"./attack.ts.js"'),
    ]),
  );
}
