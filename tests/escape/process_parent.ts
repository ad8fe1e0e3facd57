/** A supervisor in small: starts a sandboxed program and waits to be killed. */
import { spawnSandboxed } from "../../proxy/sandbox/spawn.ts";

const [entry, config] = Deno.args as [string, string];
const child = spawnSandboxed({
  entry: new URL(entry),
  args: [],
  read: [],
  connect: [],
  config,
  permissions: ["--allow-all"],
});
const { value } = await child.stdout.getReader().read();
console.log(child.pid, new TextDecoder().decode(value));
