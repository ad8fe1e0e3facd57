/**
 * A door into a network namespace, for a process outside: runs in there, and
 * takes connections at a Unix socket. The first line names where they go to:
 *
 * ```text
 * > 10.83.0.10 11211
 * < ok 10.83.1.1:40112
 * ```
 *
 * or `< error ConnectionRefused`; bytes follow. An end is passed on.
 */
const [path] = Deno.args;

async function serve(inside: Deno.UnixConn): Promise<void> {
  const [host, port] = (await lineOf(inside)).split(" ");
  let outside: Deno.TcpConn;
  try {
    outside = await Deno.connect({ hostname: host!, port: Number(port) });
  } catch (error) {
    await say(inside, `error ${(error as Error).name}`);
    inside.close();
    return;
  }
  outside.setNoDelay(true);
  const { hostname, port: own } = outside.localAddr as Deno.NetAddr;
  await say(inside, `ok ${hostname}:${own}`);
  await Promise.all([
    inside.readable.pipeTo(outside.writable),
    outside.readable.pipeTo(inside.writable),
  ]).catch(() => {}); // one of them hung up
  for (const end of [inside, outside]) close(end);
}

async function lineOf(conn: Deno.Conn): Promise<string> {
  const byte = new Uint8Array(1);
  let line = "";
  while (await conn.read(byte) !== null) {
    const char = String.fromCharCode(byte[0]!);
    if (char === "\n") break;
    line += char;
  }
  return line;
}

async function say(conn: Deno.Conn, line: string): Promise<void> {
  await conn.write(new TextEncoder().encode(`${line}\n`));
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch { /* it was closed with its stream */ }
}

const listener = Deno.listen({ transport: "unix", path: path! });
console.log("open");
for await (const conn of listener) {
  serve(conn).catch(() => close(conn));
}
