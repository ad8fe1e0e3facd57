import { testParser } from "parley/testkit";
import NAME from "./NAME.ts";

// Every case also runs cut at every byte, byte by byte, and with all in one read.
testParser("NAME", NAME, [
  {
    name: "passes what a rule allows and denies the rest in its turn",
    rules: [{ verb: "READ", object: "^public/" }],
    steps: [
      { data: "READ public/a\r\nWRITE public/a b\r\nREAD secret\r\n" },
      { reply: true, data: "OK a\r\n" },
    ],
    total: {
      forward: "READ public/a\r\n",
      reply: "OK a\r\nERROR access denied\r\nERROR access denied\r\n",
      closed: false,
    },
  },
  {
    name: "waits for the rest of a line",
    steps: [{ data: "READ publ" }],
    total: { forward: "", reply: "", closed: false },
  },
  {
    name: "does not forward a line that ends early",
    rules: [{ verb: "READ" }],
    steps: [{ data: "READ a\nWRITE b\r\n" }],
    total: { forward: "", closed: false },
    absent: { forward: ["WRITE"] },
  },
]);
