/**
 * A checker: a throw-away process in the sandbox. It stages parsers' sources,
 * loads what was staged, and judges it together with the policy documents.
 *
 * Started by the supervisor with the number of its control descriptor and the
 * URL of the snapshots' folder.
 *
 * @module
 */
import process from "node:process";
import { encodeFrame, FrameReader } from "../control/frames.ts";
import type { FromChecker, ToChecker } from "../control/messages.ts";
import { Channel, CHANNEL_SYMBOLS } from "../linux/channel.ts";
import { openLibc } from "../linux/libc.ts";
import { enter, SANDBOX_SYMBOLS } from "../sandbox/enter.ts";
import { runToEnd } from "../sandbox/last_words.ts";
import { readMissing } from "../sandbox/missing.ts";
import { importVersion } from "../registry/import.ts";
import { answer } from "./answer.ts";
import { judge } from "./judge.ts";
import { stageParser } from "./stage_parser.ts";

const { args, missing } = readMissing(Deno.args);
// The YAML reader looks for switches of its own in the environment at each call.
Object.defineProperty(process, "env", { value: Object.freeze({}) });
const channel = new Channel(openLibc(CHANNEL_SYMBOLS), Number(args[0]));
const entered = enter({
  libc: openLibc(SANDBOX_SYMBOLS),
  parsers: [args[1]!],
  holdsConnections: false,
  missing,
});

function send(message: FromChecker): void {
  const frame = encodeFrame(message);
  // The supervisor reads all the time: whatever there is no room for now, there is soon.
  for (let at = 0; at < frame.length;) at += channel.send(frame.subarray(at));
}

async function carryOut(order: ToChecker): Promise<FromChecker> {
  switch (order.type) {
    case "stage": {
      const { parsers, folders } = order;
      const staged = parsers.map((parser) =>
        stageParser(parser, folders[parser.folder]!)
      );
      return { type: "staged", parsers: staged };
    }
    case "judge":
      return { type: "judged", judgement: await judge(order.candidates) };
    case "ask": {
      const parser = await importVersion(order.parser);
      return { type: "answered", answer: answer(parser, order.question) };
    }
  }
}

async function run(): Promise<void> {
  send({ type: "started", missing: entered.missing });
  const reader = new FrameReader();
  for (;;) {
    const received = channel.receive(true);
    if (!received || received === "nothing-yet") return;
    for (const order of reader.push(received.bytes)) {
      send(await carryOut(order as ToChecker));
    }
  }
}

await runToEnd(run);
