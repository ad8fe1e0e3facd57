/** What the system has no memory or descriptor for when a connection is to be taken; the kernel is told to refuse. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Lines } from "../../../tests/e2e/lines.ts";
import { onPath } from "../../../tests/setup/tool.ts";
import { Client, Upstream } from "../harness_test.ts";

const strace = onPath("strace");
const here = (path: string) => JSON.stringify(import.meta.resolve(path));

/** A relay that says its port, and what it warns of. */
const RELAY = `
import { EpollTransport } from ${here("./epoll.ts")};
import { Loop } from ${here("./loop.ts")};
import { Sockets } from ${here("./sockets.ts")};
const loop = Loop.open();
let isOver = false; // after its one connection, or when nobody makes one
loop.timers.add({ deadline: loop.now + 60000, expire: () => isOver = true });
const transport = new EpollTransport(loop, Sockets.open(), console.log);
const listener = transport.listen(
  { transport: "tcp", hostname: "127.0.0.1", port: 0 },
  { connect: 5000, idle: 60000 },
  (_, link) => ({
    upstream: { transport: "tcp", hostname: "127.0.0.1", port: Number(Deno.args[0]) },
    session: {
      answers: false,
      reader: undefined,
      feed(reply, bytes, end) {
        link.write(reply, bytes);
        if (end) link.end(reply);
      },
      paused: () => false,
      closed: () => isOver = true,
    },
  }),
);
console.log("port", listener.address.port);
loop.run(() => isOver);
Deno.exit();
`;

const SHORTAGES: readonly {
  readonly error: string;
  readonly number: number;
  readonly mend: RegExp;
}[] = [
  { error: "ENOMEM", number: 12, mend: /out of memory for sockets/ },
  { error: "ENOBUFS", number: 105, mend: /out of memory for sockets/ },
  { error: "ENFILE", number: 23, mend: /raise fs\.file-max/ },
  { error: "EMFILE", number: 24, mend: /raise the open-file limit/ },
];

for (const { error, number, mend } of SHORTAGES) {
  const name =
    `${error} from accept is told with what to do, and the connection is taken when it is over`;
  Deno.test({
    name: strace ? name : `${name} (skipped: there is no strace)`,
    ignore: !strace || Deno.build.os !== "linux",
    async fn() {
      const folder = await Deno.makeTempDir({ prefix: "parley-accept-" });
      try {
        await Deno.writeTextFile(`${folder}/relay.ts`, RELAY);
        using upstream = new Upstream();
        const { port } = upstream.address as { port: number };
        const child = new Deno.Command(strace!, {
          args: [
            ...["-f", "-qq", "-o", "/dev/null", "-e", "trace=accept4"],
            ...["-e", `inject=accept4:error=${error}:when=1..2`],
            ...[Deno.execPath(), "run", "-A", "--quiet", "--no-check"],
            `--config=${
              fileURLToPath(new URL("../../../deno.json", import.meta.url))
            }`,
            ...[`${folder}/relay.ts`, String(port)],
          ],
          stdin: "null",
          stdout: "piped",
          stderr: "inherit",
          env: { NO_COLOR: "1" },
        }).spawn();
        const said = new Lines(child.stdout);
        try {
          const line = await said.until((line) => /^port /.test(line), "port");
          using client = new Client(
            await Deno.connect({
              hostname: "127.0.0.1",
              port: Number(line.slice("port ".length)),
            }),
          );
          await client.send("taken at last");
          const server = await upstream.take();
          assertEquals(await server.read(13), "taken at last");
          server[Symbol.dispose]();
        } finally {
          await Promise.all([child.status, said.done]);
        }
        const warnings = said.all().slice(1);
        assertEquals(warnings.length, 2, "one for each attempt");
        assertMatch(
          warnings[0]!,
          new RegExp(
            `^cannot accept at 127.0.0.1:\\d+: .*\\(os error ${number}\\); trying again in \\d+ ms`,
          ),
        );
        assertMatch(warnings[0]!, mend);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
