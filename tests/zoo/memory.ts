/**
 * Parsers that take memory.
 *
 * @module
 */
import type { Hostility } from "./parser.ts";

/** The memory of a worker in these tests. */
export const WORKER_BYTES = 256 * 1024 * 1024;

/** Too much at once, on the heap: the worker cannot live on. By name. */
export const FATAL: Readonly<Record<string, Hostility>> = {
  "makes an array of objects": {
    onData: "new Array(2 ** 24).fill(0).map(Object);",
  },
  "divides a text into its letters": {
    onData: 'new Array("x".repeat(2 ** 24)).map((text) => text.split(""));' +
      'Array.from("x".repeat(2 ** 25));',
  },
  "fills a map": {
    onData: "new Map(Object.entries([...new Float64Array(2 ** 23).keys()]));",
  },
  "reads a text of objects": {
    onData: 'JSON.parse("[" + "{},".repeat(2 ** 23) + "0]");',
  },
};

/** Too much for one connection; by name, with the reason in the log. */
export const REFUSED: Readonly<
  Record<string, Hostility & { readonly reason: string }>
> = {
  "asks for a buffer of more than the worker may have": {
    onData: "new Uint8Array(2 ** 29);",
    reason: "panic",
  },
  "joins buffers": {
    onData:
      "new Uint8Array(100 * 2 ** 20).fill(1).toReversed().toReversed().with(0, 0); bytes; new Array(8).fill(new Uint8Array(2 ** 26)).map((some) => some.toReversed());",
    reason: "panic",
  },
  "injects more than a client that does not read can be sent": {
    module: "const block = new Uint8Array(2 ** 20);",
    onData:
      "new Array(64).fill(true).forEach((reply) => connection.inject(reply, block));",
    reason: "limit",
  },
  "injects more than a server that does not read can be sent": {
    module: "const block = new Uint8Array(2 ** 20).fill(0x61);",
    onData:
      "new Array(64).fill(false).forEach((reply) => connection.inject(reply, block));",
    reason: "limit",
  },
};

/** Takes most of what there is at once, and then a little more with each request: some 10 MB a second. */
export const SLOW: Hostility = {
  create: "const kept: Uint8Array[] = [];",
  onData:
    "kept.push(new Uint8Array(kept.length === 0 ? 200 * 2 ** 20 : 2 ** 13).fill(1));",
};
