import { testParser } from "parley/testkit";
import block from "./block.ts";

testParser("block", block, [
  {
    name: "passes a long block without holding its data",
    steps: [{ data: "99999:PASS xy" }],
    expect: [{ out: "99999:PASS xy" }],
  },
  {
    name: "counts the prefix in the length",
    steps: [{ data: "6:PASS07:DROP" }],
    total: { forward: "6:PASS", closed: false },
  },
  {
    name: "logs word and length",
    rules: null,
    steps: [{ data: "8:PASS x" }],
    expect: [{
      out: "",
      log: [{ verdict: "denied", fields: { word: "PASS", length: 8 } }],
    }],
  },
]);

const BAD = [
  [":PASS", "frame-type"],
  ["x:PASS", "frame-type"],
  ["-6:PASS", "frame-type"],
  ["6 :PASS", "frame-type"],
  ["100000:PASS", "frame-type"],
  ["0:", "frame-length"],
  ["2:", "frame-length"],
  ["8:PASSED", "frame-type"],
  ["3:P", "frame-type"],
];

testParser(
  "block",
  block,
  BAD.map(([data, reason]) => ({
    name: `closes on ${data} with ${reason}`,
    steps: [{ data: data! }],
    expect: [{ closed: true, log: [{ reason: reason! }] }],
    total: { forward: "" },
  })),
);
