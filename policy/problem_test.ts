import { deepStrictEqual as assertEquals } from "node:assert/strict";
import {
  formatPath,
  formatProblem,
  nearMiss,
  type Problem,
} from "./problem.ts";

const problem: Problem = {
  severity: "error",
  code: "port.parse",
  file: "fleet.yaml",
  line: 3,
  column: 7,
  path: "spec.ingress[0].toPorts[0]",
  message: '"x" is not a port',
  mend: "write a number",
};

Deno.test("formatProblem() says what, where and how to mend on one line", () => {
  assertEquals(
    formatProblem(problem),
    'fleet.yaml:3:7: "x" is not a port [port.parse] at spec.ingress[0].toPorts[0]: write a number',
  );
});

Deno.test("formatProblem() marks a warning, and leaves out the path of the root", () => {
  assertEquals(
    formatProblem({ ...problem, severity: "warning", path: "" }),
    'fleet.yaml:3:7: warning: "x" is not a port [port.parse]: write a number',
  );
});

Deno.test("formatProblem() lets nothing from a file break the line or reach the terminal", () => {
  const message = "found a\nb\u001b[31m\u2028";
  assertEquals(
    formatProblem({ ...problem, message, path: "" }),
    "fleet.yaml:3:7: found a\\u000ab\\u001b[31m\\u2028 [port.parse]: write a number",
  );
});

Deno.test("formatPath() quotes keys that are not words", () => {
  assertEquals(
    formatPath([0, "matchLabels", "k8s:app", "x"]),
    '[0].matchLabels["k8s:app"].x',
  );
});

const NEAR = [
  { found: "HTTP", want: 'write "http": only the case differs' },
  { found: "comand", want: 'write "command", if that is what was meant' },
  { found: "htp", want: 'write "http", if that is what was meant' },
  { found: "xyzzy", want: undefined },
  { found: "x".repeat(10_000), want: undefined },
];

for (const { found, want } of NEAR) {
  Deno.test(`nearMiss() of ${found.slice(0, 10)} is ${want ?? "nothing"}`, () => {
    assertEquals(nearMiss(found, ["http", "command"]), want);
  });
}
