/**
 * `parley parsers new`: begins a parser from the skeleton, which passes its own
 * tests as it is.
 *
 * @module
 */
import { join } from "node:path";
import { BUILT_IN_PARSERS, UsageError } from "./exit.ts";

const SKELETON = new URL("./skeleton/", import.meta.url);
const FILES = ["NAME.ts", "NAME_test.ts", "NAME.vectors.jsonl"];
const NAME = /^[a-z][a-z0-9_-]*$/;

/** Writes the files; never over others. */
export async function create(
  name: string,
  { folder }: { folder: string },
): Promise<number> {
  if (!NAME.test(name) || name.endsWith("_test")) {
    throw new UsageError(
      `${
        JSON.stringify(name)
      } is no name for a parser; use lower-case letters, digits, - and _, a letter first`,
    );
  }
  const targets = FILES.map((file) => join(folder, withName(file, name)));
  for (const target of targets) await refuseOver(target);
  await Deno.mkdir(folder, { recursive: true });
  for (const [index, file] of FILES.entries()) {
    const skeleton = await Deno.readTextFile(new URL(file, SKELETON));
    await Deno.writeTextFile(targets[index]!, withName(skeleton, name), {
      createNew: true,
    });
    console.log(`wrote ${targets[index]}`);
  }
  console.log(await nextSteps(name, folder, targets[1]!));
  return 0;
}

async function nextSteps(
  name: string,
  folder: string,
  test: string,
): Promise<string> {
  const builtIn = await Deno.realPath(BUILT_IN_PARSERS);
  const isFound = await Deno.realPath(folder) === builtIn;
  return `
next:
  deno test ${test}
  parley parsers test ${name}${isFound ? "" : ` --folder ${folder}`}
${
    isFound
      ? `  parley run --listen 127.0.0.1:4041 --upstream 127.0.0.1:4040 --l7proto ${name}`
      : `  parley run -c parley.yaml, with parsers: { folders: [ ${folder} ] } in it`
  }`;
}

/** `NAME` as text stands for the name; as an identifier it has no dash. */
function withName(text: string, name: string): string {
  const identifier = name.replace(/-(.)/g, (_, letter) => letter.toUpperCase())
    .replace(/-$/, "");
  return text
    .replace(/\bimport NAME\b/g, `import ${identifier}`)
    .replace(/\bNAME, \[/g, `${identifier}, [`)
    .replaceAll("NAME", name);
}

async function refuseOver(path: string): Promise<void> {
  const there = await Deno.lstat(path).catch(() => undefined);
  if (!there) return;
  throw new UsageError(
    `${path} is there already; choose another name, or move the file away`,
  );
}
