/** A page that one process writes and another one reads. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { PAGE_BYTES, SharedPages } from "./shared_page.ts";
import { Processes } from "./processes.ts";

const ignore = Deno.build.os !== "linux";
/** Opened once: the runtime counts it among what a test leaves behind. */
const pages = ignore ? undefined! : new SharedPages();
const processes = ignore ? undefined! : new Processes();

/** Writes what it is told at once, then spins until it is killed; or tries to resize the page. */
const WRITER = `
import { mapPage } from ${
  JSON.stringify(import.meta.resolve("./shared_page.ts"))
};
import { openLibc } from ${JSON.stringify(import.meta.resolve("./libc.ts"))};
const fd = Number(Deno.args[0]);
const libc = openLibc({ ftruncate: { parameters: ["i32", "i64"], result: "i32" } });
console.log(libc.symbols.ftruncate(fd, 0n), libc.symbols.ftruncate(fd, 1n << 30n));
const words = new Int32Array(mapPage(fd));
await Deno.permissions.revoke({ name: "ffi" });
words[0] = 42;
console.log("written");
for (;;) words[1]++;
`;

Deno.test({
  name:
    "what a process writes is read while it does nothing else; it cannot resize the page",
  ignore,
  async fn() {
    const file = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(file, WRITER);
    const page = pages.create();
    assertEquals([...page.read(8).subarray(0, 8)], [0, 0, 0, 0, 0, 0, 0, 0]);
    const child = page.whileInherited(() =>
      new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "-A", "-q", "--no-check"],
          ...[file, String(page.descriptor)],
        ],
        stdin: "null",
        stdout: "piped",
        stderr: "inherit",
      }).spawn()
    );
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    while (!said.includes("written")) said += (await lines.read()).value;
    assertEquals(said, "-1 -1\nwritten\n");
    const count = () => {
      const view = new DataView(page.read(8).buffer);
      return [view.getInt32(0, true), view.getInt32(4, true)] as const;
    };
    const [word, first] = count();
    assertEquals(word, 42);
    const before = processes.cpu(child.pid)!;
    while (count()[1] === first) await new Promise((next) => setTimeout(next));
    while (processes.cpu(child.pid)! === before) {
      await new Promise((next) => setTimeout(next));
    }
    child.kill("SIGKILL");
    await lines.cancel();
    await child.status;
    assertEquals(count()[0], 42, "it outlives whoever wrote it");
    page.close();
    await Deno.remove(file);
  },
});

Deno.test({
  name: "a process's own memory is less than what it has reserved",
  ignore,
  fn() {
    const [own, reserved] = [
      processes.memory(Deno.pid)!,
      processes.reserved(Deno.pid)!,
    ];
    assertEquals(
      own > PAGE_BYTES && own < reserved,
      true,
      `${own} ${reserved}`,
    );
    assertEquals(own % PAGE_BYTES, 0);
  },
});

Deno.test({
  name: "of a process that is not there nothing is known",
  ignore,
  fn() {
    const nobody = 2 ** 22 + 1; // above the highest number that Linux gives
    assertEquals(processes.cpu(nobody), undefined);
    assertEquals(processes.memory(nobody), undefined);
    assertEquals(processes.reserved(nobody), undefined);
  },
});
