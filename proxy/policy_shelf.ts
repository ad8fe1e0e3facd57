/**
 * Policies that were put in through the admin API, each under a name. They are
 * kept in a folder, where they outlive the sidecar, or in memory.
 *
 * At every instant the folder holds the old text of a name or the new one: a
 * text is written beside, synced, and renamed.
 *
 * @module
 */
import type { Source } from "../policy/file.ts";
import { ParleyError } from "../proxylib/error.ts";
import type { Config } from "./config/mod.ts";
import { FILE_MAX } from "./policy_files.ts";
import { thrownText } from "./thrown.ts";
import { writeWhole } from "./whole_file.ts";

/** How a text is called that is not in its place yet; policy files never begin with a dot. */
const DRAFT = /^\..*\.draft$/;
/** What policies can be called: it is a name of a file everywhere, and leads out of no folder. */
export const POLICY_NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

/** What keeps them. */
export interface PolicyShelf {
  /** How a policy is named in messages, and among the policy files. */
  fileOf(name: string): string;
  /** By name. */
  names(): Promise<string[]>;
  get(name: string): Promise<string | undefined>;
  /** Resolves when the text outlives a failure of the machine, if it ever does. @throws {Error} when it cannot be kept; the old one is there then */
  put(name: string, text: string): Promise<void>;
  delete(name: string): Promise<void>;
  /** Those that are read from nowhere else. */
  sources(): Source[];
}

/** Forgets all at the end. */
export class MemoryShelf implements PolicyShelf {
  readonly #texts = new Map<string, string>();

  fileOf(name: string): string {
    return `/v1/policies/${name}`;
  }

  names(): Promise<string[]> {
    return Promise.resolve([...this.#texts.keys()].sort());
  }

  get(name: string): Promise<string | undefined> {
    return Promise.resolve(this.#texts.get(name));
  }

  put(name: string, text: string): Promise<void> {
    this.#texts.set(name, text);
    return Promise.resolve();
  }

  delete(name: string): Promise<void> {
    this.#texts.delete(name);
    return Promise.resolve();
  }

  sources(): Source[] {
    return [...this.#texts].sort(([a], [b]) => a < b ? -1 : 1)
      .map(([name, text]) => ({ file: this.fileOf(name), text }));
  }
}

/** Keeps them in a folder, which is read with the policy files. */
export class FolderShelf implements PolicyShelf {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes the folder if it is not there, and sweeps what a killed sidecar left of a writing. @throws {Error} when it cannot be used */
  static async open(folder: string): Promise<FolderShelf> {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile && DRAFT.test(name)) await Deno.remove(`${folder}/${name}`);
    }
    return new FolderShelf(folder);
  }

  fileOf(name: string): string {
    return `${this.#folder}/${name}.yaml`;
  }

  async names(): Promise<string[]> {
    const names: string[] = [];
    for await (const { name, isFile } of Deno.readDir(this.#folder)) {
      const [, stem] = /^(.*)\.yaml$/.exec(name) ?? [];
      if (isFile && stem !== undefined && POLICY_NAME.test(stem)) {
        names.push(stem);
      }
    }
    return names.sort();
  }

  get(name: string): Promise<string | undefined> {
    return readRegular(this.fileOf(name));
  }

  async put(name: string, text: string): Promise<void> {
    await writeWhole(this.fileOf(name), new TextEncoder().encode(text), {
      draft: `${this.#folder}/.${name}.draft`,
    });
    await this.#sync();
  }

  async delete(name: string): Promise<void> {
    await Deno.remove(this.fileOf(name));
    await this.#sync();
  }

  /** They are among the policy files. */
  sources(): Source[] {
    return [];
  }

  /** A name outlives a failure of the machine once its folder is written. */
  async #sync(): Promise<void> {
    using folder = await Deno.open(this.#folder);
    await folder.sync();
  }
}

/**
 * The text of a regular file: no link is followed, and a pipe is not waited for.
 * Nothing if there is none.
 *
 * @throws {Error} when it cannot be read, or is too long
 */
async function readRegular(path: string): Promise<string | undefined> {
  // The runtime's own way to open files follows links.
  const { constants, promises } = await import("node:fs");
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let file: Awaited<ReturnType<typeof promises.open>>;
  try {
    file = await promises.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOENT" || code === "ELOOP") return undefined;
    throw error;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return undefined;
    if (stat.size > FILE_MAX) {
      throw new Error(`${path} has more than ${FILE_MAX} bytes`);
    }
    const bytes = new Uint8Array(stat.size);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = (await file.read(bytes, length)).bytesRead;
    }
    return new TextDecoder("utf-8", { ignoreBOM: true })
      .decode(bytes.subarray(0, length));
  } finally {
    await file.close();
  }
}

/** Where policies are kept that are put in. @throws {ParleyError} when the folder cannot be used */
export async function openShelf(
  { admin: { policies } }: Config,
): Promise<PolicyShelf> {
  if (policies === undefined) return new MemoryShelf();
  try {
    return await FolderShelf.open(policies);
  } catch (cause) {
    throw new ParleyError("Cannot keep policies", {
      blame: "operator",
      where: `admin.policies (${policies})`,
      found: thrownText(cause),
      mend: "name a folder that can be made, or written to",
    }, { cause });
  }
}
