/** `parley inject`, as a process: its output is a manifest and nothing else. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { withFiles } from "./testing.ts";

const MAIN = new URL("../main.ts", import.meta.url).pathname;

/** Runs it with a text on standard input. */
async function inject(text: string, ...args: string[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", "--cached-only", MAIN, "inject", ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

const POD = `kind: Pod
metadata:
  name: cache
  annotations:
    parley.dev/ports: "11211"
spec:
  containers:
    - name: app
`;

Deno.test("parley inject -f - prints the pod with its sidecar; --remove prints it as it was", async () => {
  const { code, out, err } = await inject(POD, "-f", "-", "--image", "own:1");
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /- name: parley\n {6}image: own:1\n/);
  const back = await inject(out, "-f", "-", "--remove");
  assertEquals(back, { code: 0, out: POD, err: "" });
});

Deno.test("parley inject prints nothing of a pod that is refused", async () => {
  const text = POD.replace("spec:", "spec:\n  hostNetwork: true");
  const { code, out, err } = await inject(text, "-f", "-");
  assertEquals([code, out], [1, ""]);
  assertMatch(err, /^-: Pod cache: the pod has the network of its node/);
});

Deno.test("parley inject says which pods it leaves alone, and what their authors should know", () =>
  withFiles({
    "two.yaml": [
      POD.replace('"11211"', "1:2"),
      POD.replace("ports: ", "inject: disabled # "),
    ].join("---\n"),
  }, async (folder) => {
    const file = `${folder}/two.yaml`;
    const { code, err } = await inject("", "-f", file);
    assertEquals(code, 0);
    const [first, second] = err.trim().split("\n");
    assertMatch(first!, /two\.yaml: Pod cache: note: nothing redirects port 2/);
    assertMatch(
      second!,
      /two\.yaml: Pod cache: note: left as it is: .*disabled/,
    );
  }));

Deno.test("parley inject refuses an image that is none", async () => {
  const { code, out, err } = await inject(POD, "-f", "-", "--image", "");
  assertEquals([code, out], [2, ""]);
  assertMatch(err, /--image "" is no image; write its name/);
});

Deno.test("parley inject needs a file", async () => {
  const { code, err } = await inject("");
  assertEquals(code, 2);
  assertMatch(err, /required option '-f, --file <file>'/);
});
