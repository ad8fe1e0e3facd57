/**
 * A cache folder outside the checkout: what was installed once is found again
 * by every later run, and by test files that run at the same time.
 *
 * @module
 */

/** What could not be installed, and why: said once, not tried again by each test file of a run. */
const REASON = "failed.json";

/** `$PARLEY_TEST_CACHE`, else below the user's own cache folder. */
export function cacheFolder(): string {
  const own = Deno.env.get("PARLEY_TEST_CACHE");
  if (own) return own;
  const users = Deno.env.get("XDG_CACHE_HOME") ||
    `${Deno.env.get("HOME") ?? "/tmp"}/.cache`;
  return `${users}/parley-tests`;
}

/**
 * The folder `key` of the cache, filled if it is not there.
 *
 * `fill` is given an empty folder, which becomes the cached one when it returns:
 * nobody ever sees one that is half filled. Only one caller on the machine fills
 * a key; the others wait. The key names the version of what is inside.
 *
 * @throws what `fill` threw; for the rest of this run at once
 */
export async function cached(
  key: string,
  fill: (folder: string) => Promise<void>,
  root = cacheFolder(),
): Promise<string> {
  const folder = `${root}/${key}`;
  if (await exists(folder)) return folder;
  await Deno.mkdir(root, { recursive: true });
  using lock = await Deno.open(`${root}/${key}.lock`, {
    create: true,
    write: true,
  });
  await lock.lock(true);
  if (await exists(folder)) return folder;

  const failed = `${root}/${key}.${REASON}`;
  const before = await lastFailure(failed);
  if (before) throw new Error(before);
  const draft = await Deno.makeTempDir({ dir: root, prefix: `${key}.draft-` });
  try {
    await fill(draft);
    await Deno.rename(draft, folder);
    return folder;
  } catch (error) {
    await Deno.remove(draft, { recursive: true });
    await Deno.writeTextFile(
      failed,
      JSON.stringify({ run: thisRun(), reason: (error as Error).message }),
    );
    throw error;
  }
}

/** The runner's name for a run, whose files are in several processes; without it, this process. */
function thisRun(): string {
  return Deno.env.get("PARLEY_TEST_RUN") ?? String(Deno.pid);
}

/** Why this run could not fill a key before. */
async function lastFailure(file: string): Promise<string | undefined> {
  if (!await exists(file)) return undefined;
  const { run, reason } = JSON.parse(await Deno.readTextFile(file));
  return run === thisRun() ? reason : undefined;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
