/** Parsers folders for the registry's tests: real files, in a place of their own. There is no test in this file. */
import { type ParserChange, ParserRegistry } from "./registry.ts";

/** A parser that says `words` in its description. */
export function parserSource(words: string): string {
  return `import { defineParser, nop, pass, z } from "parley/proxylib";
export default defineParser({
  description: ${JSON.stringify(words)},
  rule: z.strictObject({}),
  matches: () => true,
  create: () => ({
    onData: (_reply, _end, data) => data.length === 0 ? nop() : pass(data.length),
  }),
});
`;
}

/** A parser that takes its description from a module beside it. */
export const IMPORTING = `import { words } from "./words.ts";
import { defineParser, nop, z } from "parley/proxylib";
export default defineParser({
  description: words,
  rule: z.strictObject({}),
  matches: () => true,
  create: () => ({ onData: () => nop() }),
});
`;

export const words = (text: string) =>
  `export const words = ${JSON.stringify(text)};\n`;

/** Folders of parsers, made for one test. */
export class Folders implements AsyncDisposable {
  #registries: ParserRegistry[] = [];

  private constructor(readonly temporary: string, readonly root: string) {}

  static async make(name = "parsers"): Promise<Folders> {
    const temporary = await Deno.makeTempDir({ prefix: "parley-registry-" });
    const folders = new Folders(temporary, `${temporary}/${name}`);
    await Deno.mkdir(folders.root, { recursive: true });
    return folders;
  }

  async write(path: string, text: string): Promise<void> {
    const file = `${this.root}/${path}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(file, text);
  }

  async remove(path: string): Promise<void> {
    await Deno.remove(`${this.root}/${path}`, { recursive: true });
  }

  /** A registry of folders below the root; the first one is built in. */
  registry(...below: string[]): ParserRegistry {
    const folders = below.length === 0 ? [this.root] : below;
    const registry = new ParserRegistry(
      folders.map((path, i) => ({
        path: path.startsWith("/") ? path : `${this.root}/${path}`,
        builtIn: i === 0,
      })),
    );
    this.#registries.push(registry);
    return registry;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const registry of this.#registries) await registry.close();
    await Deno.remove(this.temporary, { recursive: true });
  }
}

/** What a registry serves: names with their descriptions. */
export function serving(registry: ParserRegistry): Record<string, string> {
  return Object.fromEntries(
    registry.names().filter((name) => registry.get(name)).map((name) => [
      name,
      registry.get(name)!.definition.description,
    ]),
  );
}

/** Changes as short texts: `loaded a`, `refused b`. */
export function brief(changes: readonly ParserChange[]): string[] {
  return changes.map(({ kind, name }) => `${kind} ${name}`).sort();
}

/** The one refusal among changes. */
export function refusal(changes: readonly ParserChange[]): string {
  const errors = changes.filter(({ kind }) => kind === "refused");
  if (errors.length !== 1) {
    throw new Error(`expected one refusal: ${JSON.stringify(changes)}`);
  }
  return errors[0]!.error!;
}
