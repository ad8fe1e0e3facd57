/**
 * A data worker: a process that holds connections, in the sandbox.
 *
 * Started by the supervisor with the number of its control descriptor, the URL
 * of the snapshots' folder, the bytes of memory that it may take, the number
 * that its connections are counted from, and the descriptor of the page that its heartbeat goes to.
 *
 * @module
 */
import { Channel, CHANNEL_SYMBOLS } from "../linux/channel.ts";
import { beatOn } from "../heartbeat.ts";
import { openLibc } from "../linux/libc.ts";
import { mapPage } from "../linux/shared_page.ts";
import { openTrim } from "../linux/trim.ts";
import { DescriptorLog, openLogLibrary } from "../accesslog/descriptor_log.ts";
import { enter, SANDBOX_SYMBOLS } from "../sandbox/enter.ts";
import { runToEnd } from "../sandbox/last_words.ts";
import { readMissing } from "../sandbox/missing.ts";
import { thrownPlace } from "../thrown.ts";
import { EpollTransport } from "../transport/epoll/epoll.ts";
import { Loop } from "../transport/epoll/loop.ts";
import { Sockets } from "../transport/epoll/sockets.ts";
import { limitMemory } from "./memory_limit.ts";
import { Control } from "./control.ts";
import { COPIED_MAX, Lines } from "./lines.ts";
import { WallClock } from "./wall_clock.ts";
import { Worker } from "./worker.ts";

const { args, missing } = readMissing(Deno.args);
const [descriptor, snapshots, memory, lastConnection, page] = args;
beatOn(mapPage(Number(page)));
limitMemory(Number(memory));
// What the sandbox takes away is taken before.
const { memoryUsage } = Deno;
const collect = (globalThis as { gc?: (options: object) => void }).gc;
const trim = openTrim();
const loop = Loop.open();
const clock = new WallClock(loop, Date);
const now = () => clock.now();
const libc = openLibc(CHANNEL_SYMBOLS);
const control = new Control(loop, new Channel(libc, Number(descriptor)));
const warn = (message: string) => control.send({ type: "warn", message });
const log = new DescriptorLog(loop, now, warn);
// What those who follow lose they are told themselves.
const library = openLogLibrary();
const openCopy = () =>
  new DescriptorLog(loop, now, () => {}, COPIED_MAX, library);
const worker = new Worker({
  loop,
  control,
  transport: new EpollTransport(loop, Sockets.open(), warn),
  log,
  lines: new Lines(log, openCopy),
  predecessor: new Channel(libc, -1),
  successor: new Channel(libc, -1),
  lastConnection: Number(lastConnection),
  now,
  warn,
  memory() {
    const { heapUsed, external } = memoryUsage();
    return heapUsed + external;
  },
  collectGarbage() {
    collect?.({ type: "major", execution: "sync", flavor: "last-resort" });
    trim();
  },
});
const entered = enter({
  libc: openLibc(SANDBOX_SYMBOLS),
  parsers: [snapshots!],
  missing,
  rejected: (reason) =>
    warn(`a promise was rejected unseen, made ${thrownPlace(reason)}`),
});
control.send({ type: "started", missing: entered.missing });
await runToEnd(() => worker.run());
