/**
 * The kernel's walls alone: a program with all of the runtime's permissions and
 * no wall inside tries what they are to refuse.
 */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openLibc } from "../../proxy/linux/libc.ts";
import {
  handledBy,
  LANDLOCK_SYMBOLS,
  landlockAbi,
} from "../../proxy/sandbox/landlock.ts";
import type { SocketKind } from "../../proxy/sandbox/seccomp.ts";
import { prepareSandbox } from "../../proxy/sandbox/prepare.ts";
import { spawnSandboxed } from "../../proxy/sandbox/spawn.ts";

const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const ENTRY = new URL("kernel_host.ts", import.meta.url);

/** Landlock's version here; why there is none. */
function landlock(): { readonly abi: number; readonly lack: string } {
  if (Deno.build.os !== "linux") return { abi: 0, lack: "not Linux" };
  const abi = landlockAbi(openLibc(LANDLOCK_SYMBOLS));
  const { missing } = handledBy(abi);
  return { abi, lack: missing.join(", ") };
}
const { abi, lack } = landlock();

/** What the runtime says when the kernel answers EACCES, or EPERM. */
const DENIED = /Permission denied|os error 13|Operation not permitted|EPERM/;
const DONE = /^done$/;

/** How each attempt ends: by Landlock alone, and with the filter too. */
const ENDS: readonly (readonly [string, RegExp, RegExp])[] = [
  ["read another file", DENIED, DENIED],
  ["read the program's own source", DONE, DONE],
  ["list another folder", DENIED, DENIED],
  ["write a file", DENIED, DENIED],
  ["write beside its source", DENIED, DENIED],
  ["remove a file", DENIED, DENIED],
  ["change a file's mode", DONE, DENIED], // no right of Landlock's
  ["connect to an allowed port", DONE, DONE],
  ["connect to another port", DENIED, DENIED],
  ["read in a pool thread", DENIED, DENIED],
  ["connect by TCP Fast Open", /./, DENIED], // whether Landlock sees it depends on the kernel
  ["listen", DENIED, DENIED],
  ["send a datagram", DONE, DENIED],
  ["use multipath TCP", DONE, DENIED],
  ["talk to the kernel", DONE, DENIED],
  ["use TCP", DONE, DONE],
  ["start a program", DENIED, DENIED],
  ["start itself", DONE, DENIED], // it must be able to become itself
  ["fork", DONE, DENIED],
  ["signal its parent", DENIED, DENIED],
  ["start a thread", DONE, DONE],
];

/** The filter of workers, and that of the process for DNS: it may send datagrams, and that is all. */
type Filter = "unfiltered" | SocketKind;
const MAY: Readonly<Record<Filter, readonly string[]>> = {
  unfiltered: [],
  streams: [],
  datagrams: ["send a datagram"],
};

async function ends(filter: Filter): Promise<Map<string, string>> {
  const folder = Deno.makeTempDirSync({ prefix: "parley-kernel-" });
  const secret = `${folder}/secret`;
  Deno.writeTextFileSync(secret, "x");
  using allowed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await prepareSandbox({ entries: [ENTRY], config: CONFIG });
  const output = await spawnSandboxed({
    entry: ENTRY,
    args: [
      filter,
      secret,
      `${folder}/written`,
      String(allowed.addr.port),
      String(other.addr.port),
      String(Deno.pid),
    ],
    read: [],
    connect: [allowed.addr.port],
    config: CONFIG,
    permissions: ["--allow-all"],
  }).output();
  Deno.removeSync(folder, { recursive: true });
  const lines = new TextDecoder().decode(output.stdout).trimEnd().split("\n");
  assertEquals(output.code, 0, new TextDecoder().decode(output.stderr));
  return new Map(
    lines.map((line) => JSON.parse(line))
      .map(({ attempt, end }) => [attempt, end]),
  );
}

for (const filter of ["unfiltered", "streams", "datagrams"] as const) {
  const isFiltered = filter !== "unfiltered";
  const walls = isFiltered ? `Landlock with seccomp (${filter})` : "Landlock";
  Deno.test({
    name: `what ${walls} refuses a program that may do everything${
      lack && ` (skipped: Landlock ABI ${abi} lacks ${lack})`
    }`,
    ignore: lack !== "",
    async fn(test) {
      const found = await ends(filter);
      assertEquals(found.get("missing"), []);
      for (const [attempt, alone, both] of ENDS) {
        await test.step(attempt, () => {
          const refused = MAY[filter].includes(attempt) ? DONE : both;
          assertMatch(found.get(attempt)!, isFiltered ? refused : alone);
        });
      }
    },
  });
}
