/**
 * Debian packages, unpacked into the cache: nothing is installed on the user's
 * system, and no rights are needed.
 *
 * @module
 */
import { cached } from "./cache.ts";
import { onPath, output, type Tool } from "./tool.ts";

/**
 * A program of a package, with the libraries that the system lacks, and with
 * further packages that it starts.
 *
 * @throws when it cannot be had
 */
export async function debianProgram(
  packageName: string,
  program: string,
  beside: readonly string[] = [],
): Promise<Tool> {
  for (const tool of ["apt-get", "dpkg-deb"]) {
    if (!onPath(tool)) throw new Error(`${program} is not on PATH`);
  }
  const folder = await cached(
    `${packageName}-${await release()}`,
    (draft) => unpack([packageName, ...beside], program, draft),
  );
  const libraries = await folders(`${folder}/usr/lib`);
  return {
    kind: "tool",
    command: await programIn(folder, program),
    env: {
      LD_LIBRARY_PATH: libraries.join(":"),
      ...await fontsIn(folder),
    },
  };
}

/** Where fonts and their configuration are, if the system has none: then they were unpacked, too. */
async function fontsIn(folder: string): Promise<Record<string, string>> {
  const there = await Deno.stat(`${folder}/etc/fonts`).catch(() => undefined);
  return there ? { FONTCONFIG_SYSROOT: folder } : {};
}

/** A release has one version of each package, but for its security fixes. */
async function release(): Promise<string> {
  const text = await Deno.readTextFile("/etc/os-release");
  const field = (name: string) =>
    new RegExp(`^${name}="?([^"\\n]+)`, "m").exec(text)?.[1] ?? "unknown";
  return `${field("ID")}-${field("VERSION_ID")}-${Deno.build.arch}`;
}

async function unpack(
  packages: readonly string[],
  program: string,
  draft: string,
): Promise<void> {
  console.error(
    `tests/setup: ${program} is not on PATH; unpacking Debian's ${
      packages[0]
    } into the cache …`,
  );
  const scratch = await Deno.makeTempDir({ prefix: "parley-setup-" });
  try {
    await download(packages, scratch);
    for await (const { name } of Deno.readDir(scratch)) {
      if (!name.endsWith(".deb")) continue;
      await output("dpkg-deb", ["-x", `${scratch}/${name}`, draft]);
    }
    await programIn(draft, program);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** Where a package has its program; an administrator's are in `sbin`, and a script may stand for one in `lib`. @throws when it has none */
async function programIn(folder: string, program: string): Promise<string> {
  for (
    const place of [`usr/lib/${program}`, "usr/bin", "usr/sbin", "bin"]
  ) {
    const path = `${folder}/${place}/${program}`;
    const found = await Deno.stat(path).catch(() => undefined);
    if (found?.isFile) return path;
  }
  throw new Error(`the package has no program ${program}`);
}

/** With the system's package lists if they are any good, else with fresh ones of our own. */
async function download(
  packages: readonly string[],
  scratch: string,
): Promise<void> {
  try {
    await downloadWith([], packages, scratch);
  } catch {
    const own = await ownLists(scratch);
    await output("apt-get", [...own, "-qq", "update"]);
    await downloadWith(own, packages, scratch);
  }
}

/** Options that keep all that apt writes below a folder, so that anyone may run it. */
async function ownLists(scratch: string): Promise<string[]> {
  const state = `${scratch}/apt`;
  await Deno.mkdir(`${state}/lists/partial`, { recursive: true });
  await Deno.mkdir(`${state}/archives/partial`, { recursive: true });
  return [
    `Dir::State::Lists=${state}/lists`,
    `Dir::Cache=${state}`,
    "APT::Sandbox::User=",
    "Debug::NoLocking=true",
  ].flatMap((option) => ["-o", option]);
}

/** Packages and what they depend on, as far as the system does not have it. */
async function downloadWith(
  options: readonly string[],
  packages: readonly string[],
  folder: string,
): Promise<void> {
  const plan = await output("apt-get", [
    ...options,
    "--simulate",
    "--no-install-recommends",
    "--reinstall",
    "install",
    ...packages,
  ]);
  const names = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name!);
  if (names.length === 0) throw new Error(`apt-get knows no ${packages[0]}`);
  await output("apt-get", [...options, "-qq", "download", ...names], {
    cwd: folder,
  });
}

/** The folders of the machine's own libraries below `usr/lib`, and those in which packages keep libraries for themselves. */
async function folders(path: string): Promise<string[]> {
  const own = (await foldersIn(path)).filter((path) =>
    path.includes("-linux-")
  );
  const inner = await Promise.all(own.map(foldersIn));
  const found: string[] = [];
  for (const folder of inner.flat()) {
    if (await hasLibraries(folder)) found.push(folder);
  }
  return [...own, ...found];
}

async function foldersIn(path: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(path)).catch(() => []);
  return entries.filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => `${path}/${name}`).sort();
}

async function hasLibraries(path: string): Promise<boolean> {
  for await (const { name } of Deno.readDir(path)) {
    if (/^lib.+\.so(\.|$)/.test(name)) return true;
  }
  return false;
}
