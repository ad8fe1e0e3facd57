/**
 * `GET /v1/accesslog`: the access log as it is written, as server-sent events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html), and
 * `GET /v1/accesslog/last`: its last lines.
 *
 * Each line is an event of its own. An event `dropped` says how many lines were
 * lost before those that follow, for its reader was slow.
 *
 * @module
 */
import type { Administered } from "../proxy/administered.ts";
import {
  type LineBatch,
  type LogFollower,
  TooManyFilters,
} from "../proxy/accesslog/followers.ts";
import type { LineFilter } from "../proxy/accesslog/line_filter.ts";
import { RequestError } from "./problem.ts";

/** Lines from now on. The first bytes come when none that is written later is missed. */
export async function accessLogStream(
  sidecar: Pick<Administered, "followLog">,
  filter: LineFilter,
): Promise<Response> {
  const follower = await follow(sidecar, filter);
  return new Response(events(follower), {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
    },
  });
}

async function follow(
  sidecar: Pick<Administered, "followLog">,
  filter: LineFilter,
): Promise<LogFollower> {
  try {
    return await sidecar.followLog(filter);
  } catch (error) {
    if (!(error instanceof TooManyFilters)) throw error;
    throw new RequestError(
      503,
      `${error.message}; follow it with one of those, or without a filter`,
      { "retry-after": "5" },
    );
  }
}

const encoder = new TextEncoder();
const FOLLOWING = encoder.encode(": following\n\n");
/** Something is sent so often: only then is it seen that a reader has vanished. */
const BEAT_MS = 15_000;

/** Nothing is taken from the follower's queue before it is read: there it is counted what is lost. */
function events(follower: LogFollower): ReadableStream<Uint8Array> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let next: Promise<LineBatch | undefined> | undefined;
  return new ReadableStream({
    start: (controller) => controller.enqueue(FOLLOWING),
    async pull(controller) {
      next ??= follower.next();
      const silence = Promise.withResolvers<"silence">();
      timer = setTimeout(() => silence.resolve("silence"), BEAT_MS);
      const batch = await Promise.race([next, silence.promise]);
      clearTimeout(timer);
      if (batch === "silence") return controller.enqueue(FOLLOWING);
      next = undefined;
      if (batch) controller.enqueue(encode(batch));
      else controller.close();
    },
    cancel() {
      clearTimeout(timer);
      follower[Symbol.dispose]();
    },
  }, { highWaterMark: 1 });
}

/** Lines are shared by all who have the same filter, and so are their bytes. */
const encoded = new WeakMap<readonly string[], Uint8Array>();

function encode({ dropped, lines }: LineBatch): Uint8Array {
  const known = encoded.get(lines) ??
    encoder.encode(lines.map((line) => `data: ${line}\n\n`).join(""));
  encoded.set(lines, known);
  if (dropped === 0) return known;
  const event = encoder.encode(
    `event: dropped\ndata: {"dropped":${dropped}}\n\n`,
  );
  const bytes = new Uint8Array(event.length + known.length);
  bytes.set(event);
  bytes.set(known, event.length);
  return bytes;
}

/** The last lines, the oldest first, as JSON. */
export async function lastLines(
  sidecar: Pick<Administered, "lastLines">,
  filter: LineFilter,
): Promise<{ readonly lines: unknown[] }> {
  const lines = await sidecar.lastLines(filter);
  return { lines: lines.flatMap(readLine) };
}

/** Of a worker that parser code may have got hold of it may be no JSON. */
function readLine(line: string): unknown[] {
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}
