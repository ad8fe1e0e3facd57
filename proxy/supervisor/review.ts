/**
 * What is good of parsers and policy documents: asked of a checker, and, when
 * that does not survive a parser, found out one by one.
 *
 * @module
 */
import { ParleyError } from "../../proxylib/error.ts";
import type { Written } from "../checker/judge.ts";
import type {
  Candidates,
  Judgement,
  ParserVersion,
} from "../control/messages.ts";
import { readModule, vectorsOf } from "../registry/discover.ts";
import { thrownText } from "../thrown.ts";
import type { Checkers } from "./checker.ts";
import type { Parsers, Scan } from "./parsers.ts";

/** Judges in processes of `checkers`; the last one of them has what was found good loaded. @throws {ParleyError} when none can be had */
export async function review(
  parsers: Parsers,
  scan: Scan,
  written: Written,
  checkers: Checkers,
): Promise<Judgement> {
  const candidates = (): Candidates => {
    return { parsers: parsers.candidates(scan), ...written };
  };
  await stage(parsers, scan, checkers);
  const judgement = await judge(parsers, scan, candidates, checkers);
  const held = await checkVectors(parsers, scan, judgement, checkers);
  return held ? judgement : await checkers.get().judge(candidates());
}

async function judge(
  parsers: Parsers,
  scan: Scan,
  candidates: () => Candidates,
  checkers: Checkers,
): Promise<Judgement> {
  try {
    return await checkers.get().judge(candidates());
  } catch (error) {
    await checkers.drop();
    const found = await refuseHarmful(parsers, scan, candidates(), checkers);
    if (!found) throw error;
    return await checkers.get().judge(candidates());
  }
}

/** Stages what is new, together; one by one where the stager does not survive it. */
async function stage(
  parsers: Parsers,
  scan: Scan,
  checkers: Checkers,
): Promise<void> {
  const { parsers: wanted, folders } = await parsers.toStage(scan);
  if (wanted.length === 0) return;
  try {
    await parsers.keep(scan, await checkers.get().stage(wanted, folders));
    return;
  } catch {
    await checkers.drop();
  }
  for (const parser of wanted) {
    const texts = { [parser.folder]: folders[parser.folder]! };
    try {
      await parsers.keep(scan, await checkers.get().stage([parser], texts));
    } catch (error) {
      parsers.refuse(scan, parser.name, faultOf(error));
      await checkers.drop();
    }
  }
}

/** Refuses versions that do not what their authors say they do; whether there were none. */
async function checkVectors(
  parsers: Parsers,
  scan: Scan,
  judgement: Judgement,
  checkers: Checkers,
): Promise<boolean> {
  let held = true;
  for (const { name, newest } of parsers.candidates(scan)) {
    const isGood = newest &&
      judgement.parsers.some(({ serving }) =>
        serving?.snapshot === newest.snapshot
      );
    if (!isGood || parsers.isBuiltIn(newest)) continue; // of those the test suite runs them
    const fault = await vectorFault(newest, checkers);
    if (fault === undefined) continue;
    parsers.refuse(scan, name, fault);
    held = false;
  }
  return held;
}

async function vectorFault(
  version: ParserVersion,
  checkers: Checkers,
): Promise<string | undefined> {
  const file = `${version.folder}/${vectorsOf(version.entry)}`;
  const text = await readText(file);
  if (text === undefined) return undefined;
  try {
    const question = { type: "vectors", file, text } as const;
    const fault = await checkers.get().ask(version, question);
    return fault === null
      ? undefined
      : `one of its own vectors does not hold: ${fault}`;
  } catch (error) {
    await checkers.drop();
    return faultOf(error);
  }
}

/** Vectors; nothing if there are none to be had. */
async function readText(file: string): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await readModule(file));
  } catch {
    return undefined;
  }
}

/** Loads each new version in a process of its own; those that end it, or never end, are refused. */
async function refuseHarmful(
  parsers: Parsers,
  scan: Scan,
  candidates: Candidates,
  checkers: Checkers,
): Promise<boolean> {
  let found = false;
  for (const { name, newest } of candidates.parsers) {
    if (!newest) continue;
    try {
      // With the documents: their rules are checked by the parser's own code.
      const alone = { ...candidates, parsers: [{ name, newest }] };
      await checkers.get().judge(alone);
    } catch (error) {
      parsers.refuse(scan, name, faultOf(error));
      found = true;
    }
    await checkers.drop();
  }
  return found;
}

/** What was found of a parser that a checker did not survive. */
export function faultOf(error: unknown): string {
  return error instanceof ParleyError ? error.fault.found : thrownText(error);
}
