import { testParser } from "parley/testkit";
import passer from "./passer.ts";

testParser("passer", passer, [{
  name: "passes and logs nothing, however unfinished",
  rules: null,
  steps: [
    { data: "half a li", end: true },
    { reply: true, data: "whole\r\n" },
  ],
  expect: [{ out: "half a li", log: [] }, { out: "whole\r\n", log: [] }],
}]);
