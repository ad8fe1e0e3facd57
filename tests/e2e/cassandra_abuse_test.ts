/**
 * Clients of Cassandra that lie, through the real sidecar: each loses its own
 * connection, or its own request, and the log says why. Another connection goes
 * on all the time, and memory stays what it was.
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import {
  byte,
  denied,
  done,
  errorReply,
  execute,
  frame,
  type FrameOptions,
  int,
  joined,
  query,
  ready,
  segment,
  startup,
  string,
} from "../../parsers/cassandra/testkit.ts";
import { cassandraPolicy } from "../cassandra/policy.ts";
import { CassandraStandIn } from "./cassandra_stand_in.ts";
import { decode, inLanes, poll, Sidecar, type Wire } from "./harness.ts";

const MIB = 2 ** 20;
const STREAMS = 32_768;
/** How many do each thing at a time. */
const CLIENTS = 16;
/** What V8 may keep; a buffer of what is claimed would be more, of a single client. */
const SLACK = 128 * MIB;
const READ = "SELECT * FROM a.t";
const POLICY = cassandraPolicy([
  { query_action: "select", query_table: "^a\\." },
]);

/** What is sent behind STARTUP's answer, and the `reason` with which the connection ends. */
const ENDED: [
  name: string,
  reason: string,
  on: FrameOptions,
  data: Uint8Array,
][] = [
  ["claims 257 MB", "frame-length", {}, frame(7, "", { length: 257 * MIB })],
  ["claims a text of 2 GB", "malformed", {}, frame(7, int(2 ** 31 - 1))],
  [
    "claims a text of 250 MB in a frame of 256",
    "limit",
    {},
    frame(7, int(250 * MIB), { length: 256 * MIB }),
  ],
  ["is no UTF-8", "malformed", {}, query(Uint8Array.of(0x53, 0xff))],
  [
    "corrupts a segment's header",
    "crc",
    { version: 5 },
    flipped(segment(query(READ, { version: 5 })), 0),
  ],
  [
    "corrupts a segment's payload",
    "crc",
    { version: 5 },
    flipped(segment(query(READ, { version: 5 })), 20),
  ],
  [
    "sends half a frame in a whole segment",
    "malformed",
    { version: 5 },
    segment(query(READ, { version: 5 }).subarray(0, 20)),
  ],
  ["is a bomb", "limit", {}, bomb()],
];

/** What is sent, and answered on its stream; the connection lives on. */
const ANSWERED: [name: string, data: Uint8Array, answer: Uint8Array][] = [
  [
    "executes an id of 64 KB",
    execute("x".repeat(65_535)),
    errorReply(
      0x2500,
      "this statement is not known here: prepare it again",
      { rest: string("x".repeat(65_535)) },
    ),
  ],
  [
    "nests 100,000 lists",
    query(`SELECT * FROM a.t WHERE k = ${"[".repeat(100_000)}`),
    denied("unknown"),
  ],
  [
    "hides a table behind 1 MB of comments",
    query(`SELECT * FROM/*${"*".repeat(MIB)}*/b.t`),
    denied("select on b.t"),
  ],
];

Deno.test("clients of Cassandra that lie", async (test) => {
  await using server = new CassandraStandIn();
  await using sidecar = await Sidecar.start({
    upstream: server.address,
    policies: { "guard.yaml": POLICY },
    config: { limits: { parserTime: "1s" } }, // the machine may be busy
  });
  using good = await begun(sidecar, {});
  const goesOn = () => asks(good, query(READ), done());
  await goesOn();
  const before = await sidecar.memory();

  for (const [name, reason, on, data] of ENDED) {
    await test.step(`one that ${name} is closed, with reason ${reason}`, async () => {
      const clients = await inLanes(CLIENTS, async () => {
        using wire = await begun(sidecar, on);
        await wire.send(data).catch(() => {}); // it may be closed before it has sent all
        await wire.readToEnd();
        return wire;
      });
      for (const client of clients) {
        assertEquals((await sidecar.log.closed(client)).reason, reason);
      }
      await goesOn();
    });
  }
  for (const [name, data, answer] of ANSWERED) {
    await test.step(`one that ${name} gets an answer and goes on`, async () => {
      await inLanes(CLIENTS, async () => {
        using wire = await begun(sidecar, {});
        await asks(wire, data, answer);
        await asks(wire, query(READ), done());
      });
      await goesOn();
    });
  }
  await test.step("32,768 requests in flight are answered, each on its stream", async () => {
    using wire = await begun(sidecar, {});
    const streams = Array.from({ length: STREAMS }, (_, stream) => stream);
    const isAllowed = (stream: number) => stream % 64 > 0;
    server.waitsFor = streams.filter(isAllowed).length;
    const requests = streams.map((stream) =>
      query(`SELECT * FROM ${isAllowed(stream) ? "a" : "b"}.t`, { stream })
    );
    const replies = streams.map((stream) =>
      isAllowed(stream) ? done({ stream }) : denied("select on b.t", { stream })
    );
    await wire.send(joined(...requests));
    const text = await wire.readBytes(joined(...replies).length);
    // Denials need not wait for the server.
    assertEquals(frames(text), replies.map(decode).toSorted());
    server.waitsFor = 1;
    await goesOn();
  });
  await test.step("memory is what it was", async () => {
    let grown = 0;
    await poll(async () => {
      await goesOn(); // lets its garbage collector find something to do
      grown = await sidecar.memory() - before;
      return grown < SLACK || undefined;
    }, () => `end of memory: ${Math.round(grown / MIB)} MiB more;`);
    console.log(`${Math.round(grown / MIB)} MiB more`);
  });
});

/** A connection whose STARTUP is answered. */
async function begun(sidecar: Sidecar, on: FrameOptions): Promise<Wire> {
  const wire = await sidecar.connect();
  const options = on.version === 5 ? {} : { COMPRESSION: "lz4" };
  await asks(wire, startup(options, on), ready(on));
  return wire;
}

async function asks(
  wire: Wire,
  request: Uint8Array,
  reply: Uint8Array,
): Promise<void> {
  await wire.send(request);
  assertEquals(await wire.readBytes(reply.length), decode(reply));
}

/** The frames of a text with one character a byte, in an order of their own. */
function frames(text: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length;) {
    const length = 9 + [5, 6, 7, 8]
      .reduce((sum, i) => sum * 256 + text.charCodeAt(at + i), 0);
    found.push(text.slice(at, at + length));
    at += length;
  }
  return found.toSorted();
}

function flipped(data: Uint8Array, at: number): Uint8Array {
  return data.with(at, data[at]! ^ 1);
}

/** A packed body of 250 KB that claims 1 GB, a text of 512 MB, and has 64 MB of it. */
function bomb(): Uint8Array {
  const run = new Uint8Array(250_000).fill(255);
  const block = joined(
    ...[byte(0x50), int(2 ** 29), byte(0x20), byte(1), byte(0)],
    ...[Uint8Array.of(0x1f, 0x20, 1, 0), run, byte(0)],
  );
  return frame(7, joined(int(2 ** 30), block), { flags: 1 });
}
