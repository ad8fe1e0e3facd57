/** A parser that ships vectors is held to them before it serves. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { ignore, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";

const parser = (word: string) => `
import { bytes, defineProtocol, latin1, line, z } from "parley/proxylib";
export default defineProtocol({
  description: "lines",
  rule: z.record(z.string(), z.string()),
  matches: () => true,
  frame: (data, seen) => line(data, seen, 1000),
  request: (head) => latin1(head, 0, head.length - 1),
  fields: (text) => ({ text }),
  refuse: () => ({ answer: bytes("${word}\\n") }),
  deny: () => undefined,
  reply: (data, seen) => line(data, seen, 1000),
});
`;
const hex = (text: string) => new TextEncoder().encode(text).toHex();
const VECTORS = JSON.stringify({
  name: "every line is answered with yes",
  l7proto: "lines",
  rules: [],
  steps: [{ reply: false, data: hex("a\n") }],
  expect: [{ back: hex("yes\n") }],
});

Deno.test({
  name:
    "a version whose own vectors do not hold is refused by name, and the one before serves on",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: {
        listeners: [{ name: "a", upstream: server.address, l7proto: "lines" }],
      },
      parsers: { "lines.ts": parser("yes"), "lines.vectors.jsonl": VECTORS },
    });
    using wire = await parley.connect("a");
    assertEquals(await wire.ask("x\n", "\n"), "yes\n");
    await parley.saveParser("lines.ts", parser("no"));
    const refused = await parley.until(/Cannot load parser lines /);
    assertMatch(
      refused,
      /lines\.vectors\.jsonl: every line is answered with yes: /,
    );
    assertEquals(await wire.ask("x\n", "\n"), "yes\n");
    const from = parley.said.length;
    await parley.saveParser("lines.ts", `${parser("yes")}// again\n`);
    await parley.until(/parser lines@\w+ serves/, from);
    assertEquals(await wire.ask("x\n", "\n"), "yes\n");
  },
});

/** A parser whose rules have one key. */
const ruled = (key: string) =>
  parser("yes").replace(
    "z.record(z.string(), z.string())",
    `z.strictObject({ ${key}: z.string() })`,
  );

Deno.test({
  name:
    "a version that does not take a rule in force is refused, and the one before judges on; both may change together",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: {
        policies: ["policies/"],
        listeners: [{ name: "a", upstream: server.address, port: 7 }],
      },
      parsers: { "lines.ts": ruled("word") },
      policies: { "guard.json": guard("word") },
    });
    using wire = await parley.connect("a");
    assertEquals(await wire.ask("x\n", "\n"), "yes\n");
    await parley.saveParser("lines.ts", ruled("phrase"));
    assertMatch(
      await parley.until(/Cannot serve parser lines@/),
      /it does not take a rule that is in force: .*guard\.json/,
    );
    assertEquals(await wire.ask("x\n", "\n"), "yes\n");
    const from = parley.said.length;
    await parley.savePolicy("guard.json", guard("phrase"));
    await parley.until(/policy version \d+ is in force/, from);
    await parley.until(/parser lines@\w+ serves/, from);
    assertEquals(await wire.ask("x\n", "\n"), "yes\n");
  },
});

function guard(key: string): string {
  return JSON.stringify({
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { name: "guard" },
    spec: {
      endpointSelector: { matchLabels: { app: "guarded" } },
      ingress: [{
        fromEntities: ["all"],
        toPorts: [{
          ports: [{ port: "7", protocol: "TCP" }],
          rules: { l7proto: "lines", l7: [{ [key]: "x" }] },
        }],
      }],
    },
  });
}
