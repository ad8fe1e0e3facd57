/**
 * Images made of this machine's programs, since no image registry may be at
 * hand: a base as the Containerfile wants it, and images of workloads.
 *
 * @module
 */
import { basename, dirname } from "node:path/posix";
import type { Tool } from "../setup/mod.ts";
import { output } from "../setup/tool.ts";
import type { Store } from "./store.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** What the images have of busybox. */
const APPLETS = [
  ...["sh", "id", "find", "cat", "ls", "sleep", "timeout", "touch"],
  ...["true", "grep", "nc"],
];

/** Parley's image, built by the Containerfile on a base of this machine's. */
export async function parleyImage(
  store: Store,
  { busybox, nft, ip }: Readonly<Record<"busybox" | "nft" | "ip", Tool>>,
): Promise<string> {
  const deno: Tool = { kind: "tool", command: Deno.execPath(), env: {} };
  const base = await imageOf(store, "base", [deno, nft, ip], busybox);
  return await store.build("parley", ROOT, { BASE: base });
}

/** An image of programs, with a shell. Anyone may write below /tmp. */
export async function imageOf(
  store: Store,
  name: string,
  programs: readonly Tool[],
  busybox: Tool,
): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "parley-image-" });
  try {
    const root = `${folder}/root`;
    await Deno.mkdir(`${root}/bin`, { recursive: true });
    await Deno.mkdir(`${root}/tmp`);
    await Deno.chmod(`${root}/tmp`, 0o1777);
    for (const program of [...programs, busybox]) await install(root, program);
    for (const applet of APPLETS) {
      await Deno.symlink("busybox", `${root}/bin/${applet}`);
    }
    const variables = await trust(root);
    await Deno.writeTextFile(
      `${folder}/Containerfile`,
      `FROM scratch\nCOPY root/ /\nENV PATH=/bin ${variables}\n`,
    );
    return await store.build(name, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A program, and what it loads at the places where its loader looks. */
async function install(root: string, { command, env }: Tool): Promise<void> {
  await copy(command, `${root}/bin/${basename(command)}`);
  const unpacked = (env["LD_LIBRARY_PATH"] ?? "").split(":")
    .filter((folder) => folder !== "");
  for (const file of await libraries(command, env)) {
    const isUnpacked = unpacked.some((folder) => file.startsWith(folder));
    const place = isUnpacked ? file.slice(file.indexOf("/usr/lib/")) : file;
    await copy(file, root + place);
  }
}

/** Shared libraries of a program, and the loader; none of one that needs none. */
async function libraries(
  program: string,
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  const listed = await output("ldd", [program], { env }).catch(() => "");
  return [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, file]) => file!);
}

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(dirname(to), { recursive: true });
  await Deno.copyFile(await Deno.realPath(from), to);
}

/** Certificates that this machine was told to trust: packages are fetched in the build. */
async function trust(root: string): Promise<string> {
  const file = Deno.env.get("SSL_CERT_FILE") ??
    "/etc/ssl/certs/ca-certificates.crt";
  const there = await Deno.stat(file).catch(() => undefined);
  if (!there) return "";
  await Deno.mkdir(`${root}/etc/ssl`, { recursive: true });
  await Deno.copyFile(file, `${root}/etc/ssl/trusted.pem`);
  return "DENO_CERT=/etc/ssl/trusted.pem";
}
