/**
 * Judges parsers and policy documents together: which versions load, and which
 * documents may be in force with them.
 *
 * @module
 */
import { createPolicyStore } from "../../policy/mod.ts";
import { readStored, type StoredDocument } from "../../policy/stored.ts";
import type {
  Candidates,
  Judgement,
  ParserVersion,
} from "../control/messages.ts";
import { createCatalog } from "../registry/catalog.ts";
import { importVersion } from "../registry/import.ts";
import { judgedDocuments } from "../policy_history.ts";
import type { LoadedParser } from "../registry/registry.ts";
import { thrownText } from "../thrown.ts";
import { unguarded } from "../unguarded.ts";

type ParserJudgement = Judgement["parsers"][number];

/** What is judged beside the parsers. */
export type Written = Omit<Candidates, "parsers">;

/** Loads the parsers and reads the documents; never rejects. */
export async function judge(candidates: Candidates): Promise<Judgement> {
  const loaded = new Map<string, LoadedParser>();
  const parsers: ParserJudgement[] = [];
  for (const { name, newest, serving } of candidates.parsers) {
    parsers.push(await settle(name, newest, serving, loaded));
  }
  const registry = {
    names: () => [...loaded.keys()],
    get: (name: string) => loaded.get(name),
  };
  const documents = judgeDocuments(registry, candidates);
  const unfit = new Map(
    parsers.flatMap(({ name, serving }) => {
      const { newest } = candidates.parsers.find((each) => each.name === name)!;
      if (!serving || serving !== newest) return [];
      const fault = ruleFault(loaded.get(name)!, documents.policy.documents);
      return fault === undefined ? [] : [[name, fault]];
    }),
  );
  if (unfit.size === 0) return { parsers, ...documents };
  for (const [index, { name }] of parsers.entries()) {
    const refused = unfit.get(name);
    if (refused === undefined) continue;
    loaded.delete(name);
    const { serving } = candidates.parsers.find((each) => each.name === name)!;
    parsers[index] = {
      ...await settle(name, undefined, serving, loaded),
      refused,
    };
  }
  return { parsers, ...judgeDocuments(registry, candidates) };
}

/** Why a version of a parser is not fit for the documents that are to be in force; nothing if it is. */
function ruleFault(
  { name, version, definition }: LoadedParser,
  documents: readonly StoredDocument[],
): string | undefined {
  const { check, checkList } = createCatalog({
    names: () => [name],
    get: (proto) => proto === name ? { definition } : undefined,
  });
  // Rules of other parsers are not its business.
  const catalog = { names: () => [name], has: () => true, check, checkList };
  for (const document of documents) {
    const found = readStored(document, catalog).problems
      .find(({ severity }) => severity === "error");
    if (!found) continue;
    return `Cannot serve parser ${name}@${version}: it does not take a rule that is in force: ${found.message} (${document.file}, ${document.name}); make it take the rule, or change both`;
  }
  return undefined;
}

/** Reads the documents with the parsers that are there. */
export function judgeDocuments(
  registry: Parameters<typeof createCatalog>[0],
  { documents, sources, subjects, options, listeners }: Written,
): Pick<Judgement, "policy" | "unguarded"> {
  const store = createPolicyStore(createCatalog(registry), subjects, options);
  store.adopt(documents);
  const read = sources && store.update(sources);
  return {
    policy: {
      documents: store.inForce,
      ...(read ? { judged: judgedDocuments(read) } : {}),
      problems: read?.problems ?? [],
      refused: store.refused,
    },
    unguarded: unguarded(subjects, listeners, store.current),
  };
}

/** The newest version that loads; the other one is loaded too where it goes on serving. */
async function settle(
  name: string,
  newest: ParserVersion | undefined,
  serving: ParserVersion | undefined,
  loaded: Map<string, LoadedParser>,
): Promise<ParserJudgement> {
  let refused: string | undefined;
  for (const version of [newest, serving]) {
    if (!version) continue;
    try {
      const parser = await importVersion(version);
      const description = `${parser.definition.description}`;
      loaded.set(name, parser);
      return {
        name,
        serving: version,
        description,
        ...(refused ? { refused } : {}),
      };
    } catch (error) {
      refused ??= thrownText(error);
    }
  }
  return { name, ...(refused ? { refused } : {}) };
}
