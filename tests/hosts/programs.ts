/**
 * What these tests need of the machine: root, network namespaces, nft, Python.
 *
 * @module
 */
import { type Missing, nftables, type Tool } from "../setup/mod.ts";
import { missing, onPath, output } from "../setup/tool.ts";

/** Everything by name, for `testWith`. */
export type Needs = Readonly<
  Record<"namespaces" | "nft" | "python", Tool | Missing>
>;

/** Looks for it all; what is missing says why. */
export async function hostTools(): Promise<Needs> {
  return {
    namespaces: await namespaces(),
    nft: await nftOnPath(),
    python: await python(),
  };
}

/** The `ip` command, where it can make a network namespace. */
async function namespaces(): Promise<Tool | Missing> {
  if (Deno.build.os !== "linux") return missing("network namespaces: no Linux");
  if (Deno.uid() !== 0) return missing("network namespaces need root");
  const ip = onPath("ip");
  if (!ip) return missing("ip (package iproute2) is not on PATH");
  const name = `parley-${Deno.pid}-probe`;
  try {
    await output(ip, ["netns", "add", name]);
    await output(ip, ["netns", "exec", name, ip, "link", "set", "lo", "up"]);
    return { kind: "tool", command: ip, env: {} };
  } catch (error) {
    return missing(
      `network namespaces cannot be made: ${(error as Error).message}`,
    );
  } finally {
    await output(ip, ["netns", "del", name]).catch(() => {});
  }
}

/**
 * `nft` as a program that needs nothing in its environment: `parley` finds it on
 * PATH, and may not hand on where libraries are.
 */
async function nftOnPath(): Promise<Tool | Missing> {
  const tool = await nftables();
  if (tool.kind === "missing" || Object.keys(tool.env).length === 0) {
    return tool;
  }
  // Beside what it starts; every run writes the same.
  const command = `${tool.command}-here/nft`;
  const settings = Object.entries(tool.env)
    .map(([name, value]) => `${name}='${value}'`).join(" ");
  const text = `#!/bin/sh\n${settings} exec '${tool.command}' "$@"\n`;
  await Deno.mkdir(`${tool.command}-here`, { recursive: true });
  const draft = `${command}.${Deno.pid}`;
  await Deno.writeTextFile(draft, text, { mode: 0o755 });
  await Deno.rename(draft, command);
  return { kind: "tool", command, env: {} };
}

/** The system's own before another: programs run under users who may not look into root's folders. */
async function python(): Promise<Tool | Missing> {
  const system = "/usr/bin/python3";
  const hasSystem = await Deno.stat(system).then(() => true, () => false);
  const found = hasSystem ? system : onPath("python3");
  if (!found) return missing("python3 is not on PATH");
  // What is found on PATH may be a slow script around the interpreter.
  const own = ["-c", "import sys; print(sys.executable)"];
  const command = await output(found, own);
  return { kind: "tool", command: command.trim(), env: {} };
}
