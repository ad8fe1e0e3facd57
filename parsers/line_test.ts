import { testParser } from "parley/testkit";
import line from "./line.ts";

testParser("line", line, [
  {
    name: "logs the policy's decision and its own",
    steps: [{ data: "PASS a\nDROP b\n" }],
    expect: [{
      log: [
        { verdict: "forwarded", fields: { line: "PASS a" } },
        { verdict: "denied", reason: "dropped", fields: { line: "DROP b" } },
      ],
    }],
  },
  {
    name: "takes a word only when it stands whole",
    steps: [{ data: "PASSED\n" }],
    total: { forward: "", closed: true },
  },
  {
    name: "closes on an empty line",
    steps: [{ data: "\n" }],
    total: { closed: true },
  },
  {
    name: "closes on a line without an end",
    steps: [{ data: "PASS " + "x".repeat(4096) }],
    expect: [{ out: "", closed: true, log: [{ reason: "frame-length" }] }],
  },
]);
