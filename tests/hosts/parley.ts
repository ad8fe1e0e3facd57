/**
 * The program itself on a machine, with no more permissions than its
 * `redirect` command is to have.
 *
 * @module
 */
import type { Tool } from "../setup/mod.ts";
import type { Ended, Host, Start } from "./host.ts";

const ROOT = new URL("../../", import.meta.url);

/** What `redirect` needs of the runtime. */
export const PERMISSIONS = [
  "--no-prompt",
  "--allow-ffi",
  "--allow-run=nft,ip",
];

/** `parley redirect …` on a host; `around` is a command that starts it. */
export function redirect(
  host: Host,
  nft: Tool,
  line: string,
  { around = [], ...start }: Start & { readonly around?: string[] } = {},
): Promise<Ended> {
  const [command, ...args] = [
    ...around,
    ...[Deno.execPath(), "run", "-q", ...PERMISSIONS, "main.ts"],
    ...["redirect", ...line.split(" ")],
  ];
  return host.run(command!, args, {
    cwd: ROOT,
    env: { PATH: pathWith(nft), NO_COLOR: "1" },
    ...start,
  });
}

/** Puts a redirection into force; what its self-check said. */
export async function applied(
  host: Host,
  nft: Tool,
  options: string,
): Promise<string> {
  const { code, stdout, stderr } = await redirect(
    host,
    nft,
    `apply ${options}`,
  );
  if (code === 0) return stdout;
  throw new Error(`redirect apply ${options}: ${code}\n${stdout}${stderr}`);
}

/** The rules in force, without what counts. */
export function ruleset(host: Host, nft: Tool): Promise<string> {
  return host.output(nft.command, ["-s", "list", "ruleset"]);
}

/** A counter of the table in force. */
export async function counter(
  host: Host,
  nft: Tool,
  name: string,
): Promise<number> {
  const args = ["list", "counter", "inet", "parley", name];
  const [, packets] =
    /packets (\d+)/.exec(await host.output(nft.command, args)) ?? [];
  return Number(packets);
}

function pathWith(nft: Tool): string {
  const folder = nft.command.slice(0, nft.command.lastIndexOf("/"));
  return `${folder}:${Deno.env.get("PATH") ?? ""}`;
}
