/**
 * `parley logs`: lines of the access log, from a running sidecar.
 *
 * @module
 */
import {
  answered,
  ask,
  needSidecar,
  type SidecarOption,
} from "./admin_client.ts";

/** Which lines, and for how long. */
export interface LogsOptions extends SidecarOption {
  readonly follow?: boolean;
  readonly type?: string;
  readonly verdict?: string;
  readonly direction?: string;
  readonly l7proto?: string;
}

/** Prints the last lines; with `follow` those that come, until the sidecar ends. */
export async function logs(options: LogsOptions): Promise<number> {
  const sidecar = await needSidecar(options);
  const query = queryOf(options);
  if (options.follow) {
    await answered(sidecar, "GET", `/v1/accesslog${query}`, {}, print);
    return 0;
  }
  const { lines } = await ask<{ readonly lines: readonly unknown[] }>(
    sidecar,
    "GET",
    `/v1/accesslog/last${query}`,
  );
  for (const line of lines) console.log(JSON.stringify(line));
  return 0;
}

function queryOf({ type, verdict, direction, l7proto }: LogsOptions): string {
  const given = Object.entries({ type, verdict, direction, l7proto })
    .flatMap(([key, value]) => value === undefined ? [] : [[key, value]]);
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

async function print(response: Response): Promise<void> {
  for await (const { event, data } of events(response)) {
    if (event === "message") console.log(data);
    else {
      const { dropped } = JSON.parse(data);
      console.error(
        `parley: ${dropped} lines are missing here: they came faster than they were read`,
      );
    }
  }
}

/** Server-sent events, as far as the sidecar makes use of them: an event has one line of data. */
async function* events(
  { body }: Response,
): AsyncGenerator<{ readonly event: string; readonly data: string }> {
  let held = "";
  for await (const text of body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (held + text).split("\n\n");
    held = blocks.pop()!;
    for (const block of blocks) {
      const [, event = "message"] = /^event: (.*)$/m.exec(block) ?? [];
      const [, data] = /^data: (.*)$/m.exec(block) ?? [];
      if (data !== undefined) yield { event, data };
    }
  }
}
