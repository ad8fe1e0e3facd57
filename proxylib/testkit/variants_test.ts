import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { latin1 } from "../text.ts";
import { type Step, toBytes } from "./case.ts";
import { concat, variants } from "./variants.ts";

/** Steps as text: ">ab" from the client, "<ab" from the server, "$" for the end. */
function drawn(steps: readonly Step[]): string {
  return steps.map(({ reply, data, end }) =>
    `${reply ? "<" : ">"}${latin1(toBytes(data))}${end ? "$" : ""}`
  ).join(" ");
}

Deno.test("variants cut at every byte, byte by byte, and with runs in one read", () => {
  const steps: Step[] = [
    { data: "ab" },
    { data: "c" },
    { reply: true, data: "de" },
    { data: "f", end: true },
  ];
  assertEquals(
    [...variants(steps)].map(({ name, steps }) => [name, drawn(steps)]),
    [
      ["several frames in a read", ">abc <de >f$"],
      ["byte by byte", ">a >b >c <d <e >f$"],
      ["step 0 split at byte 1", ">a >b >c <de >f$"],
      ["step 2 split at byte 1", ">ab >c <d <e >f$"],
    ],
  );
});

Deno.test("variants keep an end at the last piece of its step", () => {
  const cuts = [...variants([{ data: "abc", end: true }])];
  assertEquals(cuts.map(({ steps }) => drawn(steps)), [
    ">a >b >c$",
    ">a >bc$",
    ">ab >c$",
  ]);
});

Deno.test("variants keep every byte, also of a text that is not ASCII", () => {
  for (const { name, steps } of variants([{ data: "é🤖" }, { data: "" }])) {
    assertEquals(
      concat(steps.map(({ data }) => toBytes(data))),
      toBytes("é🤖"),
      name,
    );
  }
});

Deno.test("variants of a long conversation are bounded, its start cut most densely", () => {
  const cuts = [...variants([{ data: new Uint8Array(100_000) }])];
  assert(cuts.length <= 602, `${cuts.length} cuts`);
  const points = cuts.map(({ steps }) => steps[0]!.data.length);
  assertEquals(
    points.slice(0, 300),
    Array.from({ length: 300 }, (_, i) => i + 1),
  );
  assert(points.at(-1)! > 99_000);
});
