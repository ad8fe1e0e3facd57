/**
 * The DNS process: it asks resolvers, for clients or on its own account, and
 * tells the supervisor where names lead. It holds no connection of the data
 * path and runs no parser.
 *
 * Started by the supervisor with the number of its control descriptor and a
 * `DnsStart` as JSON.
 *
 * @module
 */
import type { Lease } from "../../policy/dns_cache.ts";
import { lineText, type TakeLine } from "../accesslog/format.ts";
import { LogWriter } from "../accesslog/writer.ts";
import { Traffic } from "../counting/traffic.ts";
import type { DnsStart, FromDns, ToDns } from "../control/dns_messages.ts";
import { encodeFrame, FrameReader } from "../control/frames.ts";
import { Channel, CHANNEL_SYMBOLS } from "../linux/channel.ts";
import { openLibc } from "../linux/libc.ts";
import { runToEnd } from "../sandbox/last_words.ts";
import { readMissing } from "../sandbox/missing.ts";
import { installFilter, SECCOMP_SYMBOLS } from "../sandbox/seccomp.ts";
import { thrownText } from "../thrown.ts";
import { Forwarder } from "./forwarder.ts";
import { DnsJudge, type Place } from "./judge.ts";
import { LOG_SYMBOLS, LogDescriptor } from "./log_descriptor.ts";
import { askFully, Lookups, namesToLookUp } from "./lookups.ts";
import { TYPE } from "./message.ts";
import { serve } from "./server.ts";

/** Whoever has not said by then that all know does not: the client is told that it failed. */
const KNOWN_MS = 3000;
/** A resolver that was lost is asked for the root so often. */
const PROBE_MS = 2000;
/** What was counted is told so often: no more is lost if the process dies. */
const COUNTED_MS = 1000;
const PR_SET_DUMPABLE = 4;

const { args, missing } = readMissing(Deno.args);
const { listen, resolvers, minTtl }: DnsStart = JSON.parse(args[1]!);
const channel = new Channel(openLibc(CHANNEL_SYMBOLS), Number(args[0]));
const sandbox = openLibc(SECCOMP_SYMBOLS);
const descriptor = new LogDescriptor(openLibc(LOG_SYMBOLS));
const warn = (message: string) => send({ type: "warn", message });
const log = new LogWriter(descriptor, warn);
const judge = new DnsJudge();
const traffic = new Traffic();

let sending: Promise<unknown> = Promise.resolve();
function send(message: FromDns): void {
  const frame = encodeFrame(message);
  sending = sending.then(() => channel.sendBeside(frame));
}

const waiting = new Map<number, (isKnown: boolean) => void>();
let learnt = 0;
async function learn(leases: readonly Lease[]): Promise<boolean> {
  const id = ++learnt;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  waiting.set(id, resolve);
  send({ type: "learnt", id, leases });
  const timer = setTimeout(() => resolve(false), KNOWN_MS);
  const isKnown = await promise;
  clearTimeout(timer);
  waiting.delete(id);
  return isKnown;
}

/** While no resolver answers, this asks until one does. */
let probing: ReturnType<typeof setTimeout> | undefined;
const parts = {
  resolvers: resolvers as readonly Place[],
  minTtl: minTtl / 1000,
  judge,
  now: Date.now,
  learn,
  traffic,
  log: ((...line) => log.write(lineText(...line))) satisfies TakeLine,
  heard() {
    clearTimeout(probing);
    probing = undefined;
    send({ type: "heard" });
  },
  silent(error: string) {
    send({ type: "silent", error });
    clearTimeout(probing);
    probing = setTimeout(probe, PROBE_MS);
  },
};

function count(): void {
  send({ type: "counted", traffic: traffic.tally.counts });
}

async function probe(): Promise<void> {
  const asked = resolvers.map((place) => askFully(place, ".", TYPE.NS));
  await Promise.any(asked).then(
    parts.heard,
    ({ errors }) => parts.silent(errors.map(thrownText).join("; ")),
  );
}

const lookups = listen ? undefined : new Lookups(parts);

/** A descriptor may come before the end of its order does. */
let received: number | undefined;

function carryOut(order: ToDns): void {
  switch (order.type) {
    case "configure":
      return judge.configure(order.config);
    case "publish":
      if (order.config) judge.configure(order.config);
      judge.publish(order.documents);
      return lookups?.follow(namesToLookUp(order.documents));
    case "log":
      if (received !== undefined) descriptor.open(received);
      received = undefined;
      return;
    case "count":
      return count();
    case "known":
      return waiting.get(order.id)?.(order.isKnown);
    case "sync":
      return send({ type: "synced", id: order.id });
  }
}

/**
 * The walls inside of the process. No parser runs here, so the realm is left as
 * it is; the network stays allowed, for clients may have any address.
 */
function wallIn(): string[] {
  sandbox.symbols.prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n);
  const lacking = installFilter(sandbox, "datagrams");
  for (const name of "ffi import run env sys write read".split(" ")) {
    Deno.permissions.revokeSync({ name } as Deno.PermissionDescriptor);
  }
  return [...missing, ...lacking.map((what) => `seccomp: ${what}`)];
}

async function run(): Promise<void> {
  const forwarder = new Forwarder(parts);
  const bound = listen &&
    await serve(listen, (...asked) => forwarder.answer(...asked));
  const address = bound && { address: formatPlace(bound) };
  send({ type: "started", ...address, missing: wallIn() });
  void probe();
  Deno.unrefTimer(setInterval(count, COUNTED_MS));
  const reader = new FrameReader();
  for (;;) {
    const message = await channel.receiveBeside();
    if (!message) return; // the supervisor is gone
    received = message.descriptor ?? received;
    for (const order of reader.push(message.bytes)) carryOut(order as ToDns);
  }
}

function formatPlace({ hostname, port }: Place): string {
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}

await runToEnd(run);
