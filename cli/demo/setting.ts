/**
 * Builds what the tour takes place in: a temporary folder, a cache to guard,
 * another server, and a sidecar in front of both.
 *
 * @module
 */
import type { OperatorLog } from "../../proxy/sidecar.ts";
import { BUILT_IN_PARSERS } from "../exit.ts";
import type { Running } from "../serve.ts";
import { AccessLog } from "./access_log.ts";
import { type Droid, startDroid } from "./droid.ts";
import { OLD_WORDS } from "./edits.ts";
import { CACHE_POLICY, configText } from "./files.ts";
import { startSidecar } from "./sidecar.ts";
import { type Cache, startCache } from "./upstream.ts";

/** The parts, all running. */
export interface Setting {
  readonly folder: string;
  readonly cache: Cache;
  readonly droid: Droid;
  readonly sidecar: Running;
  /** Parsers run in processes of their own, in a sandbox. */
  readonly isSandboxed: boolean;
  readonly log: AccessLog;
  readonly messages: Messages;
  readonly parser: CopiedParser;
}

/** The copied parser: its entry, and the file that words its denial. */
export interface CopiedParser {
  readonly entry: string;
  readonly wording: string;
}

/** What the sidecar tells its operator. */
export class Messages implements OperatorLog {
  readonly all: string[] = [];
  /** Those among them that are no good news. */
  readonly warnings: string[] = [];
  /** Called with each further one. */
  listen: (message: string) => void = () => {};

  /** `NAME@VERSION` of the parsers that began to serve, in order, as told from a message on. */
  served(from = 0): string[] {
    return this.all.slice(from).flatMap((message) =>
      /^parser (\S+@\w+) serves/.exec(message)?.[1] ?? []
    );
  }

  info(message: string): void {
    this.all.push(message);
    this.listen(message);
  }

  warn(message: string): void {
    this.warnings.push(message);
    this.info(message);
  }

  error(message: string): void {
    this.warn(message);
  }
}

/** Puts the parts together; `stack` takes them down in reverse order. */
export async function build(
  stack: AsyncDisposableStack,
  isSandboxed: boolean,
): Promise<Setting> {
  const folder = await Deno.makeTempDir({ prefix: "parley-demo-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const cache = await startCache();
  stack.defer(() => cache.close());
  const droid = startDroid();
  stack.defer(() => droid.close());

  await Deno.mkdir(`${folder}/policies`);
  await Deno.writeTextFile(`${folder}/policies/cache.yaml`, CACHE_POLICY);
  const parser = await copyParser(folder);
  const file = `${folder}/parley.yaml`;
  const ports = { cachePort: cache.port, droidPort: droid.port };
  await Deno.writeTextFile(file, configText(ports));

  const messages = new Messages();
  const sidecar = await startSidecar({
    file,
    folder: `${folder}/supervisor`,
    isSandboxed,
    log: messages,
  });
  stack.defer(() => sidecar.drain());
  const log = new AccessLog(`${folder}/access.log`);
  stack.defer(() => log.close());
  return {
    folder,
    cache,
    droid,
    sidecar,
    isSandboxed,
    log,
    messages,
    parser,
  };
}

/** The built-in memcache parser as an author would override it: a copy, under the same name. */
async function copyParser(folder: string): Promise<CopiedParser> {
  const from = `${BUILT_IN_PARSERS}/memcache`;
  const to = `${folder}/parsers/memcache`;
  await Deno.mkdir(to, { recursive: true });
  let wording: string | undefined;
  for await (const { name } of Deno.readDir(from)) {
    if (!name.endsWith(".ts") || name.endsWith("_test.ts")) continue;
    const text = await Deno.readTextFile(`${from}/${name}`);
    await Deno.writeTextFile(`${to}/${name}`, text);
    if (text.includes(OLD_WORDS)) wording = `${to}/${name}`;
  }
  if (!wording) throw new Error(`no file of ${from} says "${OLD_WORDS}"`);
  return { entry: `${to}/mod.ts`, wording };
}
