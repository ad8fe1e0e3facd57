/**
 * The Unix socket that commands speak to: its place, how it gets there, and how
 * commands find it.
 *
 * Who may write to it may end connections: it has mode 0600. Where no path is
 * configured it is `PID.sock` in a folder of mode 0700 that belongs to the user;
 * no other folder is used, and no link is followed.
 *
 * @module
 */

/** How many users may read and write below a folder: only its owner. */
const OTHERS = 0o077;
const NAME = /^[0-9]+\.sock$/;

/** What of a process names its folders. */
export interface User {
  readonly uid: number;
  /** `XDG_RUNTIME_DIR` (freedesktop.org's base directories), if it is set. */
  readonly runtime: string | undefined;
  /** Where temporary files are. */
  readonly temporary: string;
}

/** Whoever runs this process. */
export function thisUser(): User {
  const uid = Deno.uid();
  if (uid === null) throw new Error("this system has no Unix sockets for it");
  return {
    uid,
    runtime: Deno.env.get("XDG_RUNTIME_DIR") || undefined,
    temporary: Deno.env.get("TMPDIR") || "/tmp",
  };
}

/** Folders that may hold a user's sockets, the best first. */
export function foldersOf({ uid, runtime, temporary }: User): string[] {
  return [
    ...(runtime === undefined ? [] : [`${runtime}/parley`]),
    `${temporary}/parley-${uid}`,
  ];
}

/**
 * A path for this process in the first folder that can be had; it is made when
 * it is not there. Sockets that nobody listens at are removed from it.
 *
 * @throws {Error} when there is none; says why of each
 */
export async function defaultPath(user: User, pid: number): Promise<string> {
  const faults: string[] = [];
  for (const folder of foldersOf(user)) {
    try {
      const own = await ownFolder(folder, user);
      await removeStale(own);
      return `${own}/${pid}.sock`;
    } catch (error) {
      faults.push((error as Error).message);
    }
  }
  throw new Error(`${faults.join("; ")}; name a path as admin.unix`);
}

/** The folder, made if it is not there. @throws {Error} when others could write to it, or stand behind it */
async function ownFolder(folder: string, user: User): Promise<string> {
  try {
    await Deno.mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  const fault = await distrust(folder, user);
  if (fault === undefined) return folder;
  throw new Error(`${folder} ${fault}`);
}

/** Why a folder is not to be used; nothing: it may be. */
async function distrust(
  folder: string,
  { uid }: User,
): Promise<string | undefined> {
  const { isDirectory, uid: owner, mode } = await Deno.lstat(folder);
  if (!isDirectory) return "is no folder";
  if (owner !== uid) return `belongs to user ${owner}, not ${uid}`;
  if (((mode ?? OTHERS) & OTHERS) !== 0) {
    return "may be used by others (chmod 700 would end that)";
  }
}

async function removeStale(folder: string): Promise<void> {
  for (const path of await socketsIn(folder)) {
    if (!await isServed(path)) await Deno.remove(path).catch(() => {});
  }
}

/** The sockets of this user at which somebody listens. */
export async function findSockets(user: User): Promise<string[]> {
  const found: string[] = [];
  for (const folder of new Set(foldersOf(user))) {
    // Not there, or not to be trusted: what stands in it is not ours.
    const fault = await distrust(folder, user).catch(() => "is not there");
    if (fault !== undefined) continue;
    for (const path of await socketsIn(folder)) {
      if (await isServed(path)) found.push(path);
    }
  }
  return found;
}

async function socketsIn(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    const there = NAME.test(name) && await lstat(path);
    if (there && there.isSocket) paths.push(path);
  }
  return paths.sort();
}

/** Whether somebody listens at a socket. */
async function isServed(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (error) {
    // A queue that is full is somebody's too.
    return !(error instanceof Deno.errors.ConnectionRefused ||
      error instanceof Deno.errors.NotFound);
  }
}

async function lstat(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Listens at a path. It comes to its place at once with its mode, in place of a
 * socket that a dead process has left, and of nothing else.
 *
 * @throws {Error} when something else is there, or somebody listens there
 */
export async function listenAt(path: string): Promise<Deno.UnixListener> {
  const there = await lstat(path);
  if (there && !there.isSocket) {
    throw new Error(`${path} is there and no socket; remove it`);
  }
  if (there && await isServed(path)) {
    throw new Error(`another process listens at ${path}; stop it`);
  }
  // Nobody else can reach into the folder while the mode is not yet set.
  const slash = path.lastIndexOf("/");
  const dir = slash < 0 ? "." : path.slice(0, slash) || "/";
  const draft = await Deno.makeTempDir({ dir, prefix: "." });
  let listener: Deno.UnixListener | undefined;
  try {
    listener = Deno.listen({ transport: "unix", path: `${draft}/s` });
    await Deno.chmod(`${draft}/s`, 0o600);
    await Deno.rename(`${draft}/s`, path); // a link there would be replaced, not followed
    return listener;
  } catch (error) {
    listener?.close();
    throw error;
  } finally {
    await Deno.remove(draft, { recursive: true });
  }
}
