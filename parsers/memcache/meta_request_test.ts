import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { fromLatin1 } from "parley/proxylib";
import { shown } from "./testkit.ts";
import { readLine } from "./text_request.ts";

type Row = [line: string, want: string];

function reads(behaviour: string, rows: readonly Row[]): void {
  for (const [line, want] of rows) {
    const name = line.length > 60 ? `${line.slice(0, 60)}…` : line;
    Deno.test(`readMeta ${behaviour}: ${JSON.stringify(name)}`, () => {
      const request = readLine(fromLatin1(`${line}\r\n`));
      assertEquals(shown(request), want);
      assertEquals(request.protocol, "meta");
    });
  }
}

const LONGEST = "k".repeat(250);
const LONGER = "k".repeat(251);
const FORMAT = "CLIENT_ERROR bad command line format";
const TOKEN = "CLIENT_ERROR bad token in command line format";
const DUPLICATE = "CLIENT_ERROR duplicate flag";
const INVALID = "CLIENT_ERROR invalid flag";
const DECODING = "CLIENT_ERROR error decoding key";
const MODE_LENGTH = "CLIENT_ERROR incorrect length for M token";
const EITHER = "CLIENT_ERROR invalid or duplicate flag";

reads("asks what the command does", [
  ["mn", "mn(noop)"],
  ["mn q Oa", "mn(noop)"],
  ["mg a", "mg(get) a"],
  ["mg a v", "mg(get) a"],
  ["ms a 3", "ms(set) a +5"],
  ["md a", "md(delete) a"],
  ["ma a", "ma(incr) a"],
  ["me a", "me(-) a"],
]);

reads("asks what the mode of ms does", [
  ["ms a 3 MS", "ms(set) a +5"],
  ["ms a 3 ME", "ms(add) a +5"],
  ["ms a 3 MA", "ms(append) a +5"],
  ["ms a 3 MP", "ms(prepend) a +5"],
  ["ms a 3 MR", "ms(replace) a +5"],
  ["ms a 3 C7", "ms(cas) a +5"],
  ["ms a 3 MS C7", "ms(cas) a +5"],
  ["ms a 3 C7 MR", "ms(cas) a +5"],
  ["ms a 3 C7 ME", "ms(add) a +5"],
  ["ms a 3 C7 MA", "ms(append) a +5"],
  ["ms a 3 MA N0", "ms(append) a +5 also add"],
  ["ms a 3 MP N60", "ms(prepend) a +5 also add"],
  ["ms a 3 N60 T0", "ms(set) a +5"],
]);

reads("asks what the mode of ma does", [
  ["ma a MI", "ma(incr) a"],
  ["ma a M+", "ma(incr) a"],
  ["ma a MD", "ma(decr) a"],
  ["ma a M-", "ma(decr) a"],
  ["ma a N0 J5 D2 T9", "ma(incr) a also touch,add"],
]);

reads("asks also for what a flag makes a command do", [
  ["mg a v T30", "mg(get) a also touch"],
  ["mg a N30", "mg(get) a also add"],
  ["mg a T30 N30", "mg(get) a also touch,add"],
  ["mg a R30", "mg(get) a"],
  ["md a I T30", "md(delete) a also touch"],
  ["md a I", "md(delete) a"],
]);

reads("takes every flag that the server knows", [
  ["mg a b k O1 P L s t c f v h l u q", `mg(get) a perhaps O=1: ${DECODING}`],
  ["mg Zm9v b k O1 P L s t c f v h l u q", "mg(get) foo perhaps O=1"],
  ["ms a 3 F5 I T0 C1", "ms(cas) a +5"],
  ["md a C1 N0 R0 u", "md(delete) a"],
  ["ma a J1 D1 C1", "ma(incr) a"],
]);

reads("knows that a quiet request is answered perhaps", [
  ["mg a q", "mg(get) a perhaps"],
  ["ms a 3 q", "ms(set) a +5 perhaps"],
  ["md a q", "md(delete) a perhaps"],
  ["ma a q", "ma(incr) a perhaps"],
  ["me a q", "me(-) a"],
]);

reads("keeps the token of the O flag", [
  ["mg a O123 v", "mg(get) a O=123"],
  ["mg a O", "mg(get) a"],
  ["ms a 3 Oabc", "ms(set) a +5 O=abc"],
  [`mg a O${"x".repeat(40)}`, `mg(get) a O=${"x".repeat(40)}`],
]);

reads("decodes the key of the b flag", [
  ["mg Zm9v b v", "mg(get) foo"],
  ["mg Zm9v v b", "mg(get) foo"],
  ["ms Zm8= 3 b", "ms(set) fo +5"],
  ["md Zg== b", "md(delete) f"],
  ["ma Zm9v b", "ma(incr) foo"],
  ["me Zm9v b", "me(-) foo"],
  ["me Zm9v v b", "me(-) Zm9v"],
  ["me Zm9v bb", "me(-) Zm9v"],
  ["mg Zm9v", "mg(get) Zm9v"],
  ["mg Zm9v! b", "mg(get) foo ambiguous"],
  ["mg Zg==Zm9v b", "mg(get) f ambiguous"],
  ["me Zm9v! b", "me(-) foo ambiguous"],
  ["mg Z b", `mg(get) Z: ${DECODING}`],
  ["ms Z 3 b", `ms(set) Z +5: ${DECODING}`],
  ["md Z b", `md(delete) Z: ${EITHER}`],
  ["me Z b", `me(-) Z: ${FORMAT}`],
]);

reads("answers as the server does before it looks at flags", [
  ["mg", "mg(get): ERROR"],
  ["ms", "ms(set): ERROR"],
  ["md", "md(delete): ERROR"],
  ["ma", "ma(incr): ERROR"],
  ["me", `me(-): ${FORMAT}`],
  [`mg ${LONGER} zz`, `mg(get) ${LONGER}: ${FORMAT}`],
  [`md ${LONGER} zz`, `md(delete) ${LONGER}: ${FORMAT}`],
  [`ma ${LONGER} zz`, `ma(incr) ${LONGER}: ${FORMAT}`],
  [`me ${LONGER}`, `me(-) ${LONGER}: ${FORMAT}`],
  [`mg ${LONGEST}`, `mg(get) ${LONGEST}`],
  [
    `mg a${" v".repeat(18)}`,
    "mg(get) a: CLIENT_ERROR options flags are too long",
  ],
  [
    `md a${" v".repeat(18)}`,
    "md(delete) a: CLIENT_ERROR options flags too long",
  ],
  [`ma a${" v".repeat(40)}`, "ma(incr) a: CLIENT_ERROR options flags too long"],
  [`mg a${" v".repeat(17)}`, `mg(get) a: ${DUPLICATE}`],
]);

reads("takes no data block of ms where the server takes none", [
  ["ms a", `ms(set) a: ${FORMAT}`],
  [`ms ${LONGER} 3`, `ms(set) ${LONGER}: ${FORMAT}`],
  ["ms a x", `ms(set) a: ${FORMAT}`],
  ["ms a -1", `ms(set) a: ${FORMAT}`],
  ["ms a 2147483646", `ms(set) a: ${FORMAT}`],
  ["ms a S3", `ms(set) a: ${FORMAT}`],
  [
    `ms a 3${" q".repeat(17)}`,
    "ms(set) a: CLIENT_ERROR options flags too long",
  ],
]);

reads("takes the data block of ms behind an error in its flags", [
  ["ms a 3 z", `ms(set) a +5: ${INVALID}`],
  ["ms a 3 q q", `ms(set) a +5 perhaps: ${DUPLICATE}`],
  ["ms a 3 MX", "ms(set) a +5: CLIENT_ERROR invalid mode for ms M token"],
  ["ms a 3 Fx", `ms(set) a +5: ${FORMAT}`],
  ["ms a 3 Mconstructor", `ms(set) a +5: ${MODE_LENGTH}`],
  [`ms a 3${" q".repeat(16)}`, `ms(set) a +5 perhaps: ${DUPLICATE}`],
]);

reads("takes the length that the server takes, and says where that is odd", [
  ["ms a 0", "ms(set) a +2"],
  ["ms a 4294967299", "ms(set) a +5 ambiguous"],
  ["ms a +3", "ms(set) a +5 ambiguous"],
  ["ms a 3\t v", "ms(set) a +5 ambiguous"],
]);

reads("answers the error of a flag", [
  ["mg a v v", `mg(get) a: ${DUPLICATE}`],
  ["mg a O1 O2", `mg(get) a O=1: ${DUPLICATE}`],
  ["mg a \xe9", `mg(get) a: ${DUPLICATE}`],
  ["mg a \x7f", `mg(get) a: ${DUPLICATE}`],
  ["mg a z", `mg(get) a: ${INVALID}`],
  ["mg a E1", `mg(get) a: ${INVALID}`],
  ["mg a x", `mg(get) a: ${INVALID}`],
  ["mg a 5", `mg(get) a: ${INVALID}`],
  ["mg a noreply", `mg(get) a: ${INVALID}`],
  ["mg a Nx", `mg(get) a also add: ${TOKEN}`],
  ["mg a N", `mg(get) a also add: ${TOKEN}`],
  ["mg a Tx", `mg(get) a also touch: ${TOKEN}`],
  ["mg a Rx", `mg(get) a: ${TOKEN}`],
  ["mg a C-1", `mg(get) a: ${TOKEN}`],
  ["mg a F-1", `mg(get) a: ${FORMAT}`],
  ["mg a M", `mg(get) a: ${MODE_LENGTH}`],
  ["mg a MAA", `mg(get) a: ${MODE_LENGTH}`],
  ["mg a Jx", "mg(get) a: CLIENT_ERROR invalid numeric initial value"],
  ["mg a D", "mg(get) a: CLIENT_ERROR invalid numeric delta value"],
  ["ma a MX", "ma(incr) a: CLIENT_ERROR invalid mode for ma M token"],
  ["ma a Dx", `ma(incr) a: ${EITHER}`],
  ["md a z", `md(delete) a: ${EITHER}`],
]);

reads("answers the last of several errors, unless a flag ends the reading", [
  [
    "mg a Nx Dx",
    "mg(get) a also add: CLIENT_ERROR invalid numeric delta value",
  ],
  ["mg a Dx Nx", `mg(get) a also add: ${TOKEN}`],
  ["mg a Nx v v", `mg(get) a also add: ${DUPLICATE}`],
  ["mg a Nx z M", `mg(get) a also add: ${INVALID}`],
  ["mg a Dx Fx", "mg(get) a: CLIENT_ERROR invalid numeric delta value"],
  ["mg a Fx Dx", "mg(get) a: CLIENT_ERROR invalid numeric delta value"],
  ["mg Z b Tx", `mg(get) Z also touch: ${TOKEN}`],
]);

reads("reads flags as the server reads numbers", [
  ["mg a T-1", "mg(get) a also touch"],
  ["mg a T4294967296", "mg(get) a also touch"],
  ["mg a C18446744073709551615", "mg(get) a"],
  ["mg a C18446744073709551616", `mg(get) a: ${TOKEN}`],
  ["mg a F\t5", "mg(get) a"],
]);
