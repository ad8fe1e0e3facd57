/**
 * Files that hold one whole text or another at every instant, for whoever reads
 * them and after a failure of the machine.
 *
 * @module
 */

/** What is beside the text. */
export interface WholeFile {
  /** Where the text is written before it is renamed, in the same folder. What is there is nobody's. */
  readonly draft: string;
  /** When it was last modified, in milliseconds since the epoch. Default: now. */
  readonly modified?: number;
}

/**
 * Writes a file beside, for its owner alone, and puts it in the place of what
 * was there. Its name outlives a failure of the machine once the folder is
 * synced.
 *
 * @throws {Error} when it cannot be written; what was there is there then
 */
export async function writeWhole(
  path: string,
  bytes: Uint8Array,
  { draft, modified }: WholeFile,
): Promise<void> {
  await Deno.remove(draft).catch(() => {}); // where it is, it is nobody's
  try {
    await writeNew(draft, bytes);
    if (modified !== undefined) {
      await Deno.utime(draft, modified / 1000, modified / 1000);
    }
    await Deno.rename(draft, path);
  } catch (error) {
    await Deno.remove(draft).catch(() => {});
    throw error;
  }
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, {
    write: true,
    createNew: true, // a link is not followed
    mode: 0o600,
  });
  for (let at = 0; at < bytes.length;) {
    at += await file.write(bytes.subarray(at));
  }
  await file.sync();
}
