import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { Denials } from "./denials.js";
import type { Line } from "./words.js";

function denial(command: string, key: string, address = "10.0.0.7"): Line {
  return {
    time: "2026-11-24T06:00:00.123456Z",
    type: "request",
    verdict: "denied",
    direction: "ingress",
    source: { address: `${address}:1`, labels: ["reserved:world"] },
    destination: { address: "127.0.0.1:11211", labels: [] },
    l7proto: "memcache",
    reason: "no-rule",
    fields: { command, keys: [key] },
  };
}

Deno.test("Denials are one entry for each peer and action, the most frequent first", () => {
  const denials = new Denials();
  denials.add(denial("set", "a"));
  denials.add(denial("get", "a"));
  denials.add(denial("get", "b"));
  denials.add(denial("get", "a", "10.0.0.8"));
  assertEquals(
    denials.top().map(({ action, times, objects }) => [
      action,
      times,
      [...objects],
    ]),
    [["get", 2, ["a", "b"]], ["set", 1, ["a"]], ["get", 1, ["a"]]],
  );
});

Deno.test("Denials are bounded: in kinds, and in objects of a kind, whoever sends them", () => {
  const denials = new Denials();
  for (let i = 0; i < 1000; i++) {
    denials.add(denial("get", `key${i}`));
    denials.add(denial(`command${i}`, "x"));
  }
  assertEquals(denials.size, 200);
  const [most] = denials.top(1);
  assertEquals(most!.times, 1000);
  assertEquals([...most!.objects], ["key996", "key997", "key998", "key999"]);
});
