/**
 * A program that is allowed everything by the runtime and has no wall inside:
 * what it cannot do, the kernel refuses. It says how each attempt ended.
 *
 * Arguments: whether to install the system call filter, then values for the
 * attempts.
 */
import { openLibc } from "../../proxy/linux/libc.ts";
import {
  installFilter,
  SECCOMP_SYMBOLS,
  type SocketKind,
} from "../../proxy/sandbox/seccomp.ts";
import { readMissing } from "../../proxy/sandbox/missing.ts";

const { args, missing } = readMissing(Deno.args);
const [filtered, secret, target, allowedPort, otherPort, parent] = args as [
  string,
  string,
  string,
  string,
  string,
  string,
];

const libc = openLibc({
  ...SECCOMP_SYMBOLS,
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  sendto: {
    parameters: ["i32", "buffer", "u64", "i32", "buffer", "u32"],
    result: "isize",
  },
  fork: { parameters: [], result: "i32" },
  _exit: { parameters: ["i32"], result: "void" },
});

const AF_INET = 2;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const IPPROTO_MPTCP = 262;
const MSG_FASTOPEN = 0x20000000;

/** A socket of a kind; what the system says where there is none to be had. */
function socket(family: number, type: number, protocol: number): void {
  if (libc.symbols.socket(family, type, protocol) < 0) {
    throw libc.error("socket");
  }
}

function fastOpen(port: number): void {
  const { symbols, error } = libc;
  const address = new Uint8Array([AF_INET, 0, port >> 8, port, 127, 0, 0, 1]);
  const padded = new Uint8Array(16);
  padded.set(address);
  const descriptor = symbols.socket(AF_INET, SOCK_STREAM, 0);
  const sent = symbols.sendto(
    descriptor,
    new Uint8Array(1),
    1n,
    MSG_FASTOPEN,
    padded,
    16,
  );
  if (sent < 0) throw error("sendto");
}

const ATTEMPTS: Readonly<Record<string, () => unknown>> = {
  "read another file": () => Deno.readTextFileSync(secret),
  "read the program's own source": () =>
    Deno.readTextFileSync(new URL(import.meta.url)),
  "list another folder": () => [...Deno.readDirSync("/")],
  "write a file": () => Deno.writeTextFileSync(target, "x"),
  "write beside its source": () =>
    Deno.writeTextFileSync(new URL("written", import.meta.url), "x"),
  "remove a file": () => Deno.removeSync(secret),
  "change a file's mode": () => Deno.chmodSync(secret, 0o777),
  "connect to an allowed port": async () =>
    (await Deno.connect({ port: Number(allowedPort) })).close(),
  "connect to another port": async () =>
    (await Deno.connect({ port: Number(otherPort) })).close(),
  "read in a pool thread": () => Deno.readTextFile(secret),
  "connect by TCP Fast Open": () => fastOpen(Number(otherPort)),
  "listen": () => Deno.listen({ port: 0 }).close(),
  "send a datagram": () => socket(AF_INET, SOCK_DGRAM, 0),
  "use multipath TCP": () => socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP),
  "talk to the kernel": () => socket(AF_NETLINK, SOCK_DGRAM, 0),
  "use TCP": () => socket(AF_INET, SOCK_STREAM, 0),
  "start a program": () => new Deno.Command("/bin/true").outputSync(),
  "start itself": () =>
    new Deno.Command(Deno.execPath(), { args: ["--version"] }).outputSync(),
  "fork": () => {
    const child = libc.symbols.fork();
    if (child < 0) throw libc.error("fork");
    if (child === 0) libc.symbols._exit(0);
  },
  "signal its parent": () => Deno.kill(Number(parent), "SIGCONT"),
  "start a thread": async () => {
    const worker = new Worker("data:text/javascript,postMessage(1)", {
      type: "module",
    });
    await new Promise((resolve) => worker.onmessage = resolve);
    worker.terminate();
  },
};

const why = filtered === "unfiltered"
  ? []
  : installFilter(libc, filtered as SocketKind);
console.log(JSON.stringify({ attempt: "missing", end: [...missing, ...why] }));
for (const [attempt, make] of Object.entries(ATTEMPTS)) {
  let end = "done";
  try {
    await make();
  } catch (error) {
    const { name, message } = error as Error;
    end = `${name}: ${message}`;
  }
  console.log(JSON.stringify({ attempt, end }));
}
Deno.exit(0);
