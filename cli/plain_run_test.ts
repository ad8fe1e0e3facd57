import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { plainRun } from "./plain_run.ts";

const READ = [
  { args: "run", options: {} },
  { args: "run -c a.yaml", options: { config: "a.yaml" } },
  { args: "run --config a.yaml", options: { config: "a.yaml" } },
  { args: "run -c a.yaml -c b.yaml", options: { config: "b.yaml" } },
  {
    args: "run --listen :1 --upstream unix:a --l7proto r2d2 --portable",
    options: {
      listen: ":1",
      upstream: "unix:a",
      l7proto: "r2d2",
      portable: true,
    },
  },
];

for (const { args, options } of READ) {
  Deno.test(`plainRun() reads ${args}`, () => {
    assertEquals(plainRun(args.split(" ")), options);
  });
}

const LEFT = [
  "",
  "check -c a.yaml",
  "run --help",
  "run -c",
  "run -c -x",
  "run -ca.yaml",
  "run --config=a.yaml",
  "run a.yaml",
  "run --constructor a",
  "run constructor a",
  "run -c a.yaml --verbose",
];

for (const args of LEFT) {
  Deno.test(`plainRun() leaves to the option parser: ${args}`, () => {
    assertEquals(plainRun(args.split(" ")), undefined);
  });
}
