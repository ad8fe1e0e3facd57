/**
 * How a fuzz input stands for a conversation: its first byte chooses the rules,
 * then records follow: a byte whose high bit is the direction (set: the server
 * sends) and whose low seven bits are a length, and as many bytes.
 *
 * @module
 */
import type { Step } from "parley/testkit";
import { concat, toBytes } from "../../proxylib/testkit/mod.ts";

/** What an input stands for. */
export interface Conversation {
  /** To be taken modulo the number of rule lists there are. */
  readonly rules: number;
  readonly steps: readonly Step[];
}

/** Any bytes are a conversation. */
export function decode(input: Uint8Array): Conversation {
  const steps: Step[] = [];
  for (let at = 1; at < input.length;) {
    const record = input[at++]!;
    const length = (record & 0x7f) || 0x80;
    const data = input.slice(at, at + length);
    if (data.length > 0) steps.push({ reply: record >= 0x80, data });
    at += length;
  }
  return { rules: input[0] ?? 0, steps };
}

/** The input of a conversation, for the corpus. */
export function encode({ rules, steps }: Conversation): Uint8Array {
  const records = steps.flatMap(({ reply, data }) => {
    const bytes = toBytes(data);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += 0x7f) {
      const part = bytes.subarray(at, at + 0x7f);
      parts.push(Uint8Array.of((reply ? 0x80 : 0) | part.length), part);
    }
    return parts;
  });
  return concat([Uint8Array.of(rules), ...records]);
}
